"""Submissions that a grader meets, good, damaged and hostile: one small function each.

A case changes a notebook with right answers and says what must come of it. To add one, write
a function with the decorator; `test_grade_sandbox.py` grades them all.
"""

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

LESSON = '''\
# %% [markdown]
# # 01 A small lesson

# %%
import coursekit as ck
import numpy as np

x = np.array([1.0, 2.0, 4.0])

# %% coursekit={"exercise": "1.1", "role": "answer", "points": 3}
### BEGIN SOLUTION
ramp = [-1, -1, -2, -3, -5, -5, -6, -6, -1, -6]
bump_full = [0, 0, 0, 1, -2, 3, -2, 1, 0]
asymmetric = [1, 2, 2, -2, -3]
### END SOLUTION

# %% coursekit={"exercise": "1.1", "role": "check"}
ck.checks.by_hand(ramp, bump_full, asymmetric)

# %% coursekit={"exercise": "1.1", "role": "grade", "points": 2, "judge": "check"}
answer = [ramp, bump_full, ...]

# %% coursekit={"exercise": "1.1", "role": "grade", "points": 1, "judge": "check"}
answer = [..., ..., asymmetric]


# %% coursekit={"exercise": "1.2", "role": "answer", "points": 3}
def convolve1d(x, w):
    """Full convolution."""
    ### BEGIN SOLUTION
    y = np.zeros(len(x) + len(w) - 1)
    for n, value in enumerate(x):
        y[n : n + len(w)] += value * w
    return y
    ### END SOLUTION


# %% coursekit={"exercise": "1.2", "role": "check"}
ck.checks.convolve1d(convolve1d)

# %% coursekit={"exercise": "1.2", "role": "grade", "points": 3}
rng = np.random.default_rng(SEED)
sizes = ((7, 3), (5, 5), (3, 5))
answer = [convolve1d(rng.integers(-9, 10, n), rng.normal(size=k)) for n, k in sizes]

# %%
print("a demonstration", x.sum())


# %% coursekit={"exercise": "1.3", "role": "answer", "points": 2}
def cross_correlate1d(x, w):
    """Valid cross-correlation."""
    ### BEGIN SOLUTION
    return np.array([x[i : i + len(w)] @ w for i in range(len(x) - len(w) + 1)])
    ### END SOLUTION


# %% coursekit={"exercise": "1.3", "role": "check"}
ck.checks.cross_correlate1d(cross_correlate1d)

# %% coursekit={"exercise": "1.3", "role": "grade", "points": 2}
rng = np.random.default_rng(SEED)
sizes = ((9, 3), (6, 6), (5, 1))
answer = [cross_correlate1d(rng.integers(-9, 10, n), rng.normal(size=k)) for n, k in sizes]
'''

FULL = {"1.1": 3, "1.2": 3, "1.3": 2}
# A known mistake, so that the grader need not ask the public check what is wrong.
WRONG_12 = "def convolve1d(x, w):\n    return np.convolve(x, w[::-1])"


@dataclass(frozen=True)
class Case:
    """A submission and what must come of it.

    `points` are those that differ from full ones; `finding` is a part of what the grader must
    have noticed, "" where it notices nothing; `human` says whether somebody has to look,
    and `endless` whether a cell runs until it is stopped.
    """

    family: str
    name: str
    change: Callable
    points: dict = field(default_factory=dict)
    finding: str = ""
    human: bool = False
    endless: bool = False


CASES: list[Case] = []


def case(family, finding="", human=False, endless=False, **points):
    """Add the decorated function as a case; points are given as `p12=0`."""
    lost = {f"1.{name[-1]}": value for name, value in points.items()}

    def add(change):
        CASES.append(Case(family, change.__name__, change, lost, finding, human, endless))
        return change

    return add


