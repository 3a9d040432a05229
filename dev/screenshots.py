"""Take the pictures of the documentation, into ``docs/pictures/``: ``make screenshots``.

They show an Airflow with a finished run, and the local server's page; all data is made up.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from airflow_provider_cdf_records.local_server import LocalServer
from tests.browser import HOW_TO_GET_ONE, PATIENCE, installed_browser, running_browser
from tests.dags.airflow_pages import DAG_ID, RUN_ID, airflow_with_a_run, page_of, page_of_task
from tests.running_airflow import RunningAirflow

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PAGE_SIZE = (1100, 640)  # of the local server's page
LARGEST = 150_000  # bytes of a picture
SETTLED = 1500  # milliseconds, in which animations and panels come to rest


@contextmanager
def new_page(
    browser: Browser, scheme: Literal["light", "dark"] = "light", size: tuple[int, int] = (1280, 800)
) -> Iterator[Page]:
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()


def keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
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
        with new_page(browser) as page:
            show(page, airflow)
            keep(page, name)


def take_of_local_server(browser: Browser, server: LocalServer) -> None:
    pictures: list[tuple[str, Literal["light", "dark"]]] = [
        ("local-server", "light"),
        ("local-server-dark", "dark"),
    ]
    for name, scheme in pictures:
        with new_page(browser, scheme, PAGE_SIZE) as page:
            page.goto(server.url)
            page.locator("#records tbody tr").first.wait_for()
            keep(page, name)


def main() -> None:
    browser_path = installed_browser()
    if browser_path is None:
        sys.exit(f"Pictures need a browser: {HOW_TO_GET_ONE}")
    FOLDER.mkdir(exist_ok=True)
    files = Path(tempfile.gettempdir()) / "plant"  # the log shows it
    if files.exists():
        sys.exit(f"{files} is in the way; remove it.")
    files.mkdir()
    try:
        with (
            tempfile.TemporaryDirectory() as work,
            airflow_with_a_run(Path(work), files) as (airflow, server),
            running_browser(browser_path) as browser,
        ):
            take_of_airflow(browser, airflow)
            take_of_local_server(browser, server)
    finally:
        shutil.rmtree(files)


if __name__ == "__main__":
    main()
