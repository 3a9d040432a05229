"""The page in a real browser: what it shows, and what it must never do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from tests.local_server.conftest import Raw, a_record, set_up
from tests.waiting import PATIENCE

BROWSER_PATIENCE = 120_000  # milliseconds
expect.set_options(timeout=BROWSER_PATIENCE)

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ATTACK = "<img src=x onerror=\"window.attacked='yes'\"><script>window.attacked='yes'</script>"
NONE = "\u2013"  # what a cell without a value shows
READABLE = 4.5  # contrast of text to its background that WCAG AA asks for
CONTRASTS = """
() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).map((v) => v / 255).map(
      (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
  };
  const found = {};
  for (const element of document.querySelectorAll("h1, h2, h2 span, p, th, td, button, small")) {
    if (!element.textContent.trim() || !element.checkVisibility()) continue;
    const both = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    const contrast = (both[0] + 0.05) / (both[1] + 0.05);
    const name = `${element.tagName}.${element.className}`;
    found[name] = Math.min(found[name] ?? 99, contrast);
  }
  return found;
}
"""


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
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(BROWSER_PATIENCE)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda one: None if one.url.startswith((server.url, "data:")) else wrong.append(one.url)
    )
    page.goto(server.url)
    yield page
    context.close()
    assert wrong == []


def cells(page: Page, table: str) -> list[list[str]]:
    return [row.locator("td").all_text_contents() for row in page.locator(f"#{table} tbody tr").all()]


def fill(raw: Raw, count: int) -> None:
    assert raw.upsert(*(a_record(f"id-{n}", required=n, text=f"text {n}") for n in range(count))).ok


def test_a_new_server_says_what_to_do(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#project")).to_have_text("local")
    expect(page.locator("#no-streams")).to_contain_text("--create-missing")
    expect(page.locator("#no-requests")).to_be_visible()
    expect(page.locator("#records-section")).to_be_hidden()


def test_streams_are_shown_with_counts_bytes_and_rates_as_they_fill(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    expect(page.locator("#streams tbody tr")).to_have_count(2)
    assert cells(page, "streams")[0] == ["mutable", "Mutable", "BasicLiveData", "0", "0 B", NONE, NONE]
    expect(page.locator("#no-records")).to_be_visible()
    fill(raw, 1000)
    server.clock.advance(1)
    expect(page.locator("#streams tbody tr").first).to_contain_text("1,000")
    expect(page.locator("#streams tbody tr").first).to_contain_text("200")  # records a second, of five
    name, _, _, _, size, records_per_second, bytes_per_second = cells(page, "streams")[0]
    assert (name, size, records_per_second, bytes_per_second) == ("mutable", "66 kB", "200", "13 kB")


def test_the_last_records_are_shown_with_their_properties(page: Page, raw: Raw) -> None:
    fill(raw, 30)
    raw.upsert(a_record("id-3", required=77))
    expect(page.locator("#records tbody tr").first).to_contain_text("id-3")
    heads = page.locator("#records th").all_text_contents()
    assert heads == ["External id", "Last updated", "Cfilled", "Crequired", "Ctext", "Space"]
    rows = cells(page, "records")
    assert len(rows) == 20
    assert (rows[0][0], *rows[0][2:]) == ("id-3", "as usual", "77", NONE, "s")
    assert (rows[1][0], *rows[1][2:]) == ("id-29", "as usual", "29", "text 29", "s")


def test_recent_requests_are_shown_with_status_size_and_time(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    raw.upsert(a_record("a"), a_record("b"))
    expect(page.locator("#requests tbody tr").first).to_contain_text("/streams/mutable/records/upsert")
    _, status, request, items, size, took, fault = cells(page, "requests")[0]
    assert (status, request, items, fault) == ("202", "POST /streams/mutable/records/upsert", "2", NONE)
    assert re.fullmatch(r"\d+ B", size)
    assert re.fullmatch(r"[\d.]+ ms", took)
    raw.upsert(stream="none")
    expect(page.locator("#requests tbody tr").first).to_contain_text("404")
    with server.faults(0, rate=1):
        requests.post(f"{server.url}/api/v1/projects/local/streams/mutable/records/upsert", timeout=PATIENCE)
    expect(page.locator("#requests tbody tr").first.locator("td").last).not_to_have_text(NONE)


def test_another_stream_can_be_chosen_by_mouse_and_by_keyboard_and_stays_chosen(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    raw.post("/streams/immutable/records", {"items": [a_record("in the archive")]})
    expect(page.locator("#records-of")).to_contain_text("of mutable")
    page.get_by_role("button", name="immutable").click()
    expect(page.locator("#records tbody")).to_contain_text("in the archive")
    page.reload()
    expect(page.locator("#records tbody")).to_contain_text("in the archive")
    page.get_by_role("button", name="mutable", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#records tbody")).to_contain_text("id-0")


def test_data_is_shown_as_text_whatever_it_holds(page: Page, raw: Raw) -> None:
    raw.upsert(a_record(ATTACK, filled=ATTACK))
    raw.get(f"/{ATTACK}")
    expect(page.locator("#records tbody tr").first).to_contain_text(ATTACK)
    assert cells(page, "records")[0][0] == ATTACK
    assert cells(page, "records")[0][2] == ATTACK
    expect(page.locator("#requests tbody tr").first).to_contain_text("404")
    for _ in range(2):
        page.wait_for_event("response")  # so that the page has shown what the answer held
    assert page.evaluate("window.attacked") is None
    assert page.locator("main img, main script").count() == 0


def test_a_name_in_the_address_is_no_markup_either(page: Page, raw: Raw, server: LocalServer) -> None:
    page.goto(f"{server.url}/#{ATTACK}")
    expect(page.locator("#records-of")).to_contain_text("of mutable")
    assert page.evaluate("window.attacked") is None


def test_the_page_shows_no_secret(page: Page, raw: Raw, server: LocalServer) -> None:
    fill(raw, 3)
    raw.ask_for_token(client_secret="a-wrong-secret")
    expect(page.locator("#requests tbody tr").first).to_contain_text("401")
    token = raw.headers["Authorization"].removeprefix("Bearer ")
    everything = page.content() + requests.get(f"{server.url}/ui/state", timeout=PATIENCE).text
    for secret in (token, server.settings.client_secret, "a-wrong-secret"):
        assert secret not in everything


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_a_light_and_a_dark_scheme(
    page: Page, raw: Raw, server: LocalServer, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    fill(raw, 3)
    raw.upsert(stream="none")
    raw.headers = {}
    raw.get("/streams")
    expect(page.locator("#requests tbody tr").first).to_contain_text("401")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) > 380) == (scheme == "light")
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) >= 10
    assert {name: value for name, value in contrasts.items() if value < READABLE} == {}


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_no_window_is_too_narrow_for_it(page: Page, raw: Raw, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    raw.upsert(a_record("x" * 256, filled="y" * 5000, text="z" * 10))
    expect(page.locator("#records tbody tr")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    widths = page.evaluate("[...document.querySelectorAll('#records td')].map((cell) => cell.offsetWidth)")
    assert max(widths) <= 600


def test_long_values_are_cut(page: Page, raw: Raw) -> None:
    raw.upsert(a_record("a", filled="y" * 5000))
    expect(page.locator("#records tbody tr")).to_have_count(1)
    assert cells(page, "records")[0][2] == "y" * 200 + "…"


def test_numbers_that_a_browser_would_round_are_shown_exactly(
    page: Page, server: LocalServer, raw: Raw
) -> None:
    server.load({"containers": [{"space": "s", "externalId": "Large", "properties": {"p": "int64"}}]})
    source = {"type": "container", "space": "s", "externalId": "Large"}
    raw.upsert(a_record("a") | {"sources": [{"source": source, "properties": {"p": 2**62 + 1}}]})
    expect(page.locator("#records tbody tr")).to_contain_text(str(2**62 + 1))


def test_it_says_when_the_server_is_gone(browser: Browser, tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite") as server:
        page = browser.new_page()
        page.goto(server.url)
        expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#live")).to_have_text("the server does not answer")
    page.close()


@pytest.mark.parametrize("path", ["/", "/ui/page.js", "/ui/state"])
def test_a_web_site_can_not_have_a_browser_read_it(server: LocalServer, path: str) -> None:
    rebound = requests.get(server.url + path, headers={"Host": "attacker.example.com:8765"}, timeout=PATIENCE)
    assert rebound.status_code == 403
    for host in ("localhost:8765", "127.0.0.1:8765", "[::1]:8765"):
        answer = requests.get(server.url + path, headers={"Host": host}, timeout=PATIENCE)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_log_of_requests_is_bounded(server: LocalServer, raw: Raw) -> None:
    for _ in range(150):
        raw.get("/streams")
    shown = requests.get(f"{server.url}/ui/state", timeout=PATIENCE).json()["requests"]
    assert len(shown) == 100


def test_a_new_project_needs_no_set_up_to_be_looked_at(server: LocalServer) -> None:
    raw = Raw(server.url, server.settings)
    set_up(raw)
    shown = requests.get(f"{server.url}/ui/state?stream=none", timeout=PATIENCE).json()
    assert (shown["stream"], shown["records"]) == ("mutable", [])