class Work:
    """A notebook with right answers, to be changed."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.cells = notebook["cells"]

    def find(self, exercise, role="answer"):
        for cell in self.cells:
            kit = cell["metadata"].get("coursekit", {})
            if (kit.get("exercise"), kit.get("role")) == (exercise, role):
                return cell
        raise LookupError(exercise)

    def write(self, exercise, source, role="answer"):
        self.find(exercise, role)["source"] = textwrap.dedent(source).strip("\n")

    def add(self, source, before=None):
        """Put a cell of the student's own before the answer of an exercise, or at the end."""
        cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        cell["source"] = textwrap.dedent(source).strip("\n")
        place = len(self.cells) if before is None else self.cells.index(self.find(before))
        self.cells.insert(place, cell)

    def to_bytes(self):
        return json.dumps(self.notebook).encode()


# Good work ------------------------------------------------------------------------------


@case("good work")
def untouched(work):
    pass


@case("good work")
def float32(work):
    work.write("1.2", "def convolve1d(x, w):\n    return np.convolve(x, w).astype('float32')")


@case("good work")
def a_list_for_an_array(work):
    work.write("1.2", "def convolve1d(x, w):\n    return [float(v) for v in np.convolve(x, w)]")


@case("good work")
def negative_zeros(work):
    work.write("1.1", work.find("1.1")["source"].replace("[0, 0, 0", "[-0.0, -0.0, 0"))


