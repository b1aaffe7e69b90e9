"""Start nbval by forking a process that has imported it: half a second less for each submission.

The grader has threads, and a process with threads cannot safely be forked. So it asks a
process of its own, which has none, through a socket.
"""

import contextlib
import ctypes
import functools
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path

from staff.grade.sandbox import ROOT

MAX_REQUEST = 100_000
PR_SET_PDEATHSIG = 1
_lock = threading.Lock()


class Process:
    """A process that another one has forked: what is needed of `subprocess.Popen`."""

    def __init__(self, pid: int, handle: int) -> None:
        self.pid = pid
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)
        weakref.finalize(self, os.close, handle)

    def poll(self) -> int | None:
        """Return None while it runs."""
        return 0 if self._poll.poll(0) else None

    def wait(self, timeout: float | None = None) -> None:
        """Wait for its end; raise TimeoutExpired where that does not come within `timeout` s."""
        if not self._poll.poll(None if timeout is None else 1000 * timeout):
            raise subprocess.TimeoutExpired("pytest", timeout)


def start_pytest(words: list[str], folder: Path, environment: dict[str, str]) -> Process:
    """Start pytest with these arguments, in a folder, with this environment and no other.

    Raises
    ------
    OSError
        Where it cannot be started.
    """
    request = {"words": words, "folder": str(folder), "environment": environment}
    with _lock:
        try:
            connection, _ = _server()
            connection.send(json.dumps(request).encode())
            pid, (handle,), _, _ = socket.recv_fds(connection, 100, 1)
        except (OSError, ValueError):
            _server.cache_clear()
            raise OSError("the process that starts nbval has ended") from None
    return Process(int(pid), handle)


@functools.lru_cache
def _server() -> tuple[socket.socket, subprocess.Popen]:
    """Start the process that forks; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    words = [sys.executable, "-m", "staff.grade.forkserver", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours, process


# In the process that forks --------------------------------------------------------------


def serve(connection: socket.socket) -> None:
    """Fork for each request; answer with the child's number and a handle to it."""
    _import_once()
    server = os.getpid()
    while request := connection.recv(MAX_REQUEST):
        _forget_ended()
        pid = os.fork()
        if pid == 0:
            connection.close()
            _run(server, **json.loads(request))
        handle = os.pidfd_open(pid)
        socket.send_fds(connection, [str(pid).encode()], [handle])
        os.close(handle)


def _import_once() -> None:
    """Import what every child needs; what lies in memory now is no garbage of theirs."""
    import IPython  # noqa: F401
    import nbval.plugin  # noqa: F401
    import pytest

    import staff.grade.plugin  # noqa: F401

    pytest.main(["--version"])  # this loads pytest's own plugins
    gc.freeze()


def _forget_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _run(server: int, words: list[str], folder: str, environment: dict[str, str]) -> None:
    """Run pytest in the child. It ends with the process that forked, and with it the sandbox."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # too late for that
        os._exit(1)
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # it was chosen by the old environment
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    import pytest

    os._exit(pytest.main(words))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
