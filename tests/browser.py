"""A Chromium, for tests of pages and for the pictures of the documentation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

PATIENCE = 120_000  # milliseconds
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW_TO_GET_ONE = "apt-get install --no-install-recommends chromium"


def installed_browser() -> str | None:
    """Return the path of the browser; ``None`` where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_browser(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def browser_of_tests() -> Iterator[Browser]:
    """Start a patient browser; skip the test where none is wanted, and fail where none is installed."""
    if os.environ.get("CDF_WITHOUT_BROWSER"):
        pytest.skip("CDF_WITHOUT_BROWSER is set")
    path = installed_browser()
    if path is None:
        pytest.fail(
            f"The tests of pages need a browser: {HOW_TO_GET_ONE}. "
            "To leave them out, set CDF_WITHOUT_BROWSER=1."
        )
    expect.set_options(timeout=PATIENCE)
    with running_browser(path) as browser:
        yield browser