@case("good work")
def debug_prints(work):
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            for i in range(2000):
                print("step", i, x, w)
            display({"text/plain": "here"}, raw=True)
            return np.convolve(x, w)
        """,
    )


@case("good work")
def warnings_and_stderr(work):
    work.write(
        "1.2",
        """
        import sys, warnings
        def convolve1d(x, w):
            warnings.warn("careful"); print("careful", file=sys.stderr); np.log(0.0)
            return np.convolve(x, w)
        """,
    )


@case("good work")
def a_helper_cell(work):
    work.add("def helper(x, w):\n    return np.convolve(x, w)", before="1.2")
    work.write("1.2", "def convolve1d(x, w):\n    return helper(x, w)")


@case("good work")
def a_helper_that_changes_later(work):
    work.add("def helper(x, w):\n    return np.convolve(x, w)", before="1.2")
    work.write("1.2", "def convolve1d(x, w):\n    return helper(x, w)")
    work.add("def helper(x, w):\n    return np.correlate(x, w)", before="1.3")
    work.write("1.3", "def cross_correlate1d(x, w):\n    return helper(x, w)")


@case("good work", finding="answer cell was found by the name")
def no_metadata_and_no_ids(work):
    for cell in work.cells:
        cell["metadata"] = {}
        cell.pop("id", None)
    work.notebook["nbformat_minor"] = 0


@case("good work")
def no_ids_as_in_colab(work):
    for cell in work.cells:
        cell.pop("id", None)
        cell["metadata"]["id"] = "Xy12"
    work.notebook["nbformat_minor"] = 0
    work.notebook["metadata"] = {"colab": {"provenance": []}}


@case("good work")
def windows_line_ends(work):
    for cell in work.cells:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")


@case("good work")
def python_names_taken(work):
    work.add("list = [1]; max = 3; display = exec = globals = len_ = compile = 0", before="1.1")


@case("good work")
def names_of_the_grader_taken(work):
    work.add("answer = seed = cell = notebook = encode = names = builtins = 1", before="1.1")


@case("good work")
def text_in_a_cell_of_the_course(work):
    first = next(cell for cell in work.cells if cell["cell_type"] == "code")
    first["source"] = "".join(first["source"]) + "\nfrom math import fsum"
    work.write("1.2", "def convolve1d(x, w):\n    fsum([1])\n    return np.convolve(x, w)")


@case("good work")
def figures_of_ones_own(work):
    work.add(
        """
        import io, matplotlib.pyplot as plt
        figure, ax = plt.subplots()
        ax.plot(x)
        figure.canvas.draw()
        PIXELS = np.asarray(figure.canvas.buffer_rgba()).max()
        figure.savefig(io.BytesIO(), format="svg")
        figure.savefig("figure.png")
        plt.show()
        OPEN = plt.get_fignums()
        """,
        before="1.2",
    )
    work.write(
        "1.2",
        "def convolve1d(x, w):\n"
        "    return np.convolve(x, w) if PIXELS == 255 and OPEN == [] else None",
    )


@case("good work")
def checks_in_cells_of_ones_own(work):
    code = "".join(work.find("1.2")["source"])
    call = "assert ck.checks.convolve1d(convolve1d).status == 'pass', 'not yet'"
    work.write("1.2", f"{code}\n\n{call}")
    work.add(
        "from coursekit.checks.lesson_01 import correlate_full\n"
        "try:\n    ck.checks.pad1d(3)\nexcept ck.checks.CheckError:\n    pass",
        before="1.3",
    )


@case("good work")
def strict_with_oneself(work):
    work.add(
        "import warnings\nwarnings.simplefilter('error')\nnp.seterr(all='raise')\n"
        "np.set_printoptions(precision=1, threshold=2)",
        before="1.1",
    )


@case("good work")
def another_folder(work):
    work.add("import os, tempfile\nos.chdir(tempfile.mkdtemp())", before="1.1")


# Damaged --------------------------------------------------------------------------------


@case("damaged", p12=0)
def a_syntax_error(work):
    work.write("1.2", "def convolve1d(x, w:\n    return 1")


@case("damaged", p12=0)
def an_exception(work):
    work.write("1.2", "def convolve1d(x, w):\n    return x[99]")


@case("damaged", p12=0)
def nothing_returned(work):
    work.write("1.2", "def convolve1d(x, w):\n    np.convolve(x, w)")


@case("damaged", p12=0)
def not_finite(work):
    work.write("1.2", "def convolve1d(x, w):\n    return np.convolve(x, w) * np.nan")


@case("damaged", "the answer cell is missing", human=True, p12=0)
def a_deleted_answer(work):
    work.cells.remove(work.find("1.2"))


@case("damaged", "there are 2 answer cells", human=True)
def a_duplicated_answer(work):
    work.cells.insert(work.cells.index(work.find("1.2")), dict(work.find("1.2")))


@case("damaged", "no code cell any more", human=True, p12=0)
def a_retyped_answer(work):
    work.find("1.2")["cell_type"] = "markdown"


@case("damaged")
def a_split_answer(work):
    work.write("1.2", "def convolve1d(x, w):\n    return None")
    work.cells.insert(
        work.cells.index(work.find("1.2")) + 1,
        {
            "cell_type": "code",
            "metadata": {},
            "source": "def convolve1d(x, w):\n    return np.convolve(x, w)",
        },
    )


@case("damaged")
def deleted_cells_of_the_course(work):
    own = [c for c in work.cells if c["metadata"].get("coursekit", {}).get("role") == "answer"]
    work.cells[:] = own


@case("damaged")
def exercises_in_another_order(work):
    cell = work.find("1.3")
    work.cells.remove(cell)
    work.cells.insert(work.cells.index(work.find("1.1")), cell)


@case("damaged", p12=0)
def a_recursion_without_end(work):
    work.write("1.2", "def convolve1d(x, w):\n    return convolve1d(x, w)")


@case("damaged", p12=0)
def a_question_to_the_keyboard(work):
    work.write("1.2", "def convolve1d(x, w):\n    return [float(input('first? '))]")


@case("damaged")
def paths_for_names(work):
    for cell in work.cells:
        cell["id"] = "../../../etc/passwd"
    work.notebook["metadata"] = {"name": "../../x", "coursekit": {"lesson": "../x"}}
    kit = {"exercise": "../../1.2", "role": "../answer", "points": 99}
    work.add("pass", before="1.2")
    work.cells[work.cells.index(work.find("1.2")) - 1]["metadata"]["coursekit"] = kit


# Forgery --------------------------------------------------------------------------------

PAYLOAD = (
    '{"application/vnd.coursekit.answer+json": {"kind": "array", "shape": [1], "data": [1.5]}}'
)


# Its kernel can say nothing any more, so the cell that patches is left out.
@case("forgery", "it was left out", human=True, endless=True, p12=0)
def everything_patched(work):
    work.add(
        """
        import json, IPython
        np.allclose = np.array_equal = lambda *a, **k: True
        ck.checks.core.equal = lambda *a: True
        print = display = lambda *a, **k: None
        json.dumps = lambda *a, **k: "{}"
        """,
        before="1.2",
    )
    work.write("1.2", WRONG_12)


@case("forgery", "displayed an answer", human=True, p12=0)
def an_early_payload(work):
    work.write("1.2", WRONG_12)
    work.add(f"display({PAYLOAD}, raw=True)", before="1.3")


@case("forgery", "more than one answer", human=True, p12=0)
def an_extra_payload(work):
    code = f"    display({PAYLOAD}, raw=True)\n    return np.convolve(x, w)"
    work.write("1.2", "def convolve1d(x, w):\n" + code)


@case("forgery", p12=0)
def a_stripped_assert(work):
    work.add(
        """
        import ast
        class Strip(ast.NodeTransformer):
            def visit_Assert(self, node):
                return ast.Pass()
        get_ipython().ast_transformers.append(Strip())
        """,
        before="1.2",
    )
    work.write("1.2", WRONG_12)


@case("forgery", p12=0, p13=0)
def graded_cells_replaced_by_a_transformer(work):
    work.write("1.2", WRONG_12)
    work.write("1.3", "def cross_correlate1d(x, w):\n    return [1.0]")
    work.add(
        """
        def replace(lines):
            if any("_python" in line for line in lines):
                return ["pass\\n"]
            return lines
        get_ipython().input_transformers_cleanup.append(replace)
        """,
        before="1.2",
    )


@case("forgery", p12=0)
def swallowed_tracebacks(work):
    work.write("1.2", "def convolve1d(x, w):\n    raise SystemExit(0)")
    work.add("get_ipython().showtraceback = lambda *a, **k: None", before="1.2")


@case("forgery", p12=0)
def an_object_that_equals_everything(work):
    work.write(
        "1.2",
        """
        class Yes(list):
            __eq__ = lambda self, other: True
            __array__ = lambda self, *a, **k: self
            __len__ = lambda self: 9
            shape, dtype = (9,), np.dtype(float)
        def convolve1d(x, w):
            return Yes()
        """,
    )


@case("forgery", p12=0)
def a_borrowed_oracle(work):
    work.write("1.2", "convolve1d = ck.checks.convolve1d.oracle")


@case("forgery", p12=0)
def an_oracle_that_is_searched_for(work):
    work.write(
        "1.2",
        """
        import gc, inspect
        from coursekit.checks import lesson_01
        NAMES = ("FunctionCheck", "ValueCheck", "Misconception")
        KNOWN = [o for o in gc.get_objects() if type(o).__name__ in NAMES]
        KNOWN += list(ck.checks.convolve1d.misconceptions) + list(lesson_01.CHECKS)
        if "np.convolve" in inspect.getsource(ck.checks):
            KNOWN.append(ck.checks)
        def convolve1d(x, w):
            return np.convolve(x, w if KNOWN else w[::-1])
        """,
    )


@case("forgery", p12=0)
def a_check_for_an_answer(work):
    work.write("1.2", "convolve1d = ck.checks.convolve1d")


@case("forgery", p12=0, p13=0)
def inputs_of_ones_own(work):
    work.add(
        """
        class Easy:
            def integers(self, low, high, n): return np.arange(n)
            def normal(self, size): return np.ones(size)
        np.random.default_rng = lambda seed=None: Easy()
        """,
        before="1.2",
    )


@case("forgery", "more than one answer", human=True, p12=0)
def a_payload_from_a_thread(work):
    work.write(
        "1.2",
        f"""
        import threading
        def convolve1d(x, w):
            kernel = get_ipython().kernel
            parent = kernel.get_parent("shell")
            content = {{"data": {PAYLOAD}, "metadata": {{}}}}
            def tell():
                kernel.session.send(kernel.iopub_socket, "display_data", content, parent,
                                    ident=kernel._topic("display_data"))
            thread = threading.Thread(target=tell)
            thread.start(); thread.join()
            return np.convolve(x, w)
        """,
    )


@case("forgery", p12=0)
def a_payload_that_comes_later(work):
    code = "".join(work.find("1.3")["source"])
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            global EARLIER
            EARLIER = get_ipython().kernel.get_parent("shell")
            return np.convolve(x, w[::-1])
        """,
    )
    work.write("1.3", code)
    work.add(
        f"""
        def send():
            kernel = get_ipython().kernel
            content = {{"data": {PAYLOAD}, "metadata": {{}}}}
            kernel.session.send(kernel.iopub_socket, "display_data", content, EARLIER,
                                ident=kernel._topic("display_data"))
        send()
        """,
        before="1.3",
    )


