"""Take the pictures of the documentation, into ``docs/pictures/``: ``make screenshots``.

They show an Airflow with a finished run, and the local server's page; all data is made up.
``python -m dev.screenshots --local-server`` takes those of the page only.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, expect

from airflow_provider_cdf_records.local_server import LocalServer
from tests.browser import HOW_TO_GET_ONE, PATIENCE, installed_browser, running_browser
from tests.dags.airflow_pages import DAG_ID, RUN_ID, airflow_with_a_run, page_of, page_of_task
from tests.local_server.conftest import Raw
from tests.running_airflow import RunningAirflow

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
AIRFLOW_SIZES = {"airflow-run": (1440, 760)}  # at which no column is cut off
PAGE_SIZE = (1280, 820)  # of the local server's page
ZONE = "Europe/Oslo"
DEFINITIONS = {
    "spaces": ["plant"],
    "containers": [
        {
            "space": "plant",
            "externalId": "Alarm",
            "properties": {"tag": "text", "time": "timestamp", "severity": "int32", "text": "text"},
        },
        {"space": "plant", "externalId": "Shift", "properties": {"crew": "text", "begins": "timestamp"}},
    ],
    "streams": ["alarms", "shifts", {"externalId": "archive", "template": "BasicArchive"}],
}
TEXTS = ("High level", "Level low", "Vibration", "Valve stuck", "Motor hot")
LARGEST = 150_000  # bytes of a picture
SETTLED = 1500  # milliseconds, in which animations and panels come to rest


@contextmanager
def new_page(
    browser: Browser, scheme: Literal["light", "dark"] = "light", size: tuple[int, int] = (1280, 800)
) -> Iterator[Page]:
    width, height = size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        timezone_id=ZONE,
        reduced_motion="reduce",
    )
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def keep(page: Page, name: str, part: Locator | None = None) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED)
    path = FOLDER / f"{name}.png"
    (part or page).screenshot(path=path)
    size = path.stat().st_size
    print(f"docs/pictures/{path.name}: {size / 1000:,.0f} kB{', too large for the docs' * (size > LARGEST)}")


def show_run(page: Page, airflow: RunningAirflow) -> None:
    page.goto(page_of(airflow, "dags", DAG_ID, "runs", RUN_ID))
    page.get_by_text("5 Task Instances").wait_for()
    page.get_by_role("link", name="wait_until_visible").first.wait_for()


def show_log(page: Page, airflow: RunningAirflow) -> None:
    page.goto(page_of_task(airflow, "load"))
    page.get_by_text("Upserted 997 of 1,000").first.wait_for()
    page.keyboard.press("w")  # wraps the lines
    page.get_by_text("3 records rejected").first.click()


def show_xcom(page: Page, airflow: RunningAirflow) -> None:
    page.goto(page_of_task(airflow, "load", "xcom"))
    row = page.get_by_role("row").filter(has=page.get_by_text("summary", exact=True))
    row.scroll_into_view_if_needed()
    row.locator(".codicon-folding-collapsed").first.click()
    page.get_by_text("rejected_path").last.wait_for()
    page.get_by_text("upserted", exact=True).last.scroll_into_view_if_needed()


def show_connection(page: Page, airflow: RunningAirflow) -> None:
    page.goto(page_of(airflow, "connections"))
    page.get_by_role("button", name="Add Connection").click()
    page.locator("input[name=connection_id]").fill("cdf_default")
    page.get_by_role("combobox").last.fill("Cognite")
    page.get_by_role("option", name="Cognite Data Fusion").click()
    page.locator("input[name=schema]").wait_for()


def show_asset(page: Page, airflow: RunningAirflow) -> None:
    page.goto(page_of(airflow, "assets"))
    page.get_by_role("link", name="cdf://").first.click()
    page.get_by_text("1 Asset Event").wait_for()
    page.locator(".codicon-folding-collapsed").first.click()
    page.get_by_text("upserted").first.wait_for()


AIRFLOW_PAGES: dict[str, Callable[[Page, RunningAirflow], None]] = {
    "airflow-run": show_run,
    "airflow-log": show_log,
    "airflow-xcom": show_xcom,
    "airflow-connection": show_connection,
    "airflow-asset": show_asset,
}


def take_of_airflow(browser: Browser, airflow: RunningAirflow) -> None:
    for name, show in AIRFLOW_PAGES.items():
        with new_page(browser, size=AIRFLOW_SIZES.get(name, (1280, 800))) as page:
            show(page, airflow)
            keep(page, name)


def a_record(container: str, external_id: str, **properties: object) -> dict[str, object]:
    source = {"type": "container", "space": "plant", "externalId": container}
    sources = [{"source": source, "properties": properties}]
    return {"space": "plant", "externalId": external_id, "sources": sources}


def an_alarm(number: int, **properties: object) -> dict[str, object]:
    moment = f"2026-03-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    values = {
        "tag": f"pump-{number % 40:02}",
        "time": moment,
        "severity": number * 7 % 5 + 1,
        "text": TEXTS[number % 5],
    }
    return a_record("Alarm", f"pump-{number % 40:02}/{moment[11:19]}", **(values | properties))


def load_for_a_while(server: LocalServer) -> None:
    """Load for half a minute, at an uneven rate and with one wrong record."""
    raw = Raw(server.url, server.settings)
    shifts = [a_record("Shift", f"shift-{n}", crew="ABC"[n % 3]) for n in range(42)]
    raw.post("/streams/shifts/records/upsert", {"items": shifts})
    raw.post("/streams/archive/records", {"items": [an_alarm(one) for one in range(900)]})
    number = 0
    for second in range(30):
        for _ in range(1 + (second * 5 + second // 7) % 6):
            items = [an_alarm(one) for one in range(number, number + 400)]
            number += len(items)
            raw.post("/streams/alarms/records/upsert", {"items": items})
        if second == 20:  # noqa: PLR2004
            raw.post("/streams/alarms/records/upsert", {"items": [an_alarm(number, severity="high")]})
        time.sleep(1)
    for severity in (2, 3):
        raw.post("/streams/alarms/records/upsert", {"items": [an_alarm(number, severity=severity)]})


def take_of_local_server(browser: Browser) -> None:
    with LocalServer() as server:
        server.load(DEFINITIONS)
        load_for_a_while(server)
        schemes: list[Literal["light", "dark"]] = ["light", "dark"]
        for scheme in schemes:
            with new_page(browser, scheme, PAGE_SIZE) as page:
                page.goto(server.url)
                page.locator("#records tbody tr").first.wait_for()
                page.select_option("#range", "1")
                expect(page.locator("#live")).to_have_class("on")
                page.locator("#plot .refused").hover()
                keep(page, "local-server" if scheme == "light" else "local-server-dark")
        with new_page(browser, size=PAGE_SIZE) as page:
            page.goto(server.url)
            page.locator("#records tbody tr").first.wait_for()
            page.locator("#requests summary").click()
            page.locator("#only-refused").check()
            keep(page, "local-server-refused", page.locator("section", has=page.locator("#requests")))
        with new_page(browser, size=PAGE_SIZE) as page:
            page.goto(server.url)
            page.locator("#records tbody tr").first.click()
            page.locator("#panel .history summary").last.click()
            keep(page, "local-server-record")


def main() -> None:
    browser_path = installed_browser()
    if browser_path is None:
        sys.exit(f"Pictures need a browser: {HOW_TO_GET_ONE}")
    FOLDER.mkdir(exist_ok=True)
    with running_browser(browser_path) as browser:
        take_of_local_server(browser)
        if "--local-server" not in sys.argv:
            take_with_airflow(browser)


def take_with_airflow(browser: Browser) -> None:
    files = Path(tempfile.gettempdir()) / "plant"  # the log shows it
    if files.exists():
        sys.exit(f"{files} is in the way; remove it.")
    files.mkdir()
    try:
        with (
            tempfile.TemporaryDirectory() as work,
            airflow_with_a_run(Path(work), files) as (airflow, _),
        ):
            take_of_airflow(browser, airflow)
    finally:
        shutil.rmtree(files)


if __name__ == "__main__":
    main()
