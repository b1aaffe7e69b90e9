"""The system's Chromium, driven by Playwright: to print decks and to test pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: containers run as root, and only pages that were built here are opened.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class BrowserMissingError(Exception):
    """No Chromium is installed; says in one line what to do."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium without a window, and end it.

    Raises
    ------
    BrowserMissingError
        Where there is none.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise BrowserMissingError(
            "Chromium is missing: install it (on Debian and Ubuntu, 'sudo apt install chromium')"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
