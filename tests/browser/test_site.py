"""The built site in Chromium, from the file system and without a network; see `make check-site`."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "build" / "site" / "html"
PAGES = sorted(p.relative_to(HTML).as_posix() for p in HTML.rglob("*.html"))
PAGES = [page for page in PAGES if not page.startswith("_static")]
LESSONS = [page for page in PAGES if page.startswith("lessons/")]

# What reaches over the right edge of the window and cannot be scrolled into it.
CUT_OFF = """() => [...document.querySelectorAll("article *")].filter(element => {
    if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
    if (!element.checkVisibility()) return false;
    for (let outer = element; outer.tagName !== "ARTICLE"; outer = outer.parentElement)
        if (["auto", "scroll"].includes(getComputedStyle(outer).overflowX)) return false;
    return true;
}).map(element => element.outerHTML.slice(0, 80))"""


def test_the_site_has_a_page_for_each_lesson_and_each_reader():
    sources = sorted((ROOT / "staff" / "lessons").glob("[0-9][0-9]_*.py"))
    assert [f"lessons/{path.stem}.html" for path in sources] == LESSONS
    assert {"index.html", "search.html", "instructors.html", "graders.html"} <= set(PAGES)


@pytest.fixture(scope="module", params=PAGES)
def page(request, visit):
    with visit(HTML / request.param) as opened:
        yield opened


class TestEveryPage:
    def test_it_opens_offline_with_its_formulas(self, page):
        formulas = page.locator(".math").count()
        assert page.locator(".math mjx-container").count() == formulas
        assert page.locator("[data-mjx-error], mjx-merror").count() == 0
        prose = page.locator("article :is(p, li, td):not(:has(code))").all_inner_texts()
        assert not [text for text in prose if "$" in text]
        assert page.problems == []

    def test_every_picture_is_there_and_described(self, page):
        for picture in page.locator("img").all():
            assert len(picture.get_attribute("alt") or "") > 20, picture.get_attribute("src")
            assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0

    def test_each_lesson_can_be_reached_from_it(self, page):
        links = page.locator(".sidebar-tree a").evaluate_all("all => all.map(a => a.href)")
        addresses = {(HTML / lesson).as_uri() for lesson in LESSONS}
        assert addresses <= {link.split("#")[0] for link in links}

    def test_answers_are_folded_and_open_with_a_click(self, page):
        for answer in page.locator("details.hide").all():
            assert not answer.locator("pre").is_visible()
            answer.locator("summary").click()
            assert answer.locator("pre").is_visible()

    def test_it_can_be_read_on_a_telephone(self, page):
        page.set_viewport_size({"width": 400, "height": 800})
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 400
        assert page.evaluate(CUT_OFF) == []


def test_the_search_finds_a_word_without_a_server(visit):
    with visit(HTML / "search.html", query="?q=receptive") as page:
        page.locator("#search-results a").first.wait_for()
        found = page.locator("#search-results a").evaluate_all("all => all.map(a => a.href)")
        assert any("02_convolution_2d" in link for link in found)
        assert page.problems == []