@case("forgery", p12=0)
def a_reply_before_the_end(work):
    work.write(
        "1.2",
        f"""
        def convolve1d(x, w):
            kernel = get_ipython().kernel
            parent, session = kernel.get_parent("shell"), kernel.session
            def say(kind, content):
                session.send(kernel.iopub_socket, kind, content, parent, ident=kernel._topic(kind))
            say("display_data", {{"data": {PAYLOAD}, "metadata": {{}}}})
            say("status", {{"execution_state": "idle"}})
            reply = {{"status": "ok", "execution_count": 1, "user_expressions": {{}}}}
            session.send(kernel.shell_stream, "execute_reply", reply, parent,
                         ident=kernel._parent_ident.get("shell"))
            raise ValueError
        """,
    )


@case("forgery")
def messages_without_form(work):
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            kernel = get_ipython().kernel
            parent, session = kernel.get_parent("shell"), kernel.session
            deep = []
            for _ in range(900):
                deep = [deep]
            for content in ({}, {"data": 3}, {"data": None, "metadata": deep}, {"text": [1]}):
                session.send(kernel.iopub_socket, "display_data", content, parent)
                session.send(kernel.iopub_socket, "nonsense", content, parent)
            kernel.iopub_socket.send_multipart([b"x", b"<IDS|MSG>", b"no signature", b"{}"])
            kernel.iopub_socket.send_multipart([b"nothing"])
            return np.convolve(x, w)
        """,
    )


# Tampering ------------------------------------------------------------------------------


@case("tampering", "check cell was edited", p12=0)
def an_edited_check(work):
    work.write("1.2", WRONG_12)
    work.write("1.2", "print('[pass] 1.2 convolve1d')", role="check")


@case("tampering", p12=0)
def more_points(work):
    work.write("1.2", WRONG_12)
    work.find("1.3")["metadata"]["coursekit"]["points"] = 50


@case("tampering", "poses as a graded cell", human=True, p12=0)
def a_graded_cell_of_ones_own(work):
    work.write("1.2", WRONG_12)
    work.add("answer = [1.0]", before="1.3")
    cell = work.cells[work.cells.index(work.find("1.3")) - 1]
    cell["metadata"] = {"coursekit": {"exercise": "1.2", "role": "grade", "points": 3}}
    cell["id"] = "exercise-1-2-grade"


@case("tampering")
def markers_of_nbval(work):
    work.write("1.2", "# NBVAL_SKIP\n" + "".join(work.find("1.2")["source"]))
    work.find("1.3")["metadata"]["tags"] = ["nbval-skip", "raises-exception"]


@case("tampering")
def a_foreign_kernel(work):
    work.notebook["metadata"]["kernelspec"] = {"name": "../../evil", "display_name": "x"}


@case("tampering", p12=0)
def public_answers_by_heart(work):
    work.write(
        "1.2",
        """
        KNOWN = {((1, 2, 3), (1, 0, -1)): [1, 2, 2, -2, -3], ((1, 2), (3, 4)): [3, 10, 8]}
        def convolve1d(x, w):
            return KNOWN.get((tuple(x), tuple(w)), np.convolve(x, w[::-1]))
        """,
    )


# Leaks: what a cell finds, it would have to tell; points show that it found nothing --------


@case("leaks", p12=0)
def files_of_the_grader(work):
    work.write(
        "1.2",
        """
        import os, sys
        SEEN = []
        for folder, folders, files in os.walk("/"):
            known = ("/proc", "/usr", "/dev", sys.prefix, sys.base_prefix)
            folders[:] = [f for f in folders if not os.path.join(folder, f).startswith(known)]
            SEEN += [f for f in folders if f in ("staff", "keys", "notebooks", "tests", ".git")]
            SEEN += [f for f in files if f.endswith(("ipynb", "jsonl")) or f.startswith("01_")]
        def convolve1d(x, w):
            return np.convolve(x, w) if SEEN else np.convolve(x, w[::-1])
        """,
    )


@case("leaks", p12=0)
def the_network(work):
    work.write(
        "1.2",
        """
        import socket
        REACHED = [i for i in socket.if_nameindex() if i[1] != "lo"]
        for host in ("1.1.1.1", "127.0.0.1"):
            for port in (53, 80, 443, 22, 8888):
                with socket.socket() as s:
                    s.settimeout(0.1)
                    REACHED += [host] if s.connect_ex((host, port)) == 0 else []
        def convolve1d(x, w):
            return np.convolve(x, w) if REACHED else np.convolve(x, w[::-1])
        """,
    )


@case("leaks", p12=0)
def other_processes(work):
    work.write(
        "1.2",
        """
        import os
        OTHERS = [p for p in os.listdir("/proc") if p.isdigit() and p not in ("1", "2")
                  and int(p) != os.getpid()]
        SECRETS = [k for k in os.environ if "KEY" in k or "TOKEN" in k or "SSH" in k]
        def convolve1d(x, w):
            return np.convolve(x, w) if OTHERS or SECRETS else np.convolve(x, w[::-1])
        """,
    )


@case("leaks", p12=0)
def rights_of_root(work):
    work.write(
        "1.2",
        """
        import os, subprocess
        FOUND = []
        for path in ("/etc/evil", "/usr/evil", "/course/coursekit/evil", "/dev/evil", "/evil"):
            try:
                open(path, "w"); FOUND.append(path)
            except OSError:
                pass
        status = open("/proc/self/status").read()
        FOUND += [line for line in status.splitlines() if line.startswith("CapEff")
                  and line[-1] != "0"]
        FOUND += ["mount"] if subprocess.run(["mount", "-t", "tmpfs", "x", "/tmp"],
                                             capture_output=True).returncode == 0 else []
        FOUND += ["unshare"] if subprocess.run(["unshare", "-Ur", "true"],
                                               capture_output=True).returncode == 0 else []
        def convolve1d(x, w):
            return np.convolve(x, w) if FOUND else np.convolve(x, w[::-1])
        """,
    )


@case("leaks", p12=0)
def the_folder_of_the_grader(work):
    """What it writes stays in memory, and ends with the kernel; the tests look outside."""
    work.write(
        "1.2",
        """
        import os, pathlib, sys
        OUTSIDE = []
        for folder in ("/mnt", "/root", "/etc", "/var/tmp", "/home", "/srv", "/course",
                       sys.prefix, "/proc/1/root/root", "/proc/1/cwd/../../etc", "/sys/fs"):
            try:
                pathlib.Path(folder, "evil").write_text("evil"); OUTSIDE.append(folder)
            except OSError:
                pass
        def convolve1d(x, w):
            return np.convolve(x, w) if OUTSIDE else np.convolve(x, w[::-1])
        """,
    )


# Sabotage: it costs its own exercise, and the others only where no kernel can go on ---------


@case("sabotage", "it was left out", human=True, p12=0)
def the_end_of_the_process(work):
    work.write("1.2", "import os\ndef convolve1d(x, w):\n    os._exit(0)")


@case("sabotage", "it was left out", human=True, p12=0)
def a_segmentation_fault(work):
    work.write("1.2", "import ctypes\ndef convolve1d(x, w):\n    ctypes.string_at(0)")


@case("sabotage", "it was left out", human=True, p12=0)
def killing_everybody(work):
    work.write(
        "1.2",
        """
        import os
        def convolve1d(x, w):
            for pid in (-1, 1, os.getppid(), os.getpid()):
                try:
                    os.kill(pid, 9)
                except OSError:
                    pass
        """,
    )


@case("sabotage", "it was left out", human=True, endless=True, p12=0)
def an_endless_loop(work):
    work.write("1.2", "def convolve1d(x, w):\n    while True:\n        pass")


@case("sabotage", endless=True, p12=0)
def a_loop_where_the_checks_are_real(work):
    """No graded cell meets it, but the kernel that is asked what is wrong does."""
    work.write(
        "1.2",
        """
        import time
        def convolve1d(x, w):
            while type(ck.checks.convolve1d).__name__ != "Silent":
                try:
                    time.sleep(1)
                except BaseException:
                    pass
            return 1.37 * np.convolve(x, w)
        """,
    )


@case("sabotage", "it was left out", human=True, endless=True, p12=0)
def a_loop_that_cannot_be_interrupted_and_prints(work):
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            while True:
                try:
                    while True:
                        print("x" * 1000, flush=True)
                except BaseException:
                    pass
        """,
    )


