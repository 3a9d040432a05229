"""Take pictures of the local server's page, light and dark, into ``.screenshots/``: ``make screenshots``."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import requests
from playwright.sync_api import sync_playwright

from airflow_provider_cdf_records.local_server import LocalServer
from dev.bench_local_server import DEFINITIONS, PROJECT, a_body, authorization

FOLDER = Path(__file__).resolve().parent.parent / ".screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW = {"width": 1280, "height": 800}
ARCHIVE = {"externalId": "archive", "template": "BasicArchive"}


def fill(server: LocalServer) -> None:
    """Store some records, and send one request that is refused, so that the page shows both."""
    server.load(DEFINITIONS | {"streams": ["alarms", ARCHIVE]})
    headers = authorization(json.loads(server.connection_json()))
    for stream in ("alarms", "nowhere"):
        path = f"{PROJECT}/streams/{stream}/records/upsert"
        requests.post(server.url + path, a_body(0, 500), headers=headers, timeout=10)


def main() -> None:
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit("Pictures need a browser: apt-get install --no-install-recommends chromium")
    FOLDER.mkdir(exist_ok=True)
    with LocalServer() as server, sync_playwright() as playwright:
        fill(server)
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=WINDOW, color_scheme=scheme, device_scale_factor=2)
            page.goto(server.url)
            page.locator("#records tbody tr").first.wait_for()
            picture = FOLDER / f"local-server-{scheme}.png"
            page.screenshot(path=picture)
            print(picture.relative_to(FOLDER.parent))
        browser.close()


if __name__ == "__main__":
    main()
