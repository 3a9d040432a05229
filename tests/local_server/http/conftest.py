"""The page in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from airflow_provider_cdf_records.local_server import Clock, LocalServer

BROWSER_PATIENCE = 120_000  # milliseconds
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ZONE = "Asia/Kolkata"  # five and a half hours ahead of UTC, all year


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if os.environ.get("CDF_WITHOUT_BROWSER"):
        pytest.skip("CDF_WITHOUT_BROWSER is set")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(
            "The test of the page needs a browser: apt-get install --no-install-recommends chromium. "
            "To leave the test out, set CDF_WITHOUT_BROWSER=1."
        )
    expect.set_options(timeout=BROWSER_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server with a stopped clock, so that its rates do not change."""
    with LocalServer(tmp_path / "cdf.sqlite", clock=Clock(stopped=True)) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: LocalServer) -> Iterator[Page]:
    """The page; a test fails on an error in it, and on a request to another server."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, timezone_id=ZONE)
    page = context.new_page()
    page.set_default_timeout(BROWSER_PATIENCE)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text)
            if message.type == "error" and "status of 400" not in message.text  # what a wrong filter is told
            else None
        ),
    )
    page.on(
        "request", lambda one: None if one.url.startswith((server.url, "data:")) else wrong.append(one.url)
    )
    page.goto(server.url)
    yield page
    context.close()
    assert wrong == []
