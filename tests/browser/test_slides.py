"""The built decks in Chromium, from the file system and without a network; `make check-slides`."""

import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
DECKS = sorted((ROOT / "build" / "slides").glob("*.html"))
LESSONS = sorted((ROOT / "staff" / "lessons").glob("[0-9][0-9]_*.py"))
MOST_WORDS = 110  # that an audience reads on one slide, without code and formulas

# What lies outside of the slide that is shown, or is wider than its box.
CUT_OFF = """() => [...Reveal.getCurrentSlide().querySelectorAll("*")].filter(element => {
    if (element.closest("aside, mjx-assistive-mml")) return false;
    const box = element.getBoundingClientRect();
    return box.left < 0 || box.top < 0 || box.right > 1280 || box.bottom > 720
        || (element.tagName === "PRE" && element.scrollWidth > element.clientWidth);
}).map(element => element.outerHTML.slice(0, 120))"""

WORDS = """() => {
    const slide = Reveal.getCurrentSlide().cloneNode(true);
    slide.querySelectorAll("aside, pre, table, mjx-container").forEach(e => e.remove());
    return slide.textContent.split(/\\s+/).length;
}"""


def test_every_lesson_has_a_deck_and_a_pdf():
    assert [deck.stem for deck in DECKS] == [lesson.stem for lesson in LESSONS]
    for deck in DECKS:
        assert deck.with_suffix(".pdf").stat().st_size > 50_000


@pytest.fixture(scope="module", params=DECKS, ids=lambda deck: deck.stem)
def deck(request, visit):
    with visit(request.param) as page:
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        page.path = request.param
        yield page


def slides(page):
    """Show one slide after the other, with all its fragments; yield its number."""
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide({number}, 0, 99)")
        yield number


class TestEveryDeck:
    def test_nothing_is_cut_off(self, deck):
        found = {number: deck.evaluate(CUT_OFF) for number in slides(deck)}
        assert {number: cut for number, cut in found.items() if cut} == {}

    def test_no_slide_is_a_page_of_text(self, deck):
        words = {number: deck.evaluate(WORDS) for number in slides(deck)}
        assert {number: n for number, n in words.items() if n > MOST_WORDS} == {}

    def test_it_opens_offline_with_its_formulas(self, deck):
        prose = deck.locator("section :is(p, li, td):not(:has(code))").all_text_contents()
        assert not [text for text in prose if "$" in text]
        assert deck.locator("[data-mjx-error], mjx-merror").count() == 0
        assert deck.problems == []

    def test_every_picture_of_the_lesson_is_there_and_described(self, deck):
        solution = ROOT / "staff" / "solutions" / f"{deck.path.stem}.ipynb"
        outputs = [o for c in nbformat.read(solution, 4).cells for o in c.get("outputs", [])]
        wanted = sum("image" in json.dumps([*o.get("data", {})]) for o in outputs)
        texts = deck.locator("section img").evaluate_all("all => all.map(img => img.alt)")
        assert len(texts) == wanted
        assert all(len(text) > 20 for text in texts)

    def test_no_solution_is_shown(self, deck):
        lesson = (ROOT / "staff" / "lessons" / f"{deck.path.stem}.py").read_text()
        shown = re.sub(r"\s", "", deck.locator(".slides").evaluate("all => all.textContent"))
        for solution in re.findall(r"### BEGIN SOLUTION\n(.+?)### END", lesson, flags=re.DOTALL):
            assert re.sub(r"\s", "", solution) not in shown

    def test_the_speaker_sees_the_notes_and_the_audience_does_not(self, deck):
        notes = deck.locator("aside.notes")
        assert sum(len(text.strip()) > 50 for text in notes.all_text_contents()) > 10
        assert not any(note.is_visible() for note in notes.all())
        with deck.expect_popup() as opened:
            deck.keyboard.press("s")
        opened.value.locator(".speaker-controls-notes").wait_for(state="attached")
        opened.value.close()

    def test_the_pdf_has_a_page_for_every_slide(self, deck):
        pages = len(re.findall(rb"/Type\s*/Page\b", deck.path.with_suffix(".pdf").read_bytes()))
        assert pages == deck.evaluate("Reveal.getTotalSlides()")
