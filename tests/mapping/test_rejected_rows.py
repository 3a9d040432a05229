"""A rejected-records file, loaded again with the same mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.mapping.schema import Schema
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import FileSource
from tests.mapping.loading import ALARM, Loaded, Shape, every_kind, mapping


@every_kind
@pytest.mark.parametrize("properties", [{"level": "level", "text": "note"}, {"text": "note", "*": "*"}])
def test_a_rejected_file_loads_again_with_the_same_mapping(
    tmp_path: Path, kind: Shape, properties: Any
) -> None:
    rows = [
        {"id": "a", "level": "low", "note": None},
        {"id": "b", "level": "worst", "note": "snö"},
        {"id": "c", "level": "worst", "note": None},
    ]
    spec = mapping(properties)
    first = Loaded(kind(tmp_path, rows), spec)
    rejections = [rejection_of("somewhere", at, row, message) for at, row, message, _ in first.refusals]
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(b"".join(rejection.as_line() for rejection in rejections))

    again = Loaded(FileSource(path), spec)
    assert list(again.messages().values()) == list(first.messages().values())
    more = json.loads(json.dumps(ALARM))
    more["properties"]["level"]["type"]["values"]["worst"] = {}
    later = Loaded(FileSource(path), spec, Schema([more], complete=True))
    assert later.identities == ["plant/b", "plant/c"]
    assert later.properties() == [{"level": "worst", "text": "snö"}, {"level": "worst"}]


def test_null_markers_are_nulls_in_a_rejected_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,level,note\na,worst,NULL\nb,worst,\n")
    source = FileSource(tmp_path / "a.csv", file_options={"null_values": ["NULL"]})
    refusals = Loaded(source, mapping({"level": "level", "text": "note"})).refusals
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(b"".join(rejection_of("x", at, row, why).as_line() for at, row, why, _ in refusals))
    records = [json.loads(line)["record"] for line in path.read_bytes().splitlines()]
    assert records == [
        {"id": "a", "level": "worst", "note": None},
        {"id": "b", "level": "worst", "note": ""},
    ]
    later = Loaded(FileSource(path), mapping({"text": "note"}))
    assert later.properties() == [{}, {"text": ""}]


def test_rejected_rows_need_not_have_every_column(tmp_path: Path) -> None:
    line = rejection_of("x", 7, b'{"id": "a"}', "why").as_line()
    (tmp_path / "r.ndjson").write_bytes(line)
    loaded = Loaded(FileSource(tmp_path / "r.ndjson"), mapping({"text": "note"}))
    assert loaded.identities == ["plant/a"]
    assert [json.loads(row) for row in loaded.rows] == [{"id": "a"}]
