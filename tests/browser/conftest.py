"""Chromium for the tests that look at what a person sees; `make check-browser` runs them."""

import shutil

import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def browser():
    """The system's Chromium; where there is none, the one that Playwright has installed."""
    with sync_playwright() as playwright:
        # What a browser asks its maker for in the background is no part of a test.
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--disable-background-networking", "--disable-component-update"],
        )
        yield chromium
        chromium.close()
