"""Every value that a driver gives comes out of a spool as it went in, and becomes the same record."""

from __future__ import annotations

import io
import ipaddress
import re
import uuid
from collections import namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from math import nan
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from airflow_provider_cdf_records.load.guard import Guarded
from airflow_provider_cdf_records.mapping import RowMapping, Schema, read_mapping
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Refusal, RowContext
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources.source import START
from airflow_provider_cdf_records.sources.spool.frames import Beginning, SpoolReader, SpoolWriter
from tests.sample_records import CONTAINER, SPACE

Interval = namedtuple("Interval", "years months")  # as one of Oracle's


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Range:
    """A type of a driver's own, such as psycopg's."""

    def __repr__(self) -> str:
        return "Range(1, 5, '[)')"

    def __str__(self) -> str:
        return "[1, 5)"


def through_a_spool(*chunks: Chunk) -> list[Chunk]:
    file = io.BytesIO()
    assert chunks[0].columns is not None
    writer = SpoolWriter(file, Beginning("an id", "2026-01-01T00:00:00+00:00", chunks[0].columns))
    for chunk in chunks:
        writer.write(chunk)
    writer.finish(None)
    return list(SpoolReader(file, "spool").chunks(START))


def chunk_of(*rows: tuple[Any, ...]) -> Chunk:
    columns = tuple(f"c{number}" for number in range(len(rows[0])))
    return Chunk(range(1, len(rows) + 1), list(rows), Mark(len(rows)), columns)


def through(value: Any) -> Any:
    ((row,),) = [chunk.rows for chunk in through_a_spool(chunk_of((value,)))]
    return row[0]


FEBRUARY = datetime(2026, 2, 3, 4, 5, 6, 789)
VALUES = [
    *(None, True, False, 0, -1, 2**63, 2**64, -(2**63) - 1, 10**40, 1.5, -0.0, float("inf"), 1e-320),
    *("", "text", "naïve ✓ \U0001f600", "half \ud800", "\x00", b"", b"\xff\x00", bytearray(b"ab")),
    *(Decimal("1.10"), Decimal("-0E-7"), Decimal("1E+400"), Decimal("Infinity"), Decimal(10) ** 50),
    FEBRUARY,
    FEBRUARY.replace(fold=1),
    FEBRUARY.replace(tzinfo=timezone.utc),
    FEBRUARY.replace(tzinfo=timezone(timedelta(hours=5, minutes=45, seconds=7))),
    FEBRUARY.replace(tzinfo=ZoneInfo("Europe/Oslo")),
    datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Oslo"), fold=1),
    datetime.min,
    datetime.max,
    date(1, 1, 1),
    date(9999, 12, 31),
    time(1, 2, 3, 4),
    time(1, 2, tzinfo=timezone(timedelta(hours=-3))),
    timedelta(days=-1, seconds=1, microseconds=5),
    uuid.UUID("441884d3-aa37-4702-a3a3-b76954b113f8"),
    [1, [Decimal("2.50"), None], {"a": FEBRUARY}],
    {"a": {"b": [1, 2.5, None, 10**30]}, "": True},
    {1: "key", ("a", 2): "pair", "half \ud800": 1},
    (1, (2, b"x")),
    {1, 2},
    frozenset({"a"}),
    ipaddress.ip_address("10.0.0.1"),
    ipaddress.ip_network("fe80::/64"),
    ipaddress.ip_interface("10.1.2.3/24"),
    RowContext(("a",), frozenset({"-"})),
]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, datetime):
        return repr(one) == repr(other) and one.fold == other.fold
    return bool(one == other) and repr(one) == repr(other)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    assert same(through(value), value)
    assert same(through([value, {"inside": value}]), [value, {"inside": value}])


def test_a_column_of_several_kinds_comes_out_as_it_went_in() -> None:
    rows = [(value, number, None) for number, value in enumerate(VALUES)]
    (chunk,) = through_a_spool(chunk_of(*rows))
    assert same(chunk.rows, rows)


def test_not_a_number_stays_so() -> None:
    assert through(nan) != through(nan)
    assert str(through(Decimal("sNaN"))) == "sNaN"


@pytest.mark.parametrize("value", [Colour.RED, Level.HIGH, Interval(1, 2), Range()], ids=repr)
def test_a_value_of_a_class_of_a_driver_is_shown_as_it_was(value: Any) -> None:
    kept = through(value)
    assert (type(kept).__name__, repr(kept), str(kept)) == (type(value).__name__, repr(value), str(value))


