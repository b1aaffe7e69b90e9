"""Every notebook in the real JupyterLab: run all cells, move what can be moved, look."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from staff import ROOT, students
from staff.build import Course

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = ROOT / "build" / "screenshots"

START_S = 120
LESSON_S = 400  # in quick mode the slowest lesson takes 40 s of an idle machine
CLICK_S = 60

ERROR = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"  # and warnings
SCROLLED = ".jp-Notebook .jp-WindowedPanel-outer"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it answers, and the folder it shows."""

    url: str
    token: str
    folder: Path


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`make lab` in what students are given, for a new user: without any settings of their own."""
    home, course = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("given") / "course"
    students.write(Course.read(ROOT), course)  # with its dates, so that make finds .venv ready
    (course / ".venv").symlink_to(sys.prefix)
    own = ("JUPYTER", "IPYTHON", "XDG_", "COURSEKIT_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    environment |= {"HOME": str(home), "COURSEKIT_QUICK": "1", "COURSEKIT_OFFLINE": "1"}
    environment |= {"JUPYTER_RUNTIME_DIR": str(home / "runtime"), "JUPYTER_PORT": "0"}
    environment |= {"JUPYTER_TOKEN": secrets.token_hex(), "BROWSER": "true"}  # opens no window
    log = home / "lab.log"
    with log.open("w") as file:
        server = subprocess.Popen(
            ["make", "lab"], cwd=course, env=environment, stdout=file, stderr=file
        )
    try:
        url = _url_of(server, home / "runtime", log)
        yield Lab(url, environment["JUPYTER_TOKEN"], course / "notebooks")
    finally:
        server.terminate()
        server.wait(timeout=CLICK_S)


def _url_of(server: subprocess.Popen, runtime: Path, log: Path) -> str:
    """Wait until the server has told where it answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        told = next(runtime.glob("jpserver-*.json"), None)
        if told is not None and "is running at" in log.read_text():
            return json.loads(told.read_text())["url"]
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab has not started:\n{log.read_text()}")


@pytest.fixture
def page(browser, lab):
    """A fresh window; the kernels that a test leaves running end with it."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(CLICK_S * 1000)
    expect.set_options(timeout=CLICK_S * 1000)
    page = context.new_page()
    yield page
    headers = {"Authorization": f"token {lab.token}"}
    for session in page.request.get(f"{lab.url}api/sessions", headers=headers).json():
        page.request.delete(f"{lab.url}api/sessions/{session['id']}", headers=headers)
    context.close()


def open_and_run_all(page: Page, lab: Lab, path: Path) -> None:
    """Open a notebook, choose *Run > Run All Cells*, and wait until nothing runs any more."""
    page.goto(f"{lab.url}lab/tree/{path.name}?token={lab.token}&reset", timeout=START_S * 1000)
    # An untouched notebook shows its kernel once it has one.
    expect(page.locator(".jp-KernelName")).to_have_text(re.compile("Python 3"))
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    done = page.locator(
        ".jp-Notebook-ExecutionIndicator[data-status='idle']",
        has_text=f"Executed {len(code_cells(path))} cells",
    )
    # After an error the remaining cells are given up, and some are never counted.
    expect(done.or_(page.locator(ERROR)).first).to_be_attached(timeout=LESSON_S * 1000)


def save(page: Page, lab: Lab, path: Path) -> list[nbformat.NotebookNode]:
    """Save the notebook and return its code cells, as a student would hand them in."""
    unsaved = page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")
    expect(unsaved).to_have_count(1)
    page.keyboard.press("Control+s")
    expect(unsaved).to_have_count(0)
    return code_cells(lab.folder / path.name)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def photograph(page: Page, name: str) -> None:
    """Scroll through the notebook and save what is seen, window by window."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob(f"{name}-*.png"):
        old.unlink()
    scroll = """(panel, y) => new Promise(seen => {
        panel.scrollTop = y;
        requestAnimationFrame(() => requestAnimationFrame(
            () => seen(panel.scrollTop + panel.clientHeight < panel.scrollHeight - 1)));
    })"""
    height = page.locator(SCROLLED).evaluate("panel => panel.clientHeight")
    number, more = 0, True
    while more:
        more = page.locator(SCROLLED).evaluate(scroll, number * height)
        page.screenshot(path=PICTURES / f"{name}-{number:02d}.png")
        number += 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_all_cells_run_and_all_that_they_show_is_shown(page, lab, path):
    open_and_run_all(page, lab, path)
    photograph(page, path.stem)
    cells = save(page, lab, path)
    problems = [
        "".join(output.get("traceback", output.get("text", "")))
        for cell in cells
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert problems == []
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    notebook = page.locator(".jp-Notebook")
    assert notebook.locator("mjx-container").count() > 0
    assert notebook.locator("mjx-merror").count() == 0
    assert notebook.get_by_text(re.compile("Error displaying widget|Loading widget")).count() == 0
    empty = "images => images.filter(image => image.naturalWidth === 0).length"
    assert notebook.locator("img").count() >= 3
    assert notebook.locator("img").evaluate_all(empty) == 0


def expect_new_picture(picture: Locator, act, *args) -> str:
    """Do something; wait until the picture and its description are other ones; return that."""
    before = {name: picture.get_attribute(name) for name in ("alt", "src")}
    act(*args)
    for name, value in before.items():
        expect(picture).not_to_have_attribute(name, value)
    return picture.get_attribute("alt")


def slider(page: Page, name: str) -> Locator:
    box = page.locator(".widget-slider").filter(has_text=re.compile(rf"^{name}"))
    return box.locator(".noUi-handle")


def test_the_slider_of_lesson_01_moves_the_kernel(page, lab):
    open_and_run_all(page, lab, ROOT / "notebooks" / "01_convolution_1d.ipynb")
    picture = page.locator(".widget-html img")
    alt = expect_new_picture(picture, slider(page, "position").press, "ArrowRight")
    assert alt.startswith("Kernel at position 1:")
    picture.scroll_into_view_if_needed()
    page.screenshot(path=PICTURES / "01-slider.png")


def test_the_explorer_of_lesson_02_follows_kernel_and_stride(page, lab):
    open_and_run_all(page, lab, ROOT / "notebooks" / "02_convolution_2d.ipynb")
    picture = page.locator(".widget-html img")
    kernel = page.locator(".widget-dropdown", has_text="kernel").locator("select")
    alt = expect_new_picture(picture, kernel.select_option, "horizontal edges")
    assert alt.startswith("Kernel horizontal edges: [-1, -1, -1], [0, 0, 0], [1, 1, 1]; stride 1")
    alt = expect_new_picture(picture, slider(page, "stride").press, "ArrowRight")
    assert "stride 2" in alt
    page.set_viewport_size({"width": 1000, "height": 760})
    page.keyboard.press("Control+b")  # the list of files makes way
    expect(page.locator("#jp-left-stack")).to_be_hidden()
    cell = page.locator(".jp-CodeCell", has=picture)
    cell.scroll_into_view_if_needed()
    page.screenshot(path=PICTURES / "02-explorer.png")
    shown, room = picture.bounding_box(), cell.bounding_box()
    assert 500 < shown["x"] + shown["width"] <= room["x"] + room["width"]  # nothing is cut off
