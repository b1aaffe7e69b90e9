"""The kernel of nbval's choice, run in the sandbox: a provisioner and a client for jupyter_client.

nbval stays as it is. It starts the kernel that a kernelspec names; ours names this
provisioner, and the provisioner names the client.
"""

import asyncio
import contextlib
import json
import os
import select
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from queue import Empty
from typing import Any

import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Dict, Int

from staff.grade.sandbox import RUN, Limits, Sandbox

MIME = "application/vnd.coursekit.answer+json"
DISPLAYS = ("display_data", "execute_result", "update_display_data")
MAX_TEXT = 20_000
START_S = 60


class SandboxProvisioner(LocalProvisioner):
    """Start a kernel in the sandbox and reach it through sockets that lie inside of it.

    The sockets are files in the sandbox's own memory, seen from here under
    `/proc/<pid>/root`. So the two share no folder that the kernel could fill or litter.
    """

    sandbox = Dict(help="fields of the Sandbox").tag(config=True)
    hash_seed = Int(0, help="PYTHONHASHSEED of the kernel").tag(config=True)

    def _sandbox(self) -> Sandbox:
        return Sandbox(**{**self.sandbox, "limits": Limits(**self.sandbox["limits"])})

    async def pre_launch(self, **kwargs: object) -> dict[str, Any]:
        """Choose sockets instead of ports, and our client."""
        self.folder = tempfile.mkdtemp(prefix="kernel-")
        manager = self.parent
        manager.transport, manager.cache_ports = "ipc", False
        manager.ip = f"{self.folder if self._sandbox().trusted else RUN}/s"
        manager.client_class = f"{__name__}.QuietClient"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: object) -> dict[str, Any]:
        """Launch the kernel, and return where its sockets are."""
        sandbox = self._sandbox()
        kwargs["env"] = sandbox.environment(self.hash_seed)
        connection = f"{self.folder}/connection.json"
        shutil.copy(self.parent.connection_file, connection)
        cmd = [*cmd, "-f", connection if sandbox.trusted else f"{RUN}/connection.json"]
        if sandbox.trusted:
            kwargs["cwd"] = self.folder
            found = await super().launch_kernel(cmd, **kwargs)
            await self._bound(self.parent.ip)
            return found
        read, write = os.pipe()
        try:
            cmd = sandbox.command(cmd, connection, write)
            found = await super().launch_kernel(cmd, pass_fds=(write,), **kwargs)
        finally:
            os.close(write)
        ip = f"/proc/{_inner_process(read)}/root{RUN}/s"
        await self._bound(ip)
        return {**found, "ip": ip}

    async def _bound(self, ip: str) -> None:
        """Wait until the kernel listens on all its sockets, or has ended."""
        deadline = time.monotonic() + START_S
        while not all(_listens(f"{ip}-{port}") for port in self.parent.ports):
            if await self.poll() is not None or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.02)

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and wait for its end, which comes at once; the manager looks rarely."""
        await super().kill(restart)
        for _ in range(1000):
            if await self.poll() is not None:
                break
            await asyncio.sleep(0.002)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the folder with the connection file."""
        await super().cleanup(restart)
        shutil.rmtree(self.folder, ignore_errors=True)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _whole(message: dict[str, Any]) -> bool:
    """Return whether a message has the parts that are looked at."""
    content, kind = message["content"], message["msg_type"]
    parts = [content, message["parent_header"]]
    if kind in DISPLAYS and isinstance(content, dict):
        parts += [content.get("data"), content.get("metadata")]
    return isinstance(kind, str) and all(isinstance(part, dict) for part in parts)


def _inner_process(read: int) -> int:
    """Return the number of the sandbox's first process, which bubblewrap tells as JSON."""
    text = b""
    with contextlib.closing(os.fdopen(read, "rb", buffering=0)) as pipe:
        while select.select([pipe], [], [], START_S)[0]:
            part = pipe.read(4096)
            text += part
            if not part or b"}" in text:
                break
    try:
        return int(json.loads(text)["child-pid"])
    except (ValueError, KeyError):
        raise RuntimeError("bubblewrap did not start") from None


class QuietClient(BlockingKernelClient):
    """A client that keeps what grading needs, and notices a dead kernel at once.

    Texts are cut and pictures dropped, so that a flood of output costs no memory. The time
    limits hold while messages pour in. What is no message of a kernel's is dropped: a
    submission can write to the sockets, too.
    """

    _written = ("", 0)

    def _context_default(self) -> zmq.Context:
        """Connect once: a submission could put a link to another socket in place of its own."""
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, -1)
        return context

    def start_channels(self, **channels: bool) -> None:
        """Connect, but without the heartbeat, which would connect again and again."""
        super().start_channels(**{**channels, "hb": False})

    def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for the first reply. That messages arrive, too, nbval makes sure of itself."""
        self.kernel_info()
        try:
            self.get_shell_msg(timeout=timeout or START_S)
        except Empty:
            raise RuntimeError("the kernel does not answer") from None

    def get_iopub_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message that matters; raise Empty after `timeout` seconds."""
        deadline = time.monotonic() + (timeout or 0)
        while True:
            message = self._next(super().get_iopub_msg, deadline)
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                if not self._room(message):
                    continue
            elif kind in DISPLAYS:
                content["data"] = {k: v for k, v in content["data"].items() if k == MIME}
                content["metadata"] = {}
            elif kind not in ("status", "error"):
                continue
            return message

    def get_shell_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next reply; raise Empty after `timeout` seconds or when the kernel is dead."""
        return self._next(super().get_shell_msg, time.monotonic() + (timeout or 0))

    def _next(self, get: Callable[..., dict[str, Any]], deadline: float) -> dict[str, Any]:
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = get(timeout=min(left, 0.5))
            except Empty:
                if not self.parent.is_alive():
                    break
            except Exception:  # not signed, no JSON, no parts: nothing that a kernel sends
                continue
            else:
                if _whole(message):
                    return message
        raise Empty

    def _room(self, message: dict[str, Any]) -> bool:
        """Cut the text of a message to what its cell may still write; return if any is left."""
        cell = message["parent_header"].get("msg_id", "")
        before = self._written[1] if self._written[0] == cell else 0
        text = str(message["content"].get("text", ""))[: max(0, MAX_TEXT - before)]
        self._written = (cell, before + len(text))
        message["content"]["text"] = text
        return bool(text)
