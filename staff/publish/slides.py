"""Build the lecture decks from the executed solutions: a page of reveal.js and a PDF of each.

    python -m staff.publish.slides         write build/slides/NN_name.html and .pdf
    python -m staff.publish.slides 01 04   the decks of these lessons only

A deck opens from the file system, offline; `S` shows the speaker's notes.
"""

import argparse
import shutil
import sys
from importlib import resources
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from playwright.sync_api import Browser
from pygments.formatters import HtmlFormatter

from staff import ROOT
from staff.build import Course
from staff.publish.chromium import BrowserMissingError, chromium
from staff.publish.deck import make_deck
from staff.source import LessonError

TEMPLATES = Path(__file__).parent / "templates"


def write_assets(folder: Path) -> None:
    """Copy what decks load, from the packages that carry it."""
    reveal = resources.files("sphinx_revealjs") / "_static" / "revealjs"
    mathjax = resources.files("sphinx-mathjax-offline") / "static" / "mathjax"
    folder.mkdir(parents=True, exist_ok=True)
    for source in (
        reveal / "dist" / "reset.css",
        reveal / "dist" / "reveal.css",
        reveal / "dist" / "reveal.js",
        reveal / "plugin" / "notes" / "notes.js",
        mathjax / "tex-svg.js",
        TEMPLATES / "deck" / "deck.css",
    ):
        shutil.copy(source, folder)
    style = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    (folder / "pygments.css").write_text(style, encoding="utf-8")


def write_deck(course: Course, lesson: Path, folder: Path) -> Path:
    """Write the deck of a lesson; return where it lies.

    Raises
    ------
    LessonError
        Where the lesson has no executed solution yet.
    """
    solution = course.solution(lesson)
    if not solution.exists():
        raise LessonError(f"{lesson.stem} has no executed solution; run `make notebooks`")
    deck = make_deck(nbformat.read(solution, as_version=4))
    exporter = SlidesExporter(template_name="deck", extra_template_basedirs=[str(TEMPLATES)])
    name = lesson.stem.replace("_", " ")
    html, _ = exporter.from_notebook_node(deck, {"metadata": {"name": name}})
    path = folder / f"{lesson.stem}.html"
    path.write_text(html, encoding="utf-8")
    return path


def print_deck(browser: Browser, deck: Path) -> None:
    """Print a deck as PDF beside it, one page a slide."""
    page = browser.new_page()
    page.goto(f"{deck.as_uri()}?print-pdf")
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    page.locator(".pdf-page").last.wait_for()
    page.pdf(path=deck.with_suffix(".pdf"), prefer_css_page_size=True, print_background=True)
    page.close()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m staff.publish.slides", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("lessons", nargs="*", help="numbers of lessons; without any, all")
    options = parser.parse_args(arguments)
    course, folder = Course.read(ROOT), ROOT / "build" / "slides"
    wanted = tuple(options.lessons or [""])
    lessons = [lesson for lesson in course.lessons() if lesson.stem.startswith(wanted)]
    if not lessons:
        parser.error(f"there is no lesson {' '.join(options.lessons)}")
    if not options.lessons:
        shutil.rmtree(folder, ignore_errors=True)
    write_assets(folder / "assets")
    try:
        with chromium() as browser:
            for lesson in lessons:
                deck = write_deck(course, lesson, folder)
                print_deck(browser, deck)
                print(f"{deck.relative_to(ROOT)} and its PDF")
    except (LessonError, BrowserMissingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
