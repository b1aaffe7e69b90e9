"""The package as a whole: what it imports, what it prints, what its settings promise."""

import ast
import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
OWN = {"coursekit", "staff", *(path.stem for path in (ROOT / "tests").glob("*.py"))}
HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib", "pandas", "seaborn", "scipy", "pooch")

COLAB = {
    requirement.name: Version(str(requirement.specifier).removeprefix("=="))
    for line in (ROOT / "tests" / "colab.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for requirement in [Requirement(line)]
}


def run(code, **environment):
    """Run code in a fresh Python and return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "MPLBACKEND": "agg", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture(scope="module")
def settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_import_is_light():
    code = f"import sys, coursekit; print([m for m in {HEAVY} if m in sys.modules])"
    assert run(code) == "[]"


def test_modules_are_there_when_named():
    code = "import coursekit as ck; print(ck.plots.__name__, 'models' in dir(ck))"
    assert run(code) == "coursekit.plots True"


def test_an_unknown_name_is_an_attribute_error():
    code = "import coursekit as ck; print(hasattr(ck, 'plot'))"
    assert run(code) == "False"


@pytest.mark.integration
@pytest.mark.parametrize("lesson", ["01_convolution_1d", "02_convolution_2d"])
def test_lessons_without_networks_never_import_tensorflow(lesson):
    solution = (
        "import json, sys;"
        f"cells = json.load(open('staff/solutions/{lesson}.ipynb'))['cells'];"
        "code = '\\n'.join(''.join(c['source']) for c in cells if c['cell_type'] == 'code');"
        "exec(compile(code, 'lesson', 'exec'));"
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    assert run(solution).splitlines()[-1] == "False False"


def test_setup_says_in_one_line_what_runs():
    line = run(
        "import coursekit as ck; ck.setup(seed=3)", COURSEKIT_QUICK="1", COURSEKIT_OFFLINE="1"
    )
    assert len(line.splitlines()) == 1
    for word in ("coursekit 0.1.0", "NumPy", "seed 3", "quick mode", "offline"):
        assert word in line
    assert "Keras" not in line


def test_setup_needs_no_installed_package():
    """A copy of the folder is enough, as on a machine where nothing may be installed."""
    hide = (
        "from importlib.metadata import Distribution as D; find = D.from_name;"
        "D.from_name = lambda name: find('none' if name == 'coursekit' else name);"
    )
    assert "coursekit 0.1.0" in run(hide + "import coursekit as ck; ck.setup()")


def test_a_seed_of_numpy_is_a_seed():
    code = (
        "import random, numpy as np, coursekit as ck; ck.setup(np.int64(2)); a = random.random();"
        "ck.setup(2); print(a == random.random())"
    )
    first, *_, same = run(code).splitlines()
    assert first.endswith("seed 2")
    assert same == "True"


@pytest.mark.integration
def test_setup_seeds_keras_where_it_is_imported():
    code = (
        "import coursekit as ck, keras; ck.setup(seed=1); a = keras.random.uniform((2,));"
        "ck.setup(seed=1); b = keras.random.uniform((2,)); print((a == b).numpy().all())"
    )
    lines = run(code).splitlines()
    assert "Keras 3." in lines[0]
    assert "tensorflow" in lines[0]
    assert lines[-1] == "True"


@pytest.mark.integration
def test_every_epoch_has_an_order_of_its_own():
    code = """
import coursekit as ck, keras, numpy as np
ck.setup(seed=1)
seen = []
class Listener(keras.Model):
    def train_step(self, data):
        seen.extend(np.ravel(data[0]).tolist())
        return {"loss": 0.0}
model = Listener()
model.compile(run_eagerly=True)
x = np.arange(40.0).reshape(40, 1)
model.fit(x, x, batch_size=8, epochs=3, verbose=0)
orders = np.reshape(seen, (3, 40))
print(len(np.unique(orders, axis=0)), (np.sort(orders) == np.arange(40)).all())
"""
    assert run(code).splitlines()[-1] == "3 True"


def test_setup_seeds_python_and_numpy():
    code = (
        "import random, numpy as np, coursekit as ck; ck.setup(2); a = random.random(),"
        "np.random.rand(); ck.setup(2); print(a == (random.random(), np.random.rand()))"
    )
    assert run(code).splitlines()[-1] == "True"


def test_ranges_contain_what_colab_preinstalls(settings):
    """So that installing coursekit in Colab changes no package under the running kernel.

    `make check-colab` proves the same of the dependencies' dependencies, over the network.
    """
    project = settings["project"]
    assert SpecifierSet(project["requires-python"]).contains("3.13")
    for requirement in map(Requirement, project["dependencies"]):
        assert requirement.name in COLAB, f"Colab has no {requirement.name}"
        assert requirement.specifier.contains(COLAB[requirement.name]), str(requirement)


def imports(path):
    """Return the first part of the name of every module that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_every_import_is_declared(settings):
    project, groups = settings["project"], settings["dependency-groups"]
    lists = [project["dependencies"], *project["optional-dependencies"].values(), *groups.values()]
    declared = {
        Requirement(entry).name for some in lists for entry in some if isinstance(entry, str)
    }
    installed = packages_distributions()
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("coursekit", "docs", "staff", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in {*imports(path)} - sys.stdlib_module_names - OWN
        if not declared & set(map(canonicalize_name, installed.get(name, [name])))
    }
    assert missing == set()


def assert_locked(lock, group):
    """Every requirement of a group has exact versions in the lock, which names no index."""
    text = lock.read_text(encoding="utf-8")
    assert "index-url" not in text
    assert "://" not in text
    for requirement in map(Requirement, group):
        lines = [line for line in text.splitlines() if line.startswith(f"{requirement.name}==")]
        assert lines, f"{requirement.name} is not in {lock.name}; run `make lock`"
        for line in lines:
            assert Requirement(line).specifier  # an exact version
            version = line.split("==")[1].split()[0]
            assert requirement.specifier.contains(Version(version)), line


def test_lock_contains_every_dependency_and_no_index(settings):
    project = settings["project"]
    for group in (project["dependencies"], *project["optional-dependencies"].values()):
        assert_locked(ROOT / "requirements.txt", group)


def test_what_few_need_has_a_lock_of_its_own(settings):
    common = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for name, members in settings["dependency-groups"].items():
        group = [member for member in members if isinstance(member, str)]
        assert_locked(ROOT / "staff" / f"requirements-{name}.txt", group)
    for heavy in ("playwright", "sphinx", "myst-nb"):
        assert not any(line.startswith(f"{heavy}==") for line in common)


def test_conda_installs_the_same_lock():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "-r requirements.txt" in text


def test_make_alone_lists_every_target():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    names = [part.splitlines()[0].split() for part in text.split(".PHONY:")[1:]]
    assert "check" in names[1]
    for target in (*names[0], *names[1]):
        assert f"make {target} " in listed


@pytest.fixture
def makefiles(tmp_path):
    """A folder with all that `make` reads, and nothing installed."""
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("target", ["lab", "check"])
def test_make_names_a_missing_python(target, makefiles):
    result = subprocess.run(
        ["make", target, "PYTHON=python-that-is-not-there"],
        cwd=makefiles,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "Python is missing: install Python 3.11 to 3.13" in result.stdout
    assert not (makefiles / ".venv").exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("sys.exit('sys.version_info' in code)", "TensorFlow runs on Python 3.11 to 3.13"),
        ("sys.exit('ensurepip' in code)", "sudo apt install python3-venv"),
    ],
)
def test_make_names_what_python_lacks(script, message, makefiles):
    """A stand-in for Python answers the Makefile's questions with no."""
    fake = makefiles / "python"
    fake.write_text(f"#!{sys.executable}\nimport sys\ncode = sys.argv[-1]\n{script}\n")
    fake.chmod(0o755)
    result = subprocess.run(
        ["make", "check", f"PYTHON={fake}"],
        cwd=makefiles,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert message in result.stdout
    assert not (makefiles / ".venv").exists()
