"""Records that a mapping makes of good rows of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.sources import FileSource
from tests.mapping.loading import (
    NOT_KNOWN,
    Loaded,
    Rows,
    Shape,
    as_ndjson,
    every_kind,
    every_nested_kind,
    mapping,
)


@every_kind
def test_a_record_is_made_of_columns(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "reading": "1.5", "other": "x"}, {"id": "b", "reading": "2", "other": "y"}]
    loaded = Loaded(kind(tmp_path, rows), mapping({"value": "reading", "text": "id"}))
    source = {"type": "container", "space": "plant", "externalId": "Alarm"}
    assert loaded.records == [
        {
            "space": "plant",
            "externalId": "a",
            "sources": [{"source": source, "properties": {"value": 1.5, "text": "a"}}],
        },
        {
            "space": "plant",
            "externalId": "b",
            "sources": [{"source": source, "properties": {"value": 2.0, "text": "b"}}],
        },
    ]
    assert loaded.identities == ["plant/a", "plant/b"]
    assert not loaded.refusals


@every_kind
def test_a_property_may_be_a_format_string(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "day": "2026-01-02", "hour": "03:04"}]
    spec = mapping({"time": {"format": "{day}T{hour}Z"}, "text": {"format": "no {{columns}}"}})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [
        {"time": "2026-01-02T03:04:00.000Z", "text": "no {columns}"}
    ]


@every_kind
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value", 1.5),
        ("number", 0),
        ("text", ""),
        ("flag", False),
        ("any", {"a": [1, None]}),
        ("tags", ["a", "b"]),
        ("pump", {"space": "assets", "externalId": "p"}),
        ("level", "low"),
        ("day", "2026-01-02"),
    ],
)
def test_a_property_may_be_a_constant(tmp_path: Path, kind: Shape, name: str, value: Any) -> None:
    rows = [{"id": "a"}, {"id": "b"}]
    assert Loaded(kind(tmp_path, rows), mapping({name: {"value": value}})).properties() == [{name: value}] * 2


@every_kind
def test_a_column_may_be_the_external_id_of_a_direct_relation(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "pump": "p-1", "all": "p-1|p-2"}]
    spec = mapping(
        {
            "pump": {"column": "pump", "direct": "assets"},
            "pumps": {"column": "all", "direct": "assets", "delimiter": "|"},
        }
    )
    one, two = ({"space": "assets", "externalId": name} for name in ("p-1", "p-2"))
    expected = [{"pump": one, "pumps": [one, two]}]
    assert Loaded(kind(tmp_path, rows), spec).properties() == expected
    assert Loaded(kind(tmp_path, rows), spec, NOT_KNOWN).properties() == expected


@every_nested_kind
def test_relations_and_lists_come_as_json_has_them(tmp_path: Path, kind: Shape) -> None:
    one = {"space": "assets", "externalId": "p-1"}
    rows = [{"id": "a", "pump": one, "pumps": [one, "p-2"], "tags": ["a", 1]}]
    spec = mapping({"pump": "pump", "pumps": {"column": "pumps", "direct": "other"}, "tags": "tags"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [
        {"pump": one, "pumps": [one, {"space": "other", "externalId": "p-2"}], "tags": ["a", "1"]}
    ]


@every_kind
def test_delimited_text_is_a_list(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "tags": "x; y"}, {"id": "b", "tags": " "}]
    spec = mapping({"tags": {"column": "tags", "delimiter": ";"}})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"tags": ["x", "y"]}, {"tags": []}]


@every_kind
def test_nulls_are_left_out_or_sent(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "reading": None, "text": "x"}, {"id": "b", "reading": "1.5", "text": None}]
    properties = {"value": "reading", "text": "text", "flag": {"value": None}}
    assert Loaded(kind(tmp_path, rows), mapping(properties)).properties() == [{"text": "x"}, {"value": 1.5}]
    assert Loaded(kind(tmp_path, rows), mapping(properties, nulls="send")).properties() == [
        {"value": None, "text": "x", "flag": None},
        {"value": 1.5, "text": None, "flag": None},
    ]


@every_kind
def test_moments_without_a_zone_are_in_that_of_the_mapping_or_the_property(
    tmp_path: Path, kind: Shape
) -> None:
    rows = [{"id": "a", "at": "2026-07-02 03:04"}]
    for more, spec, expected in (
        ({}, "at", "2026-07-02T03:04:00.000Z"),
        ({"time_zone": "Europe/Oslo"}, "at", "2026-07-02T01:04:00.000Z"),
        (
            {"time_zone": "Europe/Oslo"},
            {"column": "at", "time_zone": "Asia/Kolkata"},
            "2026-07-01T21:34:00.000Z",
        ),
    ):
        loaded = Loaded(kind(tmp_path, rows), mapping({"time": spec}, **more))
        assert loaded.properties() == [{"time": expected}]


def test_null_markers_of_a_file_are_nulls(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,reading\na,NULL,-\nb,,1\n")
    source = FileSource(tmp_path / "a.csv", file_options={"null_values": ["NULL", "-"]})
    assert Loaded(source, mapping({"text": "text", "value": "reading"})).properties() == [
        {},
        {"text": "", "value": 1.0},
    ]


def test_without_a_schema_values_stay_what_they_are(tmp_path: Path) -> None:
    rows: Rows = [{"id": "a", "x": {"deep": [1, None]}}, {"id": "b", "x": "1.5"}, {"id": "c", "x": 2**70}]
    loaded = Loaded(as_ndjson(tmp_path, rows), mapping({"value": "x"}), NOT_KNOWN)
    assert [properties["value"] for properties in loaded.properties()] == [row["x"] for row in rows]
