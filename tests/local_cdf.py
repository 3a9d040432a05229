"""A local CDF with a space, a container and streams, as the tests use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfClient, sync_records
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from tests.sample_records import CONTAINER, SPACE, STREAM

IMMUTABLE_STREAM = "archive"
PROPERTIES = {
    "value": {"type": {"type": "float64"}},
    "text": {"type": {"type": "text"}},
    "time": {"type": {"type": "timestamp"}},
    "number": {"type": {"type": "int64"}},
}


class LocalCdf:
    """The server, and a client to look into it."""

    def __init__(self, server: LocalServer, client: CdfClient) -> None:
        self.server = server
        self.client = client

    def held(self, stream_id: str = STREAM) -> dict[str, dict[str, Any]]:
        """Return all that a stream holds: external id to properties."""
        return dict(self.items(stream_id))

    def items(self, stream_id: str = STREAM) -> list[tuple[str, dict[str, Any]]]:
        """Return the external ids, which may repeat in an immutable stream, and properties of all records."""
        return [
            (item["externalId"], item["properties"][SPACE][CONTAINER])
            for page in sync_records(self.client, stream_id)
            for item in page.items
            if item["status"] != "deleted"
        ]

    def upsert(self, stream_id: str, records: list[dict[str, Any]]) -> None:
        """Put records into a stream, without the loader."""
        self.client.upsert_records(stream_id, json.dumps({"items": records}).encode())


@contextmanager
def local_cdf(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[LocalCdf]:
    """Start a server, point ``cdf_default`` at it, and make what records need."""
    with LocalServer(**settings) as server:
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", server.connection_json())
        with CdfRecordsHook().get_conn() as client:
            client.post("/models/spaces", {"items": [{"space": SPACE}]})
            container = {
                "space": SPACE,
                "externalId": CONTAINER,
                "usedFor": "record",
                "properties": PROPERTIES,
            }
            client.post("/models/containers", {"items": [container]})
            for stream_id, template in ((STREAM, "BasicLiveData"), (IMMUTABLE_STREAM, "BasicArchive")):
                client.create_stream(stream_id, template)
            yield LocalCdf(server, client)
