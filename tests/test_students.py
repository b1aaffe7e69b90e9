"""What students are given: all they need, and nothing that instructors keep."""

import re
import subprocess
import tomllib
import zipfile

import pytest

from staff import ROOT, students
from staff.build import Course


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given") / "course"
    students.write(Course.read(ROOT), folder)
    return folder


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_the_notebooks_and_the_package_and_no_folder_of_the_instructors(given):
    assert {path.name for path in given.iterdir() if path.is_dir()} == {
        "coursekit", "docs", "notebooks",
    }  # fmt: skip
    lessons = {f"notebooks/{path.stem}.ipynb" for path in Course.read(ROOT).lessons()}
    assert {name for name in names(given) if name.endswith(".ipynb")} == lessons
    assert not any("__pycache__" in name for name in names(given))
    for name in names(given) - {"Makefile", "README.md"}:
        assert (given / name).read_bytes() == (ROOT / name).read_bytes()


def test_its_readme_is_for_students_alone_and_its_links_hold(given):
    text = (given / "README.md").read_text(encoding="utf-8")
    assert "## For students" in text and "## Licence" in text
    for word in ("## For instructors", "## For graders", "<!-- ", "staff/", "make check"):
        assert word not in text
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (given / link).exists(), link


def test_make_lists_what_works_there(given):
    listed = subprocess.run(["make"], cwd=given, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == ["help", "lab", "setup", "clean"]


def test_it_has_the_files_that_installing_the_package_reads(given):
    project = tomllib.loads((given / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {project["readme"], *project["license-files"]} <= names(given)


def test_what_lay_in_the_folder_before_is_gone_and_the_zip_file_holds_the_same(
    given, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(students, "ROOT", tmp_path)
    for part in (*students.PARTS, "staff"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).symlink_to(ROOT / part)
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    old = tmp_path / "build" / "students" / students.NAME / "solution.ipynb"
    old.parent.mkdir(parents=True)
    old.touch()
    assert students.main() == 0
    assert f"build/students/{students.NAME}.zip" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "build" / "students" / f"{students.NAME}.zip") as packed:
        files = {name for name in packed.namelist() if not name.endswith("/")}
    assert files == {f"{students.NAME}/{name}" for name in names(given)}
