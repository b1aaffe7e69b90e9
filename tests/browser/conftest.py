"""Pages of this project in the system's Chromium, watched for errors and for the network."""

from contextlib import contextmanager

import pytest

from staff.publish.chromium import chromium


@pytest.fixture(scope="session")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def visit(browser):
    """Open a file; `page.problems` has its console errors and all that came from elsewhere."""

    @contextmanager
    def open_page(path, query=""):
        with browser.new_context(offline=True, viewport={"width": 1280, "height": 720}) as context:
            page = context.new_page()
            page.problems = []
            page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
            page.on("pageerror", lambda error: page.problems.append(str(error)))
            page.on("requestfailed", lambda r: page.problems.append(r.url))
            page.on("request", lambda r: r.url[:4] == "http" and page.problems.append(r.url))
            page.goto(path.as_uri() + query)
            if page.evaluate("Boolean(window.MathJax)"):
                page.evaluate("MathJax.startup.promise")
            yield page

    return open_page