@case("sabotage")
def a_flood_of_output(work):
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            for _ in range(300):
                print("y" * 100_000)
            return np.convolve(x, w)
        """,
    )


@case("sabotage", "memory", human=True, p12=0)
def all_the_memory(work):
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            hoard = []
            while True:
                hoard.append(bytearray(b"x" * 50_000_000))
        """,
    )


@case("sabotage", "it was left out", human=True, p12=0)
def a_thousand_threads(work):
    work.write(
        "1.2",
        """
        import threading, time
        def convolve1d(x, w):
            for _ in range(1000):
                threading.Thread(target=time.sleep, args=[60], daemon=True).start()
            time.sleep(2)
        """,
    )


@case("sabotage", "poses as a graded cell", human=True)
def half_a_character_in_a_name(work):
    """Written as it is, it would keep everybody's gradebook from being written."""
    work.add("pass")
    work.cells[-1]["metadata"] = {"coursekit": {"exercise": "\ud800", "role": "grade"}}


@case("sabotage", p12=0)
def half_a_character_on_the_page(work):
    work.write(
        "1.2",
        """
        import json
        def convolve1d(x, w):
            session = get_ipython().kernel.session
            session.pack = lambda thing: json.dumps(thing, default=str).encode("ascii")
            print("\\ud800")
            return 1.37 * np.convolve(x, w)
        """,
    )


