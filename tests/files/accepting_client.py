"""Loads into a CDF that accepts every record that the container of the corpus allows, without a server."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.client.transport import Traffic
from airflow_provider_cdf_records.load.load import Load
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.local_server.checks.values import compile_check
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.sources import Source
from tests.files.corpus import ROW, lines_of
from tests.sample_records import STREAM

CHECKS = {name: compile_check(prop["type"], name) for name, prop in ROW["properties"].items()}
SILENT = logging.getLogger("tests.silent")
SILENT.setLevel(logging.CRITICAL + 1)


class AcceptingClient:
    """A CDF that accepts every record that the container allows, and keeps them."""

    project, base_url, traffic = "p", "http://localhost", Traffic()

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}

    def upsert_records(self, stream_id: str, body: bytes, **_: Any) -> None:
        for record in json.loads(body, parse_constant=pytest.fail)["items"]:
            properties = {}
            for source in record["sources"]:
                properties |= source["properties"]
            for name, value in properties.items():
                wrong = None if value is None else CHECKS[name](value)
                assert wrong is None, f"{name}: {wrong}"
            json.dumps(record, ensure_ascii=False).encode()  # fails for half of a surrogate pair
            assert record["externalId"], record
            assert "\0" not in record["externalId"], record
            self.held[record["externalId"]] = properties

    def inspect_token(self) -> Any:
        return None

    server_time = None

    def retrieve_stream(self, stream_id: str, **_: Any) -> dict[str, Any]:
        return {"externalId": stream_id, "type": "Mutable"}

    def containers_by_ids(self, ids: Any) -> list[dict[str, Any]]:
        return [ROW]

    def cancel(self) -> None:
        pass


ACCEPTED = replace(UPSERT, send=AcceptingClient.upsert_records)


class Outcome(NamedTuple):
    """What came of a load: numbers or an error, and what was stored."""

    numbers: dict[str, Any]
    error: Exception | None
    held: dict[str, dict[str, Any]]
    rejected: list[dict[str, Any]]


def load(source: Source, mapping: Any, rejected_path: Path) -> Outcome:
    """Load a source; every row may be rejected."""
    client = AcceptingClient()
    rejected_path.unlink(missing_ok=True)
    numbers, error = {}, None
    try:
        load = Load(
            cast("CdfClient", client),
            ACCEPTED,
            STREAM,
            source,
            mapping=None if mapping is None else read_mapping(mapping),
            max_rejected=1.0,
            rejected_path=rejected_path,
            log=SILENT,
        )
        numbers = load.run().as_dict()
    except Exception as failure:  # the tests look at every error
        error = failure
    return Outcome(numbers, error, client.held, lines_of(rejected_path))