def test_bytes_of_psycopg2_are_still_bytes() -> None:
    assert bytes(through(memoryview(b"\x00\xff"))) == b"\x00\xff"


def test_a_value_that_cannot_be_read_is_still_one() -> None:
    kept = through(Unreadable("not UTF-8", b"\xff"))
    assert (repr(kept), str(kept)) == ("an unreadable value (not UTF-8)", "\\xff")


@pytest.mark.parametrize(
    "value",
    [
        np.float64(1.1),
        np.int16(-3),
        np.datetime64("2026-01-02T03:04:05.678901234"),
        np.array([[1.5, 2.5]]),
        np.array(["a", None, 3], dtype=object),
        np.str_("text"),
    ],
    ids=repr,
)
def test_values_of_numpy_come_out_as_they_went_in(value: Any) -> None:
    kept = through(value)
    assert type(kept) is type(value)
    assert kept.dtype == value.dtype
    assert np.array_equal(kept, value)


def test_a_value_that_could_lose_something_is_an_error_with_its_column() -> None:
    with pytest.raises(SourceError, match=r"Column 'c1' .* type pandas\..*Timestamp.*; cast the column"):
        through_a_spool(chunk_of((1, pd.Timestamp(5, unit="ns"))))


@pytest.mark.parametrize("depth", [100, 5000])
def test_nesting_of_any_depth_is_no_error(depth: int) -> None:
    value: Any = []
    for _ in range(depth):
        value = [value]
    kept = through(value)
    assert type(kept).__name__ == "list"


def test_rows_that_the_database_could_not_give_are_kept_with_their_positions() -> None:
    refusal = Refusal(2, {"id": "b"}, "no date")
    chunk = Chunk([1, 3], [("a",), ("c",)], Mark(3), ("id",), refusals=[refusal])
    (kept,) = through_a_spool(chunk)
    assert (list(kept.positions), kept.rows, kept.end.position) == ([1, 3], [("a",), ("c",)], 3)
    assert kept.refusals == [refusal]


TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "text"},
    "json": {"type": "json"},
    "int32": {"type": "int32"},
    "int64": {"type": "int64"},
    "float32": {"type": "float32"},
    "float64": {"type": "float64"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "timestamp": {"type": "timestamp"},
    "texts": {"type": "text", "list": True},
    "numbers": {"type": "float64", "list": True},
}
zones = st.one_of(
    st.none(), st.just(timezone.utc), st.sampled_from([ZoneInfo("Europe/Oslo"), ZoneInfo("Asia/Kolkata")])
)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.decimals(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["1", "1.5", "true", "2026-01-02", "2026-01-02T03:04:05Z", '{"a": 1.10}', "[1, 2]"]),
    st.binary(max_size=20),
    st.binary(max_size=20).map(memoryview),
    st.datetimes(timezones=st.one_of(zones, offsets), allow_imaginary=True),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.ip_addresses(),
    st.sampled_from([Range(), Interval(1, 2), Colour.RED, Level.HIGH, Unreadable("why", b"\xff")]),
)
driver_values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=6,
)


ADDRESS = re.compile("0x[0-9a-f]+")  # in memory


def outcome(chunk: Chunk) -> list[Any]:
    """Return what becomes of rows by each type of property: the records, and why there is none."""
    properties = {name: {"type": kind} for name, kind in TYPES.items()}
    schema = Schema([{"space": SPACE, "externalId": CONTAINER, "properties": properties}])
    got = []
    for name in TYPES:
        source = {"space": SPACE, "container": CONTAINER, "properties": {name: "value"}}
        spec = read_mapping({"space": SPACE, "external_id": "{id}", "sources": [source]})
        records = Guarded(RowMapping(spec, schema))(chunk)
        got.append(
            [records.bodies, [(one.position, ADDRESS.sub("", one.message)) for one in records.refusals]]
        )
    return got


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(st.lists(driver_values, min_size=1, max_size=8))
def test_rows_become_the_same_records_with_a_spool_and_without(values: list[Any]) -> None:
    rows = [(f"r{number}", value) for number, value in enumerate(values)]
    chunk = Chunk(range(1, len(rows) + 1), rows, Mark(len(rows)), ("id", "value"))
    (kept,) = through_a_spool(chunk)
    assert outcome(kept) == outcome(chunk)
