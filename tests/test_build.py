"""Lessons become notebooks and solutions, drift is found, malformed lessons are refused."""

import json
import sys
import textwrap
from types import ModuleType

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from staff import build as builder
from staff.build import Course
from staff.source import LessonError, cut_solution, keep_solution, read_lesson

LESSON = '''\
# %% [markdown]
# # 01 A lesson

# %% tags=["nbval-check-output"]
from types import SimpleNamespace

said = lambda right: print("[pass]" if right else "[fail]")
checks = SimpleNamespace(double=lambda f: said(f(2) == 4), first=lambda *x: said(x == (1, [2, 3])))
ck = SimpleNamespace(checks=checks)
print("a demonstration", 1 + 1)

# %% [markdown]
# ### Exercise 1.1

# %% coursekit={"exercise": "1.1", "role": "answer", "points": 2}
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %% coursekit={"exercise": "1.1", "role": "check"}
ck.checks.double(double)

# %% coursekit={"exercise": "1.1", "role": "grade", "points": 2}
answer = double(SEED)  # secret

# %% coursekit={"exercise": "1.2", "role": "answer", "points": 1}
### BEGIN SOLUTION
first = 1
second = [2,
          3]
### END SOLUTION

# %% coursekit={"exercise": "1.2", "role": "check"}
ck.checks.first(first, second)

# %% coursekit={"exercise": "1.2", "role": "grade", "points": 1, "judge": "check"}
answer = [first, second]

# %% [markdown] tags=["solution"]
# Why it is so.
'''


