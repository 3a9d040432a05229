"""Records are put together from columns, and are those that their rows would be by themselves."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.mapping import RowMapping, Schema, read_mapping
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Records
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows
from airflow_provider_cdf_records.records.request import MAX_REQUEST_BYTES, request_body

KINDS = {"name": "text", "value": "float64", "on": "boolean", "count": "int64", "pump": "direct"}
ODD = ['"', "\\", "\n", "},{"]
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=5) | st.sampled_from(ODD)
VALUES = {
    "name": TEXTS,
    "value": st.floats(allow_nan=False, allow_infinity=False),
    "on": st.booleans(),
    "count": st.integers(-(2**63), 2**63 - 1),
    "pump": TEXTS.filter(bool),
}
MAPPING = {
    "space": "plant",
    "external_id": "{id}",
    "sources": [
        {
            "space": "plant",
            "container": "Alarm",
            "properties": {name: name for name in KINDS} | {"pump": {"column": "pump", "direct": "assets"}},
        }
    ],
}
CONTAINER = {
    "space": "plant",
    "externalId": "Alarm",
    "properties": {name: {"type": {"type": kind}, "nullable": True} for name, kind in KINDS.items()},
}

Row = dict[str, Any]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Rows of which some columns have no value anywhere, some in a few rows, and some in many."""
    missing = {name: draw(st.sampled_from([0, 1, 2, 30])) for name in KINDS}
    count = draw(st.integers(1, 30))
    return [
        {
            name: None if draw(st.integers(1, 30)) <= missing[name] else draw(values)
            for name, values in VALUES.items()
        }
        for _ in range(count)
    ]


def records_of(rows: list[Row], **options: Any) -> Records:
    columns = [
        [f"a{number}" for number in range(len(rows))],
        *([row[name] for row in rows] for name in KINDS),
    ]
    chunk = Chunk(range(len(rows)), ColumnRows(columns), Mark(len(rows) - 1), ("id", *KINDS))
    return RowMapping(read_mapping(MAPPING | options), Schema([CONTAINER], complete=True))(chunk)


def properties_of(record: bytes) -> list[tuple[str, Any]]:
    properties: Row = json.loads(record)["sources"][0]["properties"]
    return list(properties.items())


def expected(row: Row) -> Row:
    pump = row["pump"]
    return row | {"pump": pump and {"space": "assets", "externalId": pump}}


@given(rows())
def test_a_missing_value_leaves_nothing_behind(rows: list[Row]) -> None:
    records = records_of(rows)
    assert list(map(properties_of, records.bodies)) == [
        [(name, value) for name, value in expected(row).items() if value is not None] for row in rows
    ]
    assert records.request == request_body(list(records.bodies))


@given(rows())
def test_a_missing_value_is_null_where_nulls_are_sent(rows: list[Row]) -> None:
    records = records_of(rows, nulls="send")
    assert list(map(properties_of, records.bodies)) == [list(expected(row).items()) for row in rows]


@given(rows(), st.data())
def test_the_records_beside_a_refused_row_are_the_same(rows: list[Row], data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, len(rows) - 1))
    alone = list(records_of(rows).bodies)
    wrong = [row | {"count": "x"} if number == bad else row for number, row in enumerate(rows)]
    records = records_of(wrong)
    assert [refusal.position for refusal in records.refusals] == [bad]
    assert records.bodies == alone[:bad] + alone[bad + 1 :]
    assert list(records.positions) == [number for number in range(len(rows)) if number != bad]


def test_records_that_do_not_fit_into_one_request_come_one_by_one() -> None:
    spec = MAPPING | {"sources": [{"space": "plant", "container": "Alarm", "properties": {"name": "name"}}]}
    long = "x" * (MAX_REQUEST_BYTES // 2)
    chunk = Chunk(range(2), ColumnRows([["a", "b"], [long, long]]), Mark(1), ("id", "name"))
    records = RowMapping(read_mapping(spec), Schema())(chunk)
    assert [properties_of(body) for body in records.bodies] == [[("name", long)]] * 2
    assert records.request is None
