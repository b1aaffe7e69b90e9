"""Execute cells through unmodified nbval, in a process that can be killed with all below it."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import nbformat
import psutil

from staff.grade.forkserver import Process, start_pytest
from staff.grade.sandbox import Sandbox

POLL_S = 0.1
RESERVE_MB = 300
KERNEL = "coursekit"
# As ipykernel_launcher does it, but without the debugger, whose import takes a third of the start.
LAUNCH = """
import sys
sys.path.remove("")
sys.modules["debugpy"] = None
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


@dataclass(frozen=True)
class CellResult:
    """What became of one cell: only "passed" is good; `answers` are the payloads it displayed."""

    outcome: str = "missing"
    answers: tuple = ()
    text: str = ""
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Execution:
    """What became of all cells.

    `end` is "complete"; "time", "memory" or "threads" where a limit was hit; "crowded" where
    the machine ran out of memory; or "trouble", where the grader itself failed and `why`
    says how.
    """

    end: Literal["complete", "time", "memory", "threads", "crowded", "trouble"]
    cells: tuple[CellResult, ...]
    seconds: float
    why: str = field(default="")


def execute(sources: list[str], sandbox: Sandbox, hash_seed: int = 0) -> Execution:
    """Execute cells in one kernel, in their order, and return what became of each.

    An exception in a cell does not stop the ones behind it.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _write_notebook(folder / "submission.ipynb", sources)
        _write_kernelspec(folder / "kernels" / KERNEL, sandbox, hash_seed)
        end = watch(_start(folder, sandbox), sandbox)
        report = folder / "report.jsonl"
        text = report.read_text(encoding="utf-8") if report.exists() else ""
    return _read_report(text, len(sources), end, time.monotonic() - start)


def _write_notebook(path: Path, sources: list[str]) -> None:
    cells = [nbformat.v4.new_code_cell(s, id=f"cell-{i}") for i, s in enumerate(sources)]
    text = json.dumps(nbformat.v4.new_notebook(cells=cells))
    path.write_text(text, encoding="utf-8")


def _write_kernelspec(folder: Path, sandbox: Sandbox, hash_seed: int) -> None:
    """Name our provisioner. A command from here on is a kernel's, never a submission's."""
    options = ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]
    spec = {
        "argv": ["python", "-c", LAUNCH, *options],
        "display_name": KERNEL,
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {
            "kernel_provisioner": {
                "provisioner_name": "coursekit-sandbox",
                "config": {"sandbox": asdict(sandbox), "hash_seed": hash_seed},
            }
        },
    }
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _start(folder: Path, sandbox: Sandbox) -> Process:
    """Start pytest with nbval and our plugin: no other plugin, no conftest, no settings."""
    words = ["-q", "-s", "--tb=no", "-c", os.devnull]
    # Without `--confcutdir`, pytest looks through all that lies beside the folder.
    words += ["--rootdir", str(folder), "--confcutdir", str(folder), "--noconftest"]
    words += ["-p", "no:cacheprovider"]
    words += ["-p", "staff.grade.plugin", "-p", "nbval.plugin", "--nbval-lax"]
    words += ["--nbval-kernel-name", KERNEL, "--nbval-cell-timeout", str(sandbox.limits.cell_s)]
    words += ["--grade-report", str(folder / "report.jsonl"), "submission.ipynb"]
    environment = {
        "HOME": str(folder),
        "JUPYTER_PATH": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TMPDIR": str(folder),
    }
    return start_pytest(words, folder, environment)


def watch(process: Process | subprocess.Popen, sandbox: Sandbox) -> str:
    """Wait for the end; kill everything where a limit is hit. Return which, or "complete".

    Not all memory is counted as a process's. So all is killed, too, where the machine runs
    out of it: that ends whoever took it, and the others are tried again.
    """
    limits, deadline = sandbox.limits, time.monotonic() + sandbox.limits.wall_s
    end = "complete"
    try:
        while process.poll() is None and end == "complete":
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
            used, threads = _usage(process.pid)
            if time.monotonic() > deadline:
                end = "time"
            elif used > limits.memory_mb * 1e6:
                end = "memory"
            elif threads > limits.threads:
                end = "threads"
            elif psutil.virtual_memory().available < RESERVE_MB * 1e6:
                end = "crowded"
    finally:
        _kill(process)
    return end


def _usage(pid: int) -> tuple[float, int]:
    """Return the memory in bytes and the number of threads of `pid` and all below it."""
    used, threads = 0.0, 0
    nameless: dict[int, int] = {}
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):  # it has ended
            threads += process.num_threads()
            used += process.memory_info().rss
        with contextlib.suppress(OSError):  # it has ended, or hides its files
            nameless |= _nameless(process.pid)
    return used + sum(nameless.values()), threads


def _nameless(pid: int) -> dict[int, int]:
    """Return the bytes in memory of a process's files without a name, by inode.

    Such a file, which `memfd_create` makes, is no part of the process and in no folder.
    """
    sizes = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # it has been closed
            if path.readlink().as_posix().startswith("/memfd:"):
                status = path.stat()
                sizes[status.st_ino] = status.st_blocks * 512
    return sizes


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _kill(process: Process | subprocess.Popen) -> None:
    """Kill a process and all below it; the end of bubblewrap ends everything in its sandbox."""
    for member in _family(process.pid):
        try:
            member.kill()
        except psutil.Error:
            continue
    process.wait()


def _read_report(text: str, count: int, end: str, seconds: float) -> Execution:
    """Read what the plugin wrote; a line that was cut off when all was killed is left out."""
    cells, whole, why = [CellResult()] * count, False, ""
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            break
        if "cell" in found:
            fields = {name: found[name] for name in ("outcome", "text", "error", "seconds")}
            cells[found["cell"]] = CellResult(answers=tuple(found["answers"]), **fields)
        elif "trouble" in found:
            why = why or found["trouble"]
        else:
            whole = found["end"] == count
    if end == "complete" and (why or not whole):
        end, why = "trouble", why or "nbval ended before its report was whole"
    return Execution(end, tuple(cells), seconds, why)
