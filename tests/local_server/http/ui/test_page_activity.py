"""The plot and the requests on the page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import requests
from playwright.sync_api import Page, expect

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, refusal
from tests.local_server.http.ui.page import NONE, cells, fill
from tests.waiting import PATIENCE, wait_until


def test_the_plot_shows_records_requests_and_refused_requests(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    fill(raw, 300)
    server.clock.advance(20)
    fill(raw, 100)
    raw.upsert(stream="none")
    expect(page.locator("#plot .records")).to_have_count(2)
    expect(page.locator("#plot .refused")).to_have_count(1)
    expect(page.locator("#total-records")).to_have_text("400")
    expect(page.locator("#total-refused")).to_have_text("1")
    heights = page.locator("#plot .records").evaluate_all(
        "all => all.map((bar) => +bar.getAttribute('height'))"
    )
    assert round(heights[0] / heights[1], 2) == 3
    fill_of = "selector => getComputedStyle(document.querySelector(selector)).fill"
    assert "hatch" in page.evaluate(fill_of, "#plot .refused")  # another form, not only another colour
    assert page.evaluate(fill_of, "#plot .requests") != page.evaluate(fill_of, "#plot .records")


def test_the_numbers_of_a_moment_can_be_read_by_pointer_and_by_keyboard(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    fill(raw, 1)
    server.clock.advance(60)
    fill(raw, 7)
    raw.upsert(stream="none")
    expect(page.locator("#plot .records")).to_have_count(2)
    page.locator("#plot .records").last.hover()
    words = page.locator("#plot-words")
    expect(words).to_contain_text("7 records, 2 requests, 1 refused")
    expect(words).to_contain_text("UTC+05:30")
    page.mouse.move(0, 0)
    expect(words).to_contain_text("arrow keys")
    plot = page.get_by_role("slider", name="Plot of records stored and requests over time")
    plot.focus()
    expect(words).to_contain_text("7 records, 2 requests, 1 refused")
    page.keyboard.press("ArrowLeft")
    expect(words).to_contain_text("0 records, 0 requests, 0 refused")
    expect(plot).to_have_attribute("aria-valuetext", re.compile("0 records, 0 requests, 0 refused"))
    page.keyboard.press("End")
    expect(plot).to_have_attribute("aria-valuetext", re.compile("7 records, 2 requests, 1 refused"))


def test_the_plot_shows_the_minutes_that_are_asked_for(page: Page, raw: Raw, server: LocalServer) -> None:
    fill(raw, 5)
    expect(page.locator("#total-records")).to_have_text("5")
    server.clock.advance(120)
    fill(raw, 1)
    expect(page.locator("#total-records")).to_have_text("6")
    page.select_option("#range", "1")
    expect(page.locator("#total-records")).to_have_text("1")


def test_requests_are_shown_with_status_size_and_time(page: Page, raw: Raw, server: LocalServer) -> None:
    raw.upsert(a_record("a"), a_record("b"))
    expect(page.locator("#requests tbody tr").first).to_contain_text("/streams/mutable/records/upsert")
    _, status, request, items, size, took, fault = cells(page, "requests")[0]
    assert (status, request, items, fault) == ("✓ 202", "POST /streams/mutable/records/upsert", "2", NONE)
    assert re.fullmatch(r"\d+ B", size)
    assert re.fullmatch(r"[\d.]+ ms", took)
    with server.faults(0, rate=1):
        requests.post(f"{server.url}/api/v1/projects/local/streams/mutable/records/upsert", timeout=PATIENCE)
    expect(page.locator("#requests tbody tr").first.locator("td").last).not_to_have_text(NONE)


def test_a_refused_request_shows_the_words_of_cdf_and_opens_the_whole_answer(page: Page, raw: Raw) -> None:
    words = refusal(raw.upsert(a_record("a", required="much")), 400)
    first = page.locator("#requests tbody tr").first
    expect(first.locator("summary")).to_have_text(words)
    expect(first.locator("pre")).to_be_hidden()
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(first.locator("pre")).to_contain_text('"code": 400')
    raw.get("/streams")  # the table is drawn anew, and what is open stays open
    expect(page.locator("#requests tbody tr").first).to_contain_text("200")
    expect(page.locator("#requests tbody tr").nth(1).locator("pre")).to_be_visible()
    expect(page.locator("#requests summary").first).to_be_focused()


def test_only_refused_requests_are_shown_where_that_is_asked_for(page: Page, raw: Raw) -> None:
    raw.upsert(stream="none")
    fill(raw, 1)
    expect(page.locator("#requests tbody tr").first).to_contain_text("202")
    page.get_by_label("only refused").check()
    expect(page.locator("#requests tbody tr")).to_have_count(1)
    expect(page.locator("#requests tbody tr")).to_contain_text("404")


def test_requests_stand_in_the_order_in_which_they_began(page: Page, raw: Raw, server: LocalServer) -> None:
    began, end = threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        yield b'{"items": ['
        began.set()
        end.wait(PATIENCE)
        yield b"]}"

    url = f"{server.url}/api/v1/projects/local/streams/mutable/records/upsert"
    slow = threading.Thread(
        target=lambda: requests.post(url, data=body(), headers=raw.headers, timeout=PATIENCE)
    )
    slow.start()
    began.wait(PATIENCE)
    expect(page.locator("#requests tbody tr").first).to_contain_text("running")
    raw.get("/models/spaces")
    end.set()
    slow.join(PATIENCE)
    expect(page.locator("#requests tbody tr").nth(1)).to_contain_text("400")
    expect(page.locator("#requests tbody tr").first).to_contain_text("/models/spaces")
    first, second = wait_until(lambda: server.last_requests()[:2])
    assert (first.path, second.status, first.number - second.number) == ("local/models/spaces", 400, 1)
