from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cognite.client import CogniteClient

from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.local_server.settings import Settings
from tests.local_server import sdk
from tests.waiting import PATIENCE

PROPERTIES = {
    "text": {"type": {"type": "text", "maxTextSize": 10}},
    "required": {"type": {"type": "int32"}, "nullable": False},
    "filled": {"type": {"type": "text"}, "nullable": False, "defaultValue": "as usual"},
}


class Raw:
    """A plain HTTP client, which can send anything."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url = url
        self._settings = settings
        self._session = requests.Session()
        self.headers = {"Authorization": f"Bearer {self.token()}"}

    def token(self, **changes: str) -> str:
        return str(self.ask_for_token(**changes).json()["access_token"])

    def ask_for_token(self, **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        return requests.post(f"{self.url}/oauth2/token", data=form | changes, timeout=PATIENCE)

    def get(self, path: str, project: str = "local") -> requests.Response:
        address = f"{self.url}/api/v1/projects/{project}{path}"
        return self._session.get(address, headers=self.headers, timeout=PATIENCE)

    def post(self, path: str, body: Any, project: str = "local", **headers: str) -> requests.Response:
        """Post JSON, or bytes as they are."""
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._session.post(
            f"{self.url}/api/v1/projects/{project}{path}",
            headers=self.headers | headers,
            timeout=PATIENCE,
            **content,
        )

    def upsert(self, *items: Any, stream: str = "mutable") -> requests.Response:
        return self.post(f"/streams/{stream}/records/upsert", {"items": items})

    def held(self, stream: str = "mutable") -> dict[str, Any]:
        """Return external id to properties in the container ``C`` of all records."""
        bounds = {"lastUpdatedTime": {"gt": 0}, "limit": 1000}
        items = self.post(f"/streams/{stream}/records/filter", bounds).json()["items"]
        return {item["externalId"]: item["properties"]["s"]["C"] for item in items}


def a_record(external_id: str = "a", **properties: Any) -> dict[str, Any]:
    source = {"type": "container", "space": "s", "externalId": "C"}
    return {
        "space": "s",
        "externalId": external_id,
        "sources": [{"source": source, "properties": {"required": 1} | properties}],
    }


def refusal(answer: requests.Response, status: int) -> str:
    """Check that an answer is a refusal of CDF's form, and return its message."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, status), answer.text
    assert answer.headers["x-request-id"]
    return str(error["message"])


def set_up(raw: Raw) -> None:
    """Create the space ``s``, containers ``C`` and ``ForNodes``, and a stream of either type."""
    assert raw.post("/models/spaces", {"items": [{"space": "s"}]}).ok
    containers = [
        {"space": "s", "externalId": "C", "usedFor": "record", "properties": PROPERTIES},
        {"space": "s", "externalId": "ForNodes", "usedFor": "node", "properties": PROPERTIES},
        {"space": "s", "externalId": "ForBoth", "usedFor": "all", "properties": PROPERTIES},
    ]
    assert raw.post("/models/containers", {"items": containers}).ok
    for stream, template in (("mutable", "BasicLiveData"), ("immutable", "BasicArchive")):
        settings = {"template": {"name": template}}
        assert raw.post("/streams", {"items": [{"externalId": stream, "settings": settings}]}).ok


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "cdf.sqlite") as server:
        yield server


@pytest.fixture
def raw(server: LocalServer) -> Raw:
    raw = Raw(server.url, server.settings)
    set_up(raw)
    return raw


@pytest.fixture
def client(server: LocalServer) -> CogniteClient:
    """The official SDK, connected."""
    return sdk.connect(server)
