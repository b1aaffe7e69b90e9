"""The sandbox: what a kernel that runs foreign code can see, and how much it may use."""

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from staff import ROOT
from staff.grade import GradeError

HOME = "/home/student"
COURSE = "/course"
RUN = "/run/kernel"
DATA = "/data"

# What a Python environment needs of the system; nothing of it is anybody's secret.
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")

# The moving picture of lesson 01 would take a fifth of the time of grading.
UNSEEN = """

def animate_sliding_kernel(*values, **named):
    pass
"""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Parameters
    ----------
    wall_s, cell_s : float
        Seconds for the whole submission and for one cell.
    memory_mb : int
        Memory of all its processes together.
    threads : int
        Threads of all its processes together.
    files_mb : int
        Size of each of the four folders it may write; they lie in memory.
    """

    wall_s: float = 300
    cell_s: float = 60
    memory_mb: int = 4096
    threads: int = 256
    files_mb: int = 128


@dataclass(frozen=True)
class Sandbox:
    """How kernels are run: a folder with what they are shown, and their limits.

    Parameters
    ----------
    folder : str
        Holds compiled copies of coursekit and matplotlib's list of fonts; see `prepare`.
    data : str
        A folder with data sets that kernels may read, or empty.
    trusted : bool
        Run kernels without the sandbox.
    oracles : bool
        Show the coursekit whose checks hold the right answers. Graded cells run without.
    """

    folder: str
    data: str = ""
    trusted: bool = False
    limits: Limits = Limits()
    oracles: bool = True

    def environment(self, hash_seed: int) -> dict[str, str]:
        """Return the whole environment of a kernel; nothing of the grader's is in it."""
        names = {
            "HOME": self.folder if self.trusted else HOME,
            "MPLCONFIGDIR": self._fonts if self.trusted else f"{HOME}/matplotlib",
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
            "MPLBACKEND": "module://undrawn",
            "PYTHONPATH": self._course if self.trusted else COURSE,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": str(hash_seed),
            "LANG": "C.UTF-8",
            "COURSEKIT_QUICK": "1",
            "COURSEKIT_OFFLINE": "1",
        }
        # There are as many workers as processors.
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            names[name] = "1"
        if self.data:
            names["COURSEKIT_DATA"] = self.data if self.trusted else DATA
        return names

    def command(self, kernel: list[str], connection: str, info: int) -> list[str]:
        """Return the command that runs a kernel in the sandbox.

        Parameters
        ----------
        kernel : list of str
            The kernel's own command.
        connection : str
            The kernel's connection file; it appears as `connection.json` in RUN.
        info : int
            A file descriptor on which bubblewrap tells the process's number.
        """
        size = str(self.limits.files_mb * 1_000_000)
        shown = {self._course: COURSE, connection: f"{RUN}/connection.json"}
        for path in Path(self._fonts).glob("fontlist-*.json"):
            shown[str(path)] = f"{HOME}/matplotlib/{path.name}"
        if self.data:
            shown[self.data] = DATA
        words = ["prlimit", "--core=0", f"--fsize={size}", "--nofile=1024", "bwrap"]
        words += ["--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
        words += ["--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--new-session"]
        words += ["--die-with-parent", "--info-fd", str(info)]
        # A kernel that knows its parent's number looks for it, and ends when it sees no such.
        words += ["--unsetenv", "JPY_PARENT_PID"]
        # Empty folders come first: what is shown may lie below one of them.
        words += ["--proc", "/proc", "--dev", "/dev"]
        for path in ("/tmp", HOME, RUN, "/dev/shm"):
            words += ["--size", size, "--tmpfs", path]
        for path in dict.fromkeys((*SYSTEM, sys.base_prefix, sys.prefix)):
            words += show_system(path)
        for outside, inside in shown.items():
            words += ["--ro-bind", outside, inside]
        # bubblewrap's own / and /dev lie in memory and could be filled without a limit.
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME]
        return [*words, "--", *kernel]

    @property
    def _course(self) -> str:
        return f"{self.folder}/{'course' if self.oracles else 'course-without-oracles'}"

    @property
    def _fonts(self) -> str:
        return f"{self.folder}/matplotlib"


def show_system(path: str) -> list[str]:
    """Return the words that show a path of the system as it is: a link stays a link."""
    if Path(path).is_symlink():
        return ["--symlink", str(Path(path).readlink()), path]
    return ["--ro-bind-try", path, path]


def prepare(folder: Path, limits: Limits, trusted: bool = False) -> Sandbox:
    """Fill a folder with what kernels are shown: made once, used by many submissions.

    Raises
    ------
    GradeError
        Where bubblewrap cannot run and submissions are not trusted.
    """
    if not trusted:
        require_bubblewrap()
    _copy_course(folder)
    # In an empty home matplotlib would look for fonts again, for seconds.
    from matplotlib import font_manager, get_cachedir

    fonts = folder / "matplotlib"
    fonts.mkdir()
    for path in Path(get_cachedir()).glob(f"fontlist-v{font_manager.FontManager.__version__}.json"):
        shutil.copy(path, fonts)
    data = os.environ.get("COURSEKIT_DATA", "")
    return Sandbox(str(folder), str(Path(data).absolute()) if data else "", trusted, limits)


def _copy_course(folder: Path) -> None:
    """Copy coursekit twice, the second time with checks that hold no answers."""
    own = Path(__file__).parent
    whole, silent = folder / "course", folder / "course-without-oracles"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "coursekit", whole / "coursekit", ignore=ignore)
    shutil.copy(own / "undrawn.py", whole)
    with (whole / "coursekit" / "plots" / "__init__.py").open("a", encoding="utf-8") as plots:
        plots.write(UNSEEN)
    shutil.copytree(whole, silent)
    for path in (silent / "coursekit" / "checks").glob("*.py"):
        if path.name != "core.py":
            shutil.copy(own / "silent_checks.py", path)
    for course in (whole, silent):
        compileall.compile_dir(course, quiet=2)


def require_bubblewrap() -> None:
    """Refuse to go on where the sandbox does not work.

    Raises
    ------
    GradeError
        With what to install or to change.
    """
    if not all(map(shutil.which, ("bwrap", "prlimit"))):
        raise GradeError(
            "grading needs bubblewrap (0.8 or newer): apt-get install bubblewrap util-linux; "
            "--trust-submissions runs foreign code with your rights, without a sandbox"
        )
    words = ["bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    words += ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        why = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        way = "install 0.8 or newer" if "nknown option" in why else "allow user namespaces"
        raise GradeError(
            f"bubblewrap cannot run here ({why}); {way}, or grade on another machine; "
            "--trust-submissions runs foreign code with your rights, without a sandbox"
        )


def require_hidden(paths: Iterable[Path], sandbox: Sandbox) -> None:
    """Refuse to go on where a submission could read what it must not.

    Raises
    ------
    GradeError
        Where one of the paths lies below a folder that every kernel is shown.
    """
    shown = [*SYSTEM, sys.base_prefix, sys.prefix, *([sandbox.data] if sandbox.data else [])]
    for path in paths:
        for folder in map(Path, shown):
            if path.resolve().is_relative_to(folder.resolve()):
                raise GradeError(f"{path} lies in {folder}, which submissions can read; move it")


def environment_digest() -> str:
    """Return the digest of what results depend on: Python, packages, coursekit and the grader."""
    digest = hashlib.sha256(sys.version.encode())
    packages = sorted(f"{d.name}=={d.version}" for d in distributions())
    digest.update("\n".join(packages).encode())
    for folder in ("coursekit", "staff/grade"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".json", ".h5"):
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
