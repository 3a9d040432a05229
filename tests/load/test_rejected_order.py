"""Rejected rows of one identity, loaded again once what was wrong is mended: the last one counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.load import Load, batches
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.local_cdf import PROPERTIES, LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

DAYS = "%Y-%m-%d"
SLASHES = "%d/%m/%Y"


def load(cdf: LocalCdf, source: Any, **arguments: Any) -> dict[str, Any]:
    return Load(cdf.client, UPSERT, STREAM, source, check_schema=False, **arguments).run().as_dict()


def add_the_property(cdf: LocalCdf) -> None:
    container = {
        "space": SPACE,
        "externalId": CONTAINER,
        "usedFor": "record",
        "properties": PROPERTIES | {"speed": {"type": {"type": "int64"}}},
    }
    cdf.client.post("/models/containers", {"items": [container]})


def positions(path: Path) -> list[int]:
    return [json.loads(line)["position"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("max_concurrency", [1, 4])
@pytest.mark.parametrize("rows_in_batch", [2, 1000])
def test_of_rows_that_cdf_refused_the_last_one_counts_when_they_are_loaded_again(
    cdf: LocalCdf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows_in_batch: int,
    max_concurrency: int,
) -> None:
    rows = [a_record(str(number % 7), speed=number) for number in range(40)]
    rejected = tmp_path / "rejected.ndjson"
    monkeypatch.setattr(batches, "MAX_RECORDS", rows_in_batch)
    limits: Any = {"max_rejected": 40, "max_concurrency": max_concurrency}
    assert load(cdf, RecordsSource(rows), rejected_path=rejected, **limits)["rejected"] == 40
    assert positions(rejected) == list(range(40))

    add_the_property(cdf)
    assert load(cdf, FileSource(rejected))["rejected"] == 0
    assert cdf.held() == {str(row % 7): {"speed": row} for row in range(33, 40)}


def test_one_that_the_mapping_refused_counts_if_it_came_after_one_that_cdf_refused(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.ndjson"
    first, last = (
        {"id": "a", "speed": 1, "time": "2024-01-02"},
        {"id": "a", "speed": 2, "time": "3/1/2024"},
    )
    rows.write_text(f"{json.dumps(first)}\n{json.dumps(last)}\n")
    rejected = tmp_path / "rejected.ndjson"
    summary = load(cdf, FileSource(rows), mapping=mapping(DAYS), rejected_path=rejected, max_rejected=2)
    assert summary["rejected"] == 2
    lines = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [line["record"]["speed"] for line in lines] == [1, 2]
    assert [line["status"] is None for line in lines] == [False, True]

    add_the_property(cdf)
    load(cdf, FileSource(rejected), mapping=mapping([DAYS, SLASHES]))
    assert cdf.held()["a"]["speed"] == 2


def mapping(timestamp: str | list[str]) -> Any:
    properties = {"speed": "speed", "time": {"column": "time", "timestamp": timestamp, "time_zone": "UTC"}}
    source = {"space": SPACE, "container": CONTAINER, "properties": properties}
    return read_mapping({"space": SPACE, "external_id": "{id}", "sources": [source]})
