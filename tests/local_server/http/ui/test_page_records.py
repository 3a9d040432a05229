"""Records on the page: pages of them, filters, and one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, refusal
from tests.local_server.http.ui.page import NONE, cells, fill

REQUIRED = ["s", "C", "required"]


def apply(page: Page, filter: Any) -> None:
    page.fill("#filter", filter if isinstance(filter, str) else json.dumps(filter))
    page.get_by_role("button", name="Filter", exact=True).click()


def names(page: Page) -> list[str]:
    return [row[0] for row in cells(page, "records")]


def test_the_last_records_are_shown_with_their_properties(page: Page, raw: Raw) -> None:
    fill(raw, 30)
    raw.upsert(a_record("id-3", required=77))
    expect(page.locator("#records tbody tr").first).to_contain_text("id-3")
    heads = page.locator("#records th").all_text_contents()
    assert heads == ["External id", "Last updated", "Cfilled", "Crequired", "Ctext"]
    rows = cells(page, "records")
    assert len(rows) == 20
    assert (rows[0][0], *rows[0][2:]) == ("id-3", "as usual", "77", NONE)
    assert (rows[1][0], *rows[1][2:]) == ("id-29", "as usual", "29", "text 29")


def test_more_records_are_shown_page_by_page_each_once(page: Page, raw: Raw) -> None:
    fill(raw, 45)
    expect(page.locator("#records tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#records tbody tr")).to_have_count(40)
    raw.upsert(a_record("newer"))  # it must not move what is being read
    expect(page.locator("#newer")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#records tbody tr")).to_have_count(45)
    assert names(page) == [f"id-{number}" for number in range(44, -1, -1)]
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    page.locator("#newer").click()
    expect(page.locator("#records tbody tr").first).to_contain_text("newer")


def test_a_filter_shows_what_the_api_would_answer(page: Page, raw: Raw) -> None:
    fill(raw, 60)
    for filter in (
        {"range": {"property": REQUIRED, "gte": 7, "lt": 10}},
        {"equals": {"property": ["externalId"], "value": "id-5"}},
        {"and": [{"prefix": {"property": ["externalId"], "value": "id-1"}}, {"matchAll": {}}]},
    ):
        expected = raw.post("/streams/mutable/records/filter", {"filter": filter, "limit": 100}).json()
        wanted = [item["externalId"] for item in reversed(expected["items"])]
        apply(page, filter)
        expect(page.locator("#records tbody tr")).to_have_count(len(wanted))
        expect(page.locator("#records tbody tr").first).to_contain_text(wanted[0])
        assert names(page) == wanted
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#records tbody tr")).to_have_count(20)


def test_a_wrong_filter_gets_the_words_of_the_api_and_the_records_stay(page: Page, raw: Raw) -> None:
    fill(raw, 3)
    wrong: tuple[Any, ...] = ({"equal": 1}, {"range": {"property": REQUIRED}}, {"and": 5})
    for filter in wrong:
        words = refusal(raw.post("/streams/mutable/records/filter", {"filter": filter}), 400)
        apply(page, filter)
        expect(page.get_by_role("alert")).to_have_text(words)
    apply(page, "{not JSON")
    expect(page.get_by_role("alert")).to_contain_text("filter: not JSON: ")
    expect(page.locator("#filter")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#records tbody tr")).to_have_count(3)
    apply(page, {"matchAll": {}})
    expect(page.get_by_role("alert")).to_be_hidden()


def test_every_example_is_a_filter_that_works(page: Page, raw: Raw) -> None:
    fill(raw, 3)
    expect(page.locator("#examples option")).to_have_count(8)
    values = page.locator("#examples option").evaluate_all("all => all.map((one) => one.value)")
    for value in filter(None, values):
        page.select_option("#examples", value)
        expect(page.locator("#filter")).to_have_value(value)
        assert raw.post("/streams/mutable/records/filter", {"filter": json.loads(value)}).ok


def test_a_click_on_a_record_opens_its_json_its_times_and_its_history(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    raw.upsert(a_record("a", required=1))
    for number in (2, 3):
        server.clock.advance(60)
        raw.upsert(a_record("a", required=number))
    page.locator("#records tbody td").nth(1).click()
    panel = page.get_by_role("dialog", name="a")
    (record,) = raw.post("/streams/mutable/records/filter", {"limit": 1}).json()["items"]
    record_json = panel.get_by_role("region", name="Record as JSON")
    expect(record_json).to_contain_text('"required": 3')
    assert json.loads(record_json.text_content() or "") == record
    events = panel.get_by_role("list", name="History, newest first").get_by_role("listitem")
    expect(events).to_have_count(3)
    expect(panel.locator(".kind")).to_have_text(["updated", "updated", "created"])
    events.last.get_by_text("properties then").click()
    expect(events.last.locator("pre")).to_contain_text('"required": 1')
    times = panel.locator("dd time")
    assert times.first.get_attribute("datetime") == events.last.locator("time").get_attribute("datetime")
    assert times.last.get_attribute("datetime") == events.first.locator("time").get_attribute("datetime")
    expect(panel).to_contain_text("CDF keeps no older versions")


def test_a_record_opens_and_closes_by_keyboard_and_can_be_copied(page: Page, raw: Raw) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fill(raw, 2)
    page.locator("#records tbody button").first.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="id-1")
    panel.get_by_role("button", name="Copy").press("Enter")
    expect(panel.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["properties"]["s"]["C"]["text"] == "text 1"
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("#records tbody button").first).to_be_focused()


def test_a_record_that_was_deleted_meanwhile_says_so(page: Page, raw: Raw, tmp_path: Path) -> None:
    fill(raw, 25)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#records tbody tr")).to_have_count(25)
    identity = {"space": "s", "externalId": "id-0"}
    assert raw.post("/streams/mutable/records/delete", {"items": [identity]}).ok
    page.locator("#records tbody tr").last.click()
    panel = page.get_by_role("dialog", name="id-0")
    expect(panel).to_contain_text("has been deleted since")
    expect(panel.locator(".kind")).to_have_text(["deleted", "created"])


def test_long_values_are_cut_in_the_list_and_whole_in_the_record(page: Page, raw: Raw) -> None:
    raw.upsert(a_record("a", filled="y" * 5000))
    expect(page.locator("#records tbody tr")).to_have_count(1)
    assert cells(page, "records")[0][2] == "y" * 200 + "…"
    page.locator("#records tbody tr").click()
    expect(page.get_by_role("region", name="Record as JSON")).to_contain_text("y" * 5000)


def test_numbers_that_a_browser_would_round_are_shown_exactly(
    page: Page, server: LocalServer, raw: Raw
) -> None:
    server.load({"containers": [{"space": "s", "externalId": "Large", "properties": {"p": "int64"}}]})
    source = {"type": "container", "space": "s", "externalId": "Large"}
    raw.upsert(a_record("a") | {"sources": [{"source": source, "properties": {"p": 2**62 + 1}}]})
    expect(page.locator("#records tbody tr")).to_contain_text(str(2**62 + 1))
    page.locator("#records tbody tr").click()
    expect(page.get_by_role("region", name="Record as JSON")).to_contain_text(f'"p": {2**62 + 1}')
