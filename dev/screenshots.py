"""Pictures of the local server's page, light and dark, into ``.screenshots/``: ``make screenshots``."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import sync_playwright

from airflow_provider_cdf_records.local_server import LocalServer

FOLDER = Path(__file__).resolve().parent.parent / ".screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW = {"width": 1280, "height": 800}
DEFINITIONS = {
    "spaces": ["plant"],
    "containers": [
        {
            "space": "plant",
            "externalId": "Alarm",
            "properties": {
                "severity": "text",
                "value": "float64",
                "time": "timestamp",
                "acknowledged": "boolean",
            },
        }
    ],
    "streams": ["alarms", {"externalId": "archive", "template": "BasicArchive"}],
}


def some_alarms() -> Iterator[dict[str, Any]]:
    source = {"type": "container", "space": "plant", "externalId": "Alarm"}
    for number in range(500):
        properties = {
            "severity": ("low", "high", "critical")[number % 3],
            "value": round(number / 7, 2),
            "time": f"2026-01-02T03:{number // 60:02}:{number % 60:02}Z",
            "acknowledged": number % 2 == 0,
        }
        sources = [{"source": source, "properties": properties}]
        yield {"space": "plant", "externalId": f"pump-{number % 50}/{number}", "sources": sources}


def fill(server: LocalServer) -> None:
    """Store some records, and have one request refused, as there will be."""
    server.load(DEFINITIONS)
    connection = json.loads(server.connection_json())
    form = {
        "grant_type": "client_credentials",
        "client_id": connection["login"],
        "client_secret": connection["password"],
    }
    token = requests.post(server.token_url, data=form, timeout=10).json()["access_token"]
    url = f"{server.url}/api/v1/projects/{connection['schema']}/streams"
    headers = {"Authorization": f"Bearer {token}"}
    for path, items in (("alarms", list(some_alarms())), ("nowhere", [])):
        requests.post(f"{url}/{path}/records/upsert", json={"items": items}, headers=headers, timeout=10)


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
