"""Rows that a mapping refuses, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.mapping.schema import Schema
from airflow_provider_cdf_records.records.request import MAX_RECORD_BYTES
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.mapping.loading import (
    NOT_KNOWN,
    SCHEMA,
    Loaded,
    Shape,
    as_dicts,
    as_json,
    container,
    every_kind,
    mapping,
)


@every_kind
def test_a_wrong_value_refuses_its_row_and_no_other(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": str(n), "reading": "high" if n % 700 == 3 else n, "text": "x"} for n in range(1500)]
    loaded = Loaded(kind(tmp_path, rows), mapping({"value": "reading", "text": "text"}))
    good = [n for n in range(1500) if n % 700 != 3]
    assert loaded.identities == [f"plant/{n}" for n in good]
    assert [properties["value"] for properties in loaded.properties()] == good
    first = 0 if kind in {as_json, as_dicts} else 1
    assert loaded.positions == [n + first for n in good]
    assert loaded.messages() == {
        n + first: "column 'reading' -> plant/Alarm.value: expected float64, got 'high'"
        for n in (3, 703, 1403)
    }


@every_kind
def test_a_wrong_value_of_a_format_string_names_the_property(tmp_path: Path, kind: Shape) -> None:
    loaded = Loaded(kind(tmp_path, [{"id": "a", "x": "b"}]), mapping({"level": {"format": "{x}{id}"}}))
    [message] = loaded.messages().values()
    assert message == "plant/Alarm.level: expected one of high, low, got 'ba'"


@every_kind
def test_each_wrong_value_of_a_row_is_told(tmp_path: Path, kind: Shape) -> None:
    rows = [
        {"id": "a", "site": "north", "reading": "high", "count": "few", "at": "2026-01-02", "where": "x"},
        {"id": "b", "site": "north", "reading": "1.5", "count": "2", "at": "2026-01-02", "where": "x"},
        {"id": None, "site": "1", "reading": "1.5", "count": "2.5", "at": "soon", "where": None},
    ]
    spec = mapping({"value": "reading", "number": "count", "time": "at"}, space="{site}", external_id="{id}")
    spec["sources"].append({"space": "plant", "container": "Place", "properties": {"site": "where"}})
    loaded = Loaded(kind(tmp_path, rows), spec)
    assert loaded.identities == ["north/b"]
    first, last = loaded.messages().values()
    assert first.split("; ") == [
        "column 'reading' -> plant/Alarm.value: expected float64, got 'high'",
        "column 'count' -> plant/Alarm.number: expected int32, got 'few'",
    ]
    assert last.split("; ") == [
        "space: expected a space: 1-43 letters, digits, '_' and '-', starting with a letter, got '1'",
        "external_id: column 'id': is empty",
        "column 'count' -> plant/Alarm.number: expected int32, got '2.5'",
        "column 'at' -> plant/Alarm.time: expected timestamp, got 'soon' (write it as 2026-01-02T03:04:05Z, "
        "or set 'timestamp' to a pattern)",
        "column 'where' -> plant/Place.site: expected text, got nothing, and it is not nullable",
    ]


@every_kind
def test_each_column_that_a_format_string_lacks_is_told(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "x": "b", "more": "1"}, {"id": None, "x": None, "more": "2"}]
    spec = mapping({"text": {"format": "{x}{id}{x}"}}, external_id="{id}-{x}")
    [message] = Loaded(kind(tmp_path, rows), spec).messages().values()
    assert message == (
        "external_id: column 'id': is empty; column 'x': is empty; "
        "plant/Alarm.text: column 'x': is empty; column 'id': is empty"
    )


def test_of_many_wrong_values_the_first_are_told_and_the_others_counted() -> None:
    names = [f"p{number}" for number in range(1234)]
    schema = Schema([container("Wide", dict.fromkeys(names, "int32"))], complete=True)
    spec = mapping({}, sources=[{"space": "plant", "container": "Wide", "properties": "*"}])
    rows = [{"id": "a"} | dict.fromkeys(names, "x"), {"id": "b", "p0": 1}]
    loaded = Loaded(RecordsSource(rows), spec, schema)
    [message] = loaded.messages().values()
    assert message.count("expected int32, got 'x'") == 10
    assert message.endswith("; and 1,224 more")
    assert loaded.identities == ["plant/b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"not json", "not JSON: "),
        (b"2026-01-02 log rotated", "not JSON: "),
        (b'"text" and more', "not JSON: "),
        (b"[1]", "expected `object`, got `array`"),
        (b'"text"', "expected `object`, got `str`"),
        (b'{"id": "b"', "not JSON: "),
        (b'{"id": "b", "text": "\xff"}', "not UTF-8: \\xff in 'text'"),
        (b'{"text":' * 100_000, "not JSON: "),
    ],
)
@pytest.mark.parametrize("properties", [{"text": "text"}, "*"])
def test_a_line_that_is_no_row_is_refused(tmp_path: Path, line: bytes, message: str, properties: Any) -> None:
    good = b'{"id": "a", "text": "x"}\n'
    (tmp_path / "a.ndjson").write_bytes(good + line + b"\n" + good.replace(b"a", b"c", 1))
    loaded = Loaded(FileSource(tmp_path / "a.ndjson"), mapping(properties))
    assert len(loaded.records) + len(loaded.refusals) == 3
    assert list(loaded.messages()) == [2]
    assert loaded.messages()[2].startswith(message)


@pytest.mark.parametrize("row", [5, None, "text", b"not json", 1.5])
def test_an_item_that_is_no_row_is_refused(row: Any) -> None:
    loaded = Loaded(RecordsSource([{"id": "a"}, row, b'{"id": "c"}']), mapping({}))
    assert loaded.identities == ["plant/a", "plant/c"]
    assert list(loaded.messages()) == [1]


def test_rows_that_a_source_refused_stay_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\na,x\nb\nc,y\n")
    loaded = Loaded(FileSource(tmp_path / "a.csv"), mapping({"level": "text"}))
    assert not loaded.records
    assert sorted(loaded.messages()) == [1, 2, 3]


def test_a_record_that_is_too_large_is_refused_alone() -> None:
    rows = [{"id": "a", "x": "small"}, {"id": "b", "x": "x" * MAX_RECORD_BYTES}]
    loaded = Loaded(RecordsSource(rows), mapping({"text": "x"}), NOT_KNOWN)
    assert loaded.identities == ["plant/a"]
    assert "must be at most 9,999,988 bytes of JSON to fit into a request, got " in loaded.messages()[1]


@pytest.mark.parametrize("schema", [SCHEMA, NOT_KNOWN], ids=["known", "not known"])
def test_half_a_character_refuses_its_row_alone(tmp_path: Path, schema: Schema) -> None:
    (tmp_path / "a.json").write_text('[{"id": "a", "x": "\\ud800"}, {"id": "b", "x": "y"}]')
    loaded = Loaded(FileSource(tmp_path / "a.json"), mapping({"text": "x"}), schema)
    assert loaded.identities == ["plant/b"]
    assert loaded.messages()[0].startswith("column 'x' -> plant/Alarm.text: expected ")
