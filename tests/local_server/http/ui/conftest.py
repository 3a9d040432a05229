"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from tests.browser import PATIENCE, browser_of_tests

ZONE = "Asia/Kolkata"  # five and a half hours ahead of UTC, all year


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browser_of_tests() as browser:
        yield browser


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
    page.set_default_timeout(PATIENCE)
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