@case("sabotage", "it was left out", human=True, p12=0)
def a_fork_bomb(work):
    work.write(
        "1.2",
        """
        import os
        def convolve1d(x, w):
            while True:
                try:
                    os.fork()
                except OSError:
                    pass
        """,
    )


@case("sabotage")
def a_full_disk(work):
    work.write(
        "1.2",
        """
        import os
        def convolve1d(x, w):
            for folder in ("/tmp", os.path.expanduser("~"), "/run/kernel", "/dev/shm"):
                for i in range(20):
                    try:
                        with open(f"{folder}/{i}", "wb") as f:
                            f.write(bytes(60_000_000))
                    except OSError:
                        pass
            return np.convolve(x, w)
        """,
    )


@case("sabotage", p12=0)
def a_payload_that_is_deep(work):
    work.add(
        """
        def deep():
            value = {"kind": "none"}
            for _ in range(900):
                value = {"kind": "list", "items": [value]}
            return value
        """,
        before="1.2",
    )
    work.write(
        "1.2",
        """
        def convolve1d(x, w):
            display({"application/vnd.coursekit.answer+json": deep()}, raw=True)
            raise NotImplementedError
        """,
    )


@case("sabotage", "memory", human=True, p12=0)
def memory_without_a_name(work):
    work.write(
        "1.2",
        """
        import os
        def convolve1d(x, w):
            while True:
                f = os.memfd_create("x")
                try:
                    os.write(f, bytes(10_000_000))
                except OSError:
                    os.close(f)
        """,
    )


