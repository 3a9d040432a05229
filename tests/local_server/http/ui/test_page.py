"""The page in a real browser: streams, containers, and what it must never do."""

from __future__ import annotations

import requests
from playwright.sync_api import Browser, Page, expect

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record
from tests.local_server.http.ui.page import ATTACK, NONE, cells, fill
from tests.waiting import PATIENCE


def test_a_new_server_says_what_to_do(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#project")).to_have_text("local")
    expect(page.locator("#no-streams")).to_contain_text("--create-missing")
    expect(page.locator("#no-containers")).to_be_visible()
    expect(page.locator("#no-requests")).to_be_visible()
    expect(page.locator("#records-section")).to_be_hidden()


def test_streams_are_shown_with_type_counts_last_change_and_rates_as_they_fill(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    first = page.locator("#streams tbody tr").first
    expect(page.locator("#streams tbody tr")).to_have_count(2)
    assert cells(page, "streams")[0] == ["mutablemutableBasicLiveData", "00 B", NONE]
    expect(page.locator("#no-records")).to_be_visible()
    fill(raw, 1000)
    server.clock.advance(1)
    expect(first).to_contain_text("1,000")
    expect(first).to_contain_text("200 records/s13 kB/s")  # a second, of five
    assert cells(page, "streams")[0][1] == "1,00066 kB"
    changed = int(page.evaluate("Date.parse(document.querySelector('#streams time').dateTime)"))
    (newest,) = raw.post("/streams/mutable/records/filter", {"limit": 1}).json()["items"]
    assert changed == newest["lastUpdatedTime"]


def test_another_stream_can_be_chosen_by_mouse_and_by_keyboard_and_stays_chosen(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    raw.post("/streams/immutable/records", {"items": [a_record("in the archive")]})
    expect(page.locator("#records-of")).to_have_text("of mutable")
    page.get_by_role("button", name="immutable").click()
    expect(page.locator("#records tbody")).to_contain_text("in the archive")
    page.reload()
    expect(page.locator("#records tbody")).to_contain_text("in the archive")
    page.get_by_role("button", name="mutable", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#records tbody")).to_contain_text("id-0")
    expect(page.get_by_role("button", name="mutable", exact=True)).to_be_focused()


def test_the_definition_of_a_container_opens_and_closes_by_keyboard(
    page: Page, raw: Raw, server: LocalServer
) -> None:
    size = {"type": {"type": "enum", "values": {"s": {}, "m": {}}}, "nullable": False}
    index = {"byName": {"properties": ["name"], "indexType": "btree"}}
    container = {"space": "s", "externalId": "Indexed", "usedFor": "record", "indexes": index}
    properties = {"name": {"type": {"type": "text", "list": True}}, "size": size}
    assert raw.post("/models/containers", {"items": [container | {"properties": properties}]}).ok
    page.get_by_role("button", name="Indexed").focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Container Indexed")
    properties_shown = panel.get_by_role("table", name="Properties").locator("tbody tr")
    expect(properties_shown).to_have_text(["namelist of textoptional", "sizeenum, s | mrequired"])
    indexes_shown = panel.get_by_role("table", name="Indexes").locator("td")
    expect(indexes_shown).to_have_text(["byName", "btree", "name"])
    expect(panel.get_by_role("region", name="Definition as JSON")).to_contain_text('"usedFor": "record"')
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="Indexed")).to_be_focused()


def test_times_are_in_the_zone_of_the_browser_or_in_utc_and_it_says_which(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    shown = page.locator("#records tbody time")
    expect(page.locator("#zone")).to_contain_text("(UTC+05:30)")
    local, title = shown.text_content() or "", shown.get_attribute("title") or ""
    page.get_by_role("button", name="show UTC").click()
    expect(page.locator("#zone")).to_have_text("UTC")
    expect(shown).not_to_have_text(local)
    utc = shown.text_content() or ""
    assert title == f"{local} UTC+05:30 = {utc} UTC"
    assert (shown.get_attribute("datetime") or "").startswith(utc.replace(" ", "T"))
    page.reload()
    expect(page.locator("#zone")).to_have_text("UTC")


def test_data_is_shown_as_text_whatever_it_holds(page: Page, raw: Raw) -> None:
    raw.upsert(a_record(ATTACK, filled=ATTACK))
    raw.get(f"/{ATTACK}")
    raw.post("/streams/mutable/records/filter", {"filter": {ATTACK: {}}})
    expect(page.locator("#records tbody tr").first).to_contain_text(ATTACK)
    assert cells(page, "records")[0][0] == ATTACK
    assert cells(page, "records")[0][2] == ATTACK
    page.locator("#records tbody tr").first.click()
    expect(page.get_by_role("dialog", name=ATTACK).locator("pre").first).to_contain_text("onerror")
    page.keyboard.press("Escape")
    page.locator("#requests summary").first.click()
    expect(page.locator("#requests pre").first).to_contain_text("onerror")
    page.fill("#filter", f'{{"{ATTACK[:4]}": 1}}')
    page.keyboard.press("Control+Enter")
    expect(page.locator("#filter-error")).to_contain_text(ATTACK[:4])
    assert page.evaluate("window.attacked") is None
    assert page.locator("main img, main script, dialog img, dialog script").count() == 0


def test_a_name_in_the_address_is_no_markup_either(page: Page, raw: Raw, server: LocalServer) -> None:
    page.goto(f"{server.url}/#{ATTACK}")
    expect(page.locator("#records-of")).to_have_text("of mutable")
    assert page.evaluate("window.attacked") is None


def test_the_page_shows_no_secret(page: Page, raw: Raw, server: LocalServer) -> None:
    fill(raw, 3)
    raw.ask_for_token(client_secret="a-wrong-secret")
    expect(page.locator("#requests tbody tr").first).to_contain_text("401")
    token = raw.headers["Authorization"].removeprefix("Bearer ")
    everything = page.content() + requests.get(f"{server.url}/ui/state", timeout=PATIENCE).text
    for secret in (token, server.settings.client_secret, "a-wrong-secret"):
        assert secret not in everything


def test_it_asks_for_nothing_while_nobody_sees_it(page: Page, server: LocalServer) -> None:
    page.clock.install()
    page.add_init_script(
        "window.isHidden = false; Object.defineProperty(document, 'hidden', {get: () => window.isHidden})"
    )
    asked: list[str] = []
    page.goto(server.url)
    page.on("request", lambda one: asked.append(one.url))
    expect(page.locator("#live")).to_have_text("live")
    page.clock.run_for(5_000)
    assert asked
    page.evaluate("window.isHidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(1_500)
    asked.clear()
    page.clock.run_for(60_000)
    assert asked == []
    page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(2_000)
    assert asked


def test_it_says_when_the_server_is_gone_and_when_another_has_come(
    browser: Browser, server: LocalServer, raw: Raw
) -> None:
    page = browser.new_page()
    with LocalServer() as gone:
        page.goto(gone.url)
        Raw(gone.url, gone.settings).get("/streams")
        expect(page.locator("#requests tbody")).to_contain_text("/streams")
        port = gone.url.rpartition(":")[2]
    expect(page.locator("#live")).to_have_text("the server does not answer")
    with LocalServer(port=int(port)):
        expect(page.locator("#live")).to_have_text("live")
        expect(page.locator("#no-requests")).to_be_visible()
    page.close()
