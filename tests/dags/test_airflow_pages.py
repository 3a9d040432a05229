"""What Airflow's own pages show of our tasks and connections, in a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.local_server import LocalServer
from tests.airflow_version import AIRFLOW
from tests.dags.airflow_pages import DAG_ID, airflow_with_a_run, page_of, page_of_task
from tests.running_airflow import RunningAirflow

pytestmark = [
    pytest.mark.skipif(AIRFLOW < (3, 3), reason="other versions have other pages"),
    pytest.mark.xdist_group("Airflow's pages"),  # one Airflow for all
]
BROWSER_PATIENCE = 120_000  # milliseconds
expect.set_options(timeout=BROWSER_PATIENCE)
NAMES = ("chromium", "chromium-browser", "google-chrome")
(FORM,) = get_provider_info()["connection-types"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if os.environ.get("CDF_WITHOUT_BROWSER"):
        pytest.skip("CDF_WITHOUT_BROWSER is set")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail("Needs a browser: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningAirflow, LocalServer]]:
    work, files = tmp_path_factory.mktemp("pages"), tmp_path_factory.mktemp("files")
    with airflow_with_a_run(work, files) as running:
        yield running


@pytest.fixture
def airflow(running: tuple[RunningAirflow, LocalServer]) -> RunningAirflow:
    return running[0]


@pytest.fixture
def server(running: tuple[RunningAirflow, LocalServer]) -> LocalServer:
    return running[1]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(BROWSER_PATIENCE)
    yield page
    page.close()


def open_form(page: Page, airflow: RunningAirflow, conn_id: str) -> None:
    page.goto(page_of(airflow, "connections"))
    page.get_by_role("button", name="Add Connection").click()
    page.locator("input[name=connection_id]").fill(conn_id)
    page.get_by_role("combobox").last.fill("Cognite")
    page.get_by_role("option", name="Cognite Data Fusion").click()
    expect(page.locator("input[name=schema]")).to_be_visible()


def save_and_test(page: Page, conn_id: str, **fields: Any) -> None:
    """Fill the form, save it, and press the Test button of the connection in the list."""
    extras = fields.pop("extra", {})
    for name, value in fields.items():
        page.locator(f"input[name={name}]").fill(str(value))
    page.get_by_text("Extra Fields", exact=True).click()
    for name, value in extras.items():
        page.locator(f"#element_{name}").fill(value)
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text=conn_id)
    row.get_by_role("button", name="Test Connection").click()


def test_the_form_has_our_labels_and_examples(airflow: RunningAirflow, page: Page) -> None:
    open_form(page, airflow, "labels")
    form = page.get_by_role("dialog")
    behaviour = FORM["ui-field-behaviour"]
    for label in behaviour["relabeling"].values():
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    for name, placeholder in behaviour["placeholders"].items():
        expect(form.locator(f"input[name={name}]")).to_have_attribute("placeholder", placeholder)
    page.get_by_text("Extra Fields", exact=True).click()
    for field in FORM["conn-fields"].values():
        expect(form.get_by_text(field["label"], exact=True)).to_be_visible()


def test_the_test_button_says_what_a_connection_may_do(
    airflow: RunningAirflow, server: LocalServer, page: Page
) -> None:
    open_form(page, airflow, "with_port")
    host, _, port = server.url.rstrip("/").rpartition(":")
    save_and_test(
        page,
        "with_port",
        host=host,
        port=port,
        schema="local",
        login="local-client",
        password="local-secret",
        extra={"token_url": f"{server.url.rstrip('/')}/oauth2/token"},
    )
    expect(
        page.get_by_text(re.compile("Project 'local' at .* Present: .*StreamRecordsAcl:WRITE"))
    ).to_be_visible()


def test_the_test_button_names_all_that_is_missing_as_the_form_does(
    airflow: RunningAirflow, page: Page
) -> None:
    open_form(page, airflow, "empty")
    save_and_test(page, "empty", port=443)
    missing = [r"Cluster \(host\)", r"CDF project \(schema\)", r"Client ID \(login\)", r"secret \(password\)"]
    expect(page.get_by_text(re.compile(" is empty.* ".join(missing)))).to_be_visible()


def test_the_rendered_records_are_one_true_line(airflow: RunningAirflow, page: Page) -> None:
    page.goto(page_of_task(airflow, "load", "rendered_templates"))
    expect(page.get_by_text("output of extract: 1,000 rows read")).to_be_visible()
    assert "xcom_pull" not in page.locator("body").inner_text()


def test_the_summary_is_among_the_xcoms(airflow: RunningAirflow, page: Page) -> None:
    page.goto(page_of_task(airflow, "load", "xcom"))
    row = page.get_by_role("row").filter(has=page.get_by_text("upserted", exact=True))
    expect(row).to_contain_text("997")
    expect(page.get_by_role("row").filter(has=page.get_by_text("rejected", exact=True))).to_contain_text("3")


def test_the_log_has_the_summary(airflow: RunningAirflow, page: Page) -> None:
    page.goto(page_of_task(airflow, "load"))
    expect(page.get_by_text("Upserted 997 of 1,000 records into stream plant_alarms").first).to_be_visible()


def test_no_link_leads_nowhere(airflow: RunningAirflow, page: Page) -> None:
    """A local server has no page in Cognite's web application, and a local file has no address."""
    page.goto(page_of_task(airflow, "load", "details"))
    expect(page.get_by_text("CdfRecordsUpsertOperator").first).to_be_visible()
    expect(page.get_by_text("Extra Links")).to_be_visible()
    for name in ("CDF project", "Rejected records"):
        expect(page.locator("a", has_text=name)).to_have_count(0)


def test_the_dags_own_words_are_there(airflow: RunningAirflow, page: Page) -> None:
    page.goto(page_of(airflow, "dags", DAG_ID))
    page.get_by_role("button", name="Dag Docs").click()
    expect(page.get_by_text("what makes no record is set aside with its reason")).to_be_visible()


def test_the_assets_event_has_the_summary(airflow: RunningAirflow, page: Page) -> None:
    page.goto(page_of(airflow, "assets"))
    page.get_by_role("link", name="cdf://westeurope-1").first.click()
    expect(page.get_by_text(DAG_ID).first).to_be_visible()
    page.locator(".codicon-folding-collapsed").first.click()
    expect(page.get_by_text(re.compile(r'"upserted":\s*997')).first).to_be_visible()