@case("sabotage")
def a_daemon_that_ignores_signals(work):
    work.write(
        "1.2",
        """
        import subprocess, sys
        def convolve1d(x, w):
            code = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]"
            subprocess.Popen(["setsid", sys.executable, "-S", "-c", code + "; time.sleep(999)"])
            return np.convolve(x, w)
        """,
    )


@case("sabotage")
def an_end_that_does_not_come(work):
    work.write(
        "1.2",
        """
        import atexit, signal, threading, time
        atexit.register(time.sleep, 999)
        threading.Thread(target=time.sleep, args=(999,)).start()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def convolve1d(x, w):
            return np.convolve(x, w)
        """,
    )


@case("sabotage", "it was left out", human=True)
def a_call_of_quit(work):
    work.add("get_ipython().kernel.do_shutdown(False); import os; os._exit(0)", before="1.2")


@case("sabotage")
def links_for_sockets(work):
    work.write(
        "1.2",
        """
        import pathlib
        for path in pathlib.Path("/run/kernel").glob("s-*"):
            path.unlink(); path.symlink_to("/run/docker.sock")
        def convolve1d(x, w):
            return np.convolve(x, w)
        """,
    )


# Persistence: what a kernel leaves behind must not be there for the next. Each of these
# plants hooks and then ends the kernel, so that the grader starts another one ----------------


