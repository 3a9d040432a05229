"""The page while records arrive, and while the server does not answer."""

from __future__ import annotations

import json

from playwright.sync_api import Browser, Page, Route, expect

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record
from tests.local_server.http.ui.page import cells, fill

ONE = json.dumps({"equals": {"property": ["externalId"], "value": "id-5"}})
OF_RECORDS = "**/ui/records?*"


def count_in_streams(page: Page, count: int) -> None:
    expect(page.locator("#streams tbody tr.chosen td.number")).to_contain_text(f"{count:,}")


def hold_records(page: Page) -> list[Route]:
    """Let requests for records wait, and return those that do."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(OF_RECORDS, hold)
    return held


def test_what_is_wrong_with_a_filter_stays_to_be_read(page: Page, raw: Raw) -> None:
    fill(raw, 3)
    count_in_streams(page, 3)
    page.fill("#filter", "{wrong")
    page.click("#filter-form .primary")
    expect(page.get_by_role("alert")).to_contain_text("not JSON")
    fill(raw, 7)
    expect(page.locator("#newer")).to_be_visible()
    count_in_streams(page, 7)
    expect(page.get_by_role("alert")).to_contain_text("not JSON")
    expect(page.locator("#records tbody tr")).to_have_count(3)
    page.click("#clear-filter")
    expect(page.locator("#records tbody tr")).to_have_count(7)
    fill(raw, 9)
    expect(page.locator("#records tbody tr")).to_have_count(9)


def test_a_slow_filter_is_answered_though_records_arrive(page: Page, raw: Raw) -> None:
    fill(raw, 9)
    expect(page.locator("#records tbody tr")).to_have_count(9)
    held = hold_records(page)
    page.fill("#filter", ONE)
    page.click("#filter-form .primary")
    expect(page.locator("#records-shown")).to_have_text("searching")
    for count in (12, 15):
        fill(raw, count)
        count_in_streams(page, count)
    assert len(held) == 1
    held[0].continue_()
    page.unroute(OF_RECORDS)
    expect(page.locator("#records tbody tr")).to_have_count(1)
    expect(page.locator("#records-shown")).to_contain_text("examined")
    expect(page.locator("#newer")).to_be_visible()


def test_a_slow_list_is_not_asked_for_again_before_it_is_there(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    expect(page.locator("#records tbody tr")).to_have_count(1)
    held = hold_records(page)
    for count in (4, 5, 6):
        fill(raw, count)
        count_in_streams(page, count)
    assert len(held) == 1
    held[0].continue_()
    page.unroute(OF_RECORDS)
    expect(page.locator("#records tbody tr")).to_have_count(6)


def test_what_was_asked_for_while_the_server_was_gone_is_asked_for_again(
    browser: Browser, server: LocalServer, raw: Raw
) -> None:
    page = browser.new_page()
    fill(raw, 9)
    page.goto(server.url)
    expect(page.locator("#records tbody tr")).to_have_count(9)
    page.route(OF_RECORDS, lambda route: route.abort())
    page.fill("#filter", ONE)
    with page.expect_event("requestfailed"):
        page.click("#filter-form .primary")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.unroute(OF_RECORDS)
    expect(page.locator("#records tbody tr")).to_have_count(1)
    page.close()


def test_the_stream_that_is_looked_at_stays_when_another_gets_its_first_records(page: Page, raw: Raw) -> None:
    raw.post("/streams/immutable/records", {"items": [a_record("in the archive")]})
    expect(page.locator("#records-of")).to_have_text("of immutable")
    fill(raw, 2)
    expect(page.locator("#streams tbody tr").first).to_contain_text("2")
    assert cells(page, "streams")[0][0].startswith("mutable")
    expect(page.locator("#records-of")).to_have_text("of immutable")


def test_whether_the_server_answers_stays_in_sight(page: Page, raw: Raw) -> None:
    fill(raw, 30)
    expect(page.locator("#records tbody tr")).to_have_count(20)
    page.locator("#requests tbody tr").last.scroll_into_view_if_needed()
    expect(page.locator("#activity-title")).not_to_be_in_viewport()
    expect(page.locator("#live")).to_be_in_viewport()


def test_selected_text_stays_selected_while_records_arrive(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    expect(page.locator("#records tbody tr")).to_have_count(1)
    for count, table in enumerate(("records", "requests", "streams"), start=2):
        text = page.locator(f"#{table} tbody .line, #{table} tbody .small").first
        text.evaluate("element => getSelection().selectAllChildren(element)")
        selected = page.evaluate("String(getSelection())")
        assert selected
        before = cells(page, table)
        fill(raw, count)
        for _ in range(2):
            with page.expect_response("**/ui/state?*"):
                pass
        assert (page.evaluate("String(getSelection())"), cells(page, table)) == (selected, before)
        page.evaluate("getSelection().removeAllRanges()")
        expect(page.locator(f"#{table} tbody")).not_to_have_text("".join(map("".join, before)))


def test_selecting_text_of_a_record_does_not_open_it(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    text = page.locator("#records tbody .line").first
    box = text.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 1, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.up()
    assert page.evaluate("String(getSelection())")
    expect(page.locator("#panel")).not_to_be_visible()
    page.locator("#records tbody button").click()
    expect(page.locator("#panel")).to_be_visible()