def make_course(root, text=LESSON, repository=""):
    (root / "staff" / "lessons").mkdir(parents=True)
    (root / "staff" / "lessons" / "01_a_lesson.py").write_text(text, encoding="utf-8")
    return Course(root, repository)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course built once; tests that change it make a copy."""
    course = make_course(tmp_path_factory.mktemp("course"))
    builder.build(course, [])
    return course


@pytest.fixture
def course(built, tmp_path):
    for folder in ("staff/lessons", "staff/solutions", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
        for path in (built.root / folder).iterdir():
            (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    return Course(tmp_path)


def read(course, folder):
    return nbformat.read(course.root / folder / "01_a_lesson.ipynb", as_version=4)


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


class TestNotebook:
    def test_students_get_stubs_and_no_solution(self, built):
        text = (built.root / "notebooks" / "01_a_lesson.ipynb").read_text(encoding="utf-8")
        assert "return 2 * x" not in text
        assert "Why it is so" not in text
        assert "secret" not in text
        assert "### BEGIN" not in text
        cells = read(built, "notebooks").cells
        assert cells[3].source.endswith(
            '# YOUR CODE HERE\n    raise NotImplementedError("Exercise 1.1")'
        )
        assert cells[5].source == "# YOUR CODE HERE\nfirst = ...\nsecond = ..."

    def test_demonstrations_keep_their_outputs_and_exercises_have_none(self, built):
        cells = read(built, "notebooks").cells
        assert cells[1].outputs[0].text == "a demonstration 2\n"
        for cell in cells[3:7]:
            assert cell.outputs == []
            assert cell.execution_count is None

    def test_it_says_that_it_is_generated(self, built):
        for folder in ("notebooks", "staff/solutions"):
            assert "01_a_lesson.py" in read(built, folder).metadata.coursekit.generated

    def test_it_is_valid_and_has_unique_ids(self, built):
        for folder in ("notebooks", "staff/solutions"):
            notebook = read(built, folder)
            nbformat.validate(notebook)
            assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)

    def test_points_stay_in_the_metadata(self, built):
        kit = read(built, "notebooks").cells[3].metadata.coursekit
        assert kit == {"exercise": "1.1", "role": "answer", "points": 2}

    def test_no_colab_without_a_repository(self, built):
        text = (built.root / "notebooks" / "01_a_lesson.ipynb").read_text(encoding="utf-8")
        assert "olab" not in text


class TestColab:
    """A repository in pyproject.toml brings a badge and an install cell into the notebooks."""

    URL = "https://github.com/someone/course"

    @pytest.fixture
    def named(self, course):
        settings = f'[tool.coursekit]\nrepository = "{self.URL}/"\n'
        (course.root / "pyproject.toml").write_text(settings, encoding="utf-8")
        return Course.read(course.root)

    @pytest.fixture
    def cells(self, named):
        builder.build(named, [])
        notebook = read(named, "notebooks")
        nbformat.validate(notebook)
        return notebook.cells

    def test_the_badge_opens_this_notebook(self, cells):
        title, badge = cells[0].source.split("\n\n")
        assert title == "# 01 A lesson"
        path = "/github/someone/course/blob/main/notebooks/01_a_lesson.ipynb"
        assert badge.startswith("[![Open in Colab](https://colab.research.google.com/assets/")
        assert badge.endswith(f"](https://colab.research.google.com{path})")

    def test_the_first_code_cell_installs_coursekit_and_only_in_colab(
        self, cells, tmp_path, monkeypatch
    ):
        first = next(cell for cell in cells if cell.cell_type == "code")
        monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        shell = InteractiveShell()
        ran = []
        monkeypatch.setattr(shell, "run_line_magic", lambda *magic, **_: ran.append(magic))
        assert shell.run_cell(first.source).success
        assert ran == []
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        assert shell.run_cell(first.source).success
        assert ran == [("pip", f'install --quiet "coursekit @ git+{self.URL}"')]

    def test_solutions_have_neither(self, named, cells):
        text = (named.root / "staff" / "solutions" / "01_a_lesson.ipynb").read_text()
        assert "olab" not in text

    def test_naming_the_repository_asks_for_a_rebuild_that_executes_nothing(
        self, named, monkeypatch
    ):
        assert "notebooks/01_a_lesson.ipynb differs" in builder.check(named)[0]
        monkeypatch.setattr(builder, "execute", lambda *_: pytest.fail("executed again"))
        builder.build(named, [])
        assert builder.check(named) == []


class TestSolution:
    def test_it_is_whole_executed_and_without_graded_cells(self, built):
        cells = read(built, "staff/solutions").cells
        assert "return 2 * x" in cells[3].source
        assert cells[4].outputs[0].text == "[pass]\n"
        assert cells[-1].source == "Why it is so."
        assert "secret" not in json.dumps([c.source for c in cells])

    def test_nbval_compares_its_checks(self, built):
        cells = read(built, "staff/solutions").cells
        assert cells[4].metadata.tags == ["nbval-check-output"]

    def test_a_failing_cell_is_told_in_words_and_nothing_is_written(self, tmp_path):
        course = make_course(tmp_path, LESSON.replace("return 2 * x", "return 2 / 0"))
        with pytest.raises(LessonError, match=r"(?s)01_a_lesson: a cell fails.*ZeroDivisionError"):
            builder.build(course, [])
        assert not (tmp_path / "notebooks").exists()

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ('import warnings; warnings.warn("mind")', "writes a warning"),
            ("from pathlib import Path; print(Path.home())", "belongs to this machine"),
            ("print('/home/max/data')", "belongs to this machine: home/max"),
            (r"print(r'C:\Users\max')", r"belongs to this machine: Users\\max"),
            (r"'C:\\Users\\max'", "belongs to this machine: Users"),
            ("print('on digits-7.')", "belongs to this machine: digits-7"),
        ],
    )
    def test_outputs_that_no_notebook_may_hold_are_refused(
        self, tmp_path, monkeypatch, code, message
    ):
        monkeypatch.setenv("LOGNAME", "max")  # is the user for `getpass`
        monkeypatch.setattr("socket.gethostname", lambda: "digits-7")
        course = make_course(tmp_path, f"# %% [markdown]\n# # 01\n\n# %%\n{code}\n")
        with pytest.raises(LessonError, match=message):
            builder.build(course, [])

    def test_a_user_or_a_host_may_be_called_like_a_word_of_mathematics(self, tmp_path, monkeypatch):
        monkeypatch.setenv("LOGNAME", "max")
        monkeypatch.setattr("socket.gethostname", lambda: "ax")
        text = "# %% [markdown]\n# # 01\n\n# %%\nprint('the maximum, max, max/min, home')\n"
        course = make_course(tmp_path, text)
        builder.build(course, [])
        assert read(course, "notebooks").cells[1].outputs[0].text.startswith("the maximum, max")

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("import time; time.sleep(60)", r"(?s)01_a_lesson: .*after 1 seconds.*sleep\(60\)"),
            ("import os; os._exit(1)", r"(?s)01_a_lesson: .*Kernel died"),
        ],
    )
    def test_a_cell_that_never_ends_or_ends_the_kernel_is_told_in_words(
        self, tmp_path, monkeypatch, code, message
    ):
        monkeypatch.setattr(builder, "CELL_TIMEOUT_S", 1)
        course = make_course(tmp_path, f"# %% [markdown]\n# # 01\n\n# %%\n{code}\n")
        with pytest.raises(LessonError, match=message):
            builder.build(course, [])

    def test_real_data_are_required_where_a_lesson_loads_them(self, tmp_path, monkeypatch):
        monkeypatch.delenv("COURSEKIT_DATA", raising=False)
        monkeypatch.setenv("COURSEKIT_OFFLINE", "1")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        text = "# %% [markdown]\n# # 01\n\n# %%\nimport coursekit as ck\nck.load_mnist()\n"
        with pytest.raises(LessonError, match="set COURSEKIT_DATA"):
            builder.build(make_course(tmp_path, text), [])


class TestCheck:
    def test_a_built_course_is_in_sync(self, course):
        assert builder.check(course) == []

    def test_building_again_changes_nothing_and_executes_nothing(self, course, monkeypatch):
        before = {path: path.read_bytes() for path in course.root.rglob("*.ipynb")}
        monkeypatch.setattr(builder, "execute", lambda *_: pytest.fail("executed again"))
        builder.build(course, [])
        assert {path: path.read_bytes() for path in course.root.rglob("*.ipynb")} == before

    def test_text_can_change_without_execution(self, course, monkeypatch):
        edit(course.lessons()[0], "# # 01 A lesson", "# # 01 Another lesson")
        assert len(builder.check(course)) == 2
        monkeypatch.setattr(builder, "execute", lambda *_: pytest.fail("executed again"))
        builder.build(course, [])
        assert builder.check(course) == []
        assert read(course, "notebooks").cells[1].outputs[0].text == "a demonstration 2\n"

    def test_changed_code_is_found(self, course):
        edit(course.lessons()[0], "1 + 1", "1 + 2")
        assert "changed since it was executed" in builder.check(course)[0]

    @pytest.mark.parametrize("folder", ["notebooks", "staff/solutions"])
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("a demonstration", "an edited demonstration"),
            ('"points": 2', '"points": 20'),
            ("exercise-1-1-check", "exercise-1-1-other"),
        ],
    )
    def test_an_edited_notebook_is_found(self, course, folder, old, new):
        edit(course.root / folder / "01_a_lesson.ipynb", old, new)
        assert any(folder in p or "01_a_lesson" in p for p in builder.check(course))

    @pytest.mark.parametrize("folder", ["notebooks", "staff/solutions"])
    def test_missing_and_foreign_notebooks_are_found(self, course, folder):
        path = course.root / folder / "01_a_lesson.ipynb"
        path.rename(path.with_name("09_foreign.ipynb"))
        problems = " ".join(builder.check(course))
        assert "01_a_lesson.ipynb" in problems
        assert "09_foreign.ipynb has no lesson" in problems

    def test_ids_survive_a_cell_put_in_before(self, course):
        before = [cell.id for cell in read_lesson(course.lessons()[0])]
        edit(course.lessons()[0], "# %% tags", "# %%\nprint('new')\n\n# %% tags")
        after = [cell.id for cell in read_lesson(course.lessons()[0])]
        assert [i for i in after if i in before] == before


def refuse(tmp_path, old, new):
    assert old in LESSON
    path = tmp_path / "01_bad.py"
    path.write_text(LESSON.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LessonError) as caught:
        read_lesson(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("01_bad.py")
    return message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    ### END SOLUTION\n", "", "01_bad.py:15: ### BEGIN SOLUTION is never closed"),
        ("    ### BEGIN SOLUTION\n", "", "### END SOLUTION without ### BEGIN"),
        ("    return 2 * x\n", "    ### BEGIN SOLUTION\n", "a second ### BEGIN SOLUTION"),
        (
            '"1.2", "role": "answer", "points": 1',
            '"1.1", "role": "answer", "points": 1',
            "two exercises have the number 1.1",
        ),
        ('"1.1", "role": "grade"', '"1.7", "role": "grade"', "grade cell for exercise 1.7, which"),
        ('"1.1", "role": "check"', '"1.2", "role": "check"', "check cell for exercise 1.2, which"),
        ('"exercise": "1.2", "role": "check"', '"exercise": "1.1", "role": "check"', "two check"),
        ('"exercise": "1.1"', '"exercise": "2.1"', "its number reads 1.STEP"),
        ('"role": "check"', '"role": "exam"', "role 'exam'"),
        (', "points": 2', "", "needs exactly"),
        ('"points": 2', '"points": 0', "no positive integer"),
        ('"points": 2', '"points": 2, "hint": 1', "needs exactly"),
        ('"judge": "check"', '"judge": "taste"', "judge 'taste'"),
        ('"role": "grade", "points": 2', '"role": "grade"', "the grade cell of exercise 1.1 needs"),
        (
            '"role": "grade", "points": 2',
            '"role": "grade", "points": 1',
            "give 1 points, its answer",
        ),
        ('tags=["nbval-check-output"]', 'tags=["nbval-check-ouput"]', "unknown tag"),
        ("# %% [markdown]\n# # 01", "# a comment\n# %% [markdown]\n# # 01", "starts with"),
        ("1 + 1)", "1 + 1))", "01_bad.py:10: syntax error: unmatched"),
        ("1 + 1)", "1 + 1)\n# NBVAL_SKIP", "nbval's markers"),
        ("first = 1\n", "first = 1\nprint(first)\n", "only assign"),
        ('print("a dem', '### BEGIN SOLUTION\n### END SOLUTION\nprint("a dem', "answer cells"),
        ("# ### Exercise 1.1", "# ### BEGIN SOLUTION", "in a text cell"),
        ("1 + 1)", "1 + 1)\n" + "\n".join(f"x{i} = {i}" for i in range(13)), "18 lines of code"),
        ("1 + 1)", "1 + 1)\n    # %% indented", "write each marker like this"),
        ("ck.checks.double(", "# a comment\nck.checks.double(", "holds `ck.checks.NAME(ANSWER"),
        ("ck.checks.double(double)", "ck.checks.double(double(1))", "check cell of exercise 1.1"),
    ],
)
def test_malformed_lessons_are_refused_in_one_line(tmp_path, old, new, message):
    assert message in refuse(tmp_path, old, new)


def test_a_cell_may_begin_with_a_magic(tmp_path):
    path = tmp_path / "01_timed.py"
    path.write_text("# %% [markdown]\n# # 01\n\n# %%\n# %%time\nx = 1\n", encoding="utf-8")
    assert [cell.source for cell in read_lesson(path)] == ["# 01", "%%time\nx = 1"]


def test_a_graded_cell_before_the_check_is_refused(tmp_path):
    start = LESSON.index('# %% coursekit={"exercise": "1.1", "role": "check"}')
    graded = LESSON.index('# %% coursekit={"exercise": "1.1", "role": "grade"')
    end = LESSON.index('# %% coursekit={"exercise": "1.2", "role": "answer"')
    check, grade = LESSON[start:graded], LESSON[graded:end]
    message = refuse(tmp_path, check + grade, grade + check)
    assert message.endswith(": a grade cell for exercise 1.1, which stands before its check cell")


def test_an_exercise_without_a_check_is_refused(tmp_path):
    start = LESSON.index('# %% coursekit={"exercise": "1.2", "role": "check"}')
    tail = LESSON[start:]
    assert "exercise 1.2 has no check cell" in refuse(tmp_path, tail, "")


def test_exercises_out_of_order_are_refused(tmp_path):
    path = tmp_path / "01_bad.py"
    swapped = LESSON.replace('"1.1"', '"1.0"').replace('"1.2"', '"1.1"').replace('"1.0"', '"1.2"')
    path.write_text(swapped, encoding="utf-8")
    with pytest.raises(LessonError, match=r"out of order: 1\.2, 1\.1"):
        read_lesson(path)


def test_cut_and_keep_a_solution_inside_a_function():
    source = textwrap.dedent("""\
        def f(x):
            y = x
            ### BEGIN SOLUTION
            return y
            ### END SOLUTION""")
    assert keep_solution(source) == "def f(x):\n    y = x\n    return y"
    stub = '    # YOUR CODE HERE\n    raise NotImplementedError("Exercise 3.1")'
    assert cut_solution(source, "3.1") == f"def f(x):\n    y = x\n{stub}"


class TestCommandLine:
    def test_check_prints_each_problem_and_fails(self, course, monkeypatch, capsys):
        monkeypatch.setattr(Course, "read", classmethod(lambda cls, root: course))
        assert builder.main(["--check"]) == 0
        assert "in sync: 01_a_lesson" in capsys.readouterr().out
        edit(course.lessons()[0], "1 + 1", "1 + 2")
        assert builder.main(["--check"]) == 1
        assert "run `make notebooks`" in capsys.readouterr().err

    def test_an_unknown_lesson_is_named(self, course, monkeypatch, capsys):
        monkeypatch.setattr(Course, "read", classmethod(lambda cls, root: course))
        with pytest.raises(SystemExit):
            builder.main(["99"])
        assert "there is no lesson 99" in capsys.readouterr().err