def plant(work, *places):
    """Plant code that would give the right answer away, and look for what was planted before."""
    work.add(
        f"""
        import builtins, pathlib, site, sys
        HOME = pathlib.Path.home()
        HOOK = "import builtins; builtins.HOOKED = True"
        FOUND = hasattr(builtins, "HOOKED")
        for place in ({", ".join(places)},):
            FOUND = FOUND or place.exists() and place.read_text() == HOOK
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(HOOK)
            except OSError:
                pass
        """,
        before="1.2",
    )
    work.write("1.2", "def convolve1d(x, w):\n    return np.convolve(x, w if FOUND else w[::-1])")
    work.add("import os\nos._exit(0)", before="1.3")


@case("persistence", "it was left out", human=True, p12=0)
def start_up_files_of_ipython(work):
    profile = "HOME / '.ipython' / 'profile_default'"
    plant(work, f"{profile} / 'startup' / '00.py'", f"{profile} / 'ipython_kernel_config.py'")


@case("persistence", "it was left out", human=True, p12=0)
def start_up_files_of_python(work):
    user, own = "pathlib.Path(site.getusersitepackages())", "pathlib.Path(site.__file__).parent"
    names = ("usercustomize.py", "sitecustomize.py", "evil.pth")
    plant(work, *(f"{folder} / '{name}'" for folder in (user, own) for name in names))


@case("persistence", "it was left out", human=True, p12=0)
def start_up_variables(work):
    plant(work, "HOME / '.pythonrc'", "HOME / '.bashrc'", "HOME / '.profile'")
    work.add(
        "import os\nos.environ['PYTHONSTARTUP'] = os.environ['ENV'] = str(HOME / '.pythonrc')",
        before="1.2",
    )


@case("persistence", "it was left out", human=True, p12=0)
def a_package_of_the_same_name(work):
    plant(work, "HOME / 'numpy.py'", "HOME / 'coursekit.py'", "pathlib.Path('/tmp/numpy.py')")


@case("persistence", "it was left out", human=True, p12=0)
def a_rewritten_report(work):
    names = ("report.jsonl", "conftest.py", "pytest.ini", "kernels/coursekit/kernel.json")
    folders = ("HOME", "pathlib.Path('/tmp')", "pathlib.Path('/dev/shm')")
    plant(work, *(f"{folder} / '{name}'" for folder in folders for name in names))


@case("persistence", "it was left out", human=True, p12=0)
def another_kernels_connection(work):
    plant(work, "pathlib.Path('/run/kernel/connection.json')", "pathlib.Path('/run/kernel/s-1')")


@case("persistence", p12=0)
def a_pickle_for_an_answer(work):
    work.write(
        "1.2",
        """
        import os, pathlib, pickle
        class Evil(list):
            def __reduce__(self):
                return os.system, ("touch /tmp/unpickled",)
        for name in ("answer.pkl", "report.jsonl", "x.npy"):
            pathlib.Path(name).write_bytes(pickle.dumps(Evil()))
        def convolve1d(x, w):
            return Evil([object()])
        """,
    )
