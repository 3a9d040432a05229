"""Arrow tables with what their rows come back as, for property-based tests."""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)
IN_64_BITS = {"min_value": -(2**63), "max_value": 2**63 - 1}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
READS_FIXED_SIZE = int(pa.__version__.partition(".")[0]) >= 26  # also those with nulls, from Parquet
ZONES = st.sampled_from([None, "UTC", "Europe/Oslo", "+05:30", "Not/AZone"])

Pairs = st.SearchStrategy[tuple[Any, Any]]  # what an array is made of, and what it comes back as


@dataclass(frozen=True)
class Column:
    """A type of Arrow's and its values.

    :param in_parquet: whether Parquet has the type, too.
    """

    kind: pa.DataType
    pairs: Pairs
    in_parquet: bool = True


def same(values: st.SearchStrategy[Any]) -> Pairs:
    return values.map(lambda value: (value, value))


def grouped(fraction: int, digits: int, least: int) -> str:
    """Return a fraction of a second with as many groups of three digits as it has, but at least some."""
    text = f"{fraction:0{digits}}".ljust(9, "0")
    shown = next(count for count in (0, 3, 6, 9) if not text[count:].strip("0"))
    return text[: max(shown, least)]


def moments(unit: str, zone: str | None) -> Column:
    scale = PER_SECOND[unit]
    days = (FIRST - EPOCH.date()).days, (LAST - EPOCH.date()).days + 1
    low, high = (max(-(2**63), min(2**63 - 1, day * 86_400 * scale)) for day in days)

    def pair(number: int) -> tuple[int, str]:
        seconds, fraction = divmod(number, scale)
        whole = (EPOCH + timedelta(seconds=seconds)).isoformat()
        return number, f"{whole}.{grouped(fraction, len(str(scale)) - 1, 3)}{'Z' if zone else ''}"

    numbers = (
        st.integers(low, high - 1)
        | st.integers(-1000, 1000)
        | st.integers(0, 10**6).map(lambda number: number * max(1, scale // 1000))
    )
    return Column(pa.timestamp(unit, zone), numbers.map(pair))


def times(kind: pa.DataType) -> Column:
    scale = PER_SECOND[kind.unit]

    def pair(number: int) -> tuple[int, str]:
        seconds, fraction = divmod(number, scale)
        digits = grouped(fraction, len(str(scale)) - 1, 0)
        whole = (EPOCH + timedelta(seconds=seconds)).time().isoformat()
        return number, f"{whole}.{digits}" if digits else whole

    return Column(kind, st.integers(0, 86_400 * scale - 1).map(pair))


def decimals(kind: pa.DataType) -> Column:
    numbers = st.integers(-(10**kind.precision) + 1, 10**kind.precision - 1)
    return Column(kind, same(numbers.map(lambda number: Decimal(f"{number}E-{kind.scale}"))))


def integers(kind: pa.DataType) -> Column:
    is_signed = pa.types.is_signed_integer(kind)
    low, high = (
        (-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1)
        if is_signed
        else (0, 2**kind.bit_width - 1)
    )
    return Column(kind, same(st.integers(low, high)))


def floats(kind: pa.DataType) -> Column:
    return Column(kind, same(st.floats(width=kind.bit_width, allow_nan=False)))


INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
TIMES = [pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
SIMPLE = st.one_of(
    st.sampled_from(INTEGERS).map(integers),
    st.sampled_from([pa.float32(), pa.float64()]).map(floats),
    st.builds(moments, st.sampled_from(list(PER_SECOND)), ZONES),
    st.sampled_from(TIMES).map(times),
    st.sampled_from([pa.decimal128(9, 2), pa.decimal128(38, 0), pa.decimal256(76, 30)]).map(decimals),
    st.just(Column(pa.date32(), same(st.dates(FIRST, LAST)))),
    st.just(Column(pa.date64(), same(st.dates(FIRST, LAST)))),
    st.just(Column(pa.bool_(), same(st.booleans()))),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]).map(
        lambda kind: Column(kind, same(TEXTS))
    ),
    st.sampled_from([pa.binary(), pa.large_binary()]).map(
        lambda kind: Column(kind, same(st.binary(max_size=8)))
    ),
    st.just(Column(pa.binary(4), same(st.binary(min_size=4, max_size=4)))),
    st.just(Column(pa.null(), st.just((None, None)))),
)
NAMES = st.text(string.ascii_letters + " .:æ", min_size=1, max_size=5)


def or_nothing(pairs: Pairs) -> Pairs:
    return st.just((None, None)) | pairs


def lists(item: Column, form: str) -> Column:
    size = {"min_size": 2, "max_size": 2} if form == "fixed" else {"max_size": 4}
    pairs = st.lists(or_nothing(item.pairs), **size).map(
        lambda items: tuple(map(list, zip(*items, strict=True))) or ([], [])
    )
    kinds = {
        "list": pa.list_,
        "large": pa.large_list,
        "view": pa.list_view,
        "fixed": lambda kind: pa.list_(kind, 2),
    }
    is_read = form != "view" and (form != "fixed" or READS_FIXED_SIZE)
    return Column(kinds[form](item.kind), pairs, item.in_parquet and is_read)


def objects(fields: dict[str, Column]) -> Column:
    pairs = st.fixed_dictionaries({name: or_nothing(field.pairs) for name, field in fields.items()}).map(
        lambda found: tuple({name: pair[side] for name, pair in found.items()} for side in (0, 1))
    )
    kind = pa.struct([(name, field.kind) for name, field in fields.items()])
    return Column(kind, pairs, all(field.in_parquet for field in fields.values()))


def maps(item: Column) -> Column:
    pairs = st.dictionaries(TEXTS, or_nothing(item.pairs), max_size=4).map(
        lambda found: (
            [(key, pair[0]) for key, pair in found.items()],
            {key: pair[1] for key, pair in found.items()},
        )
    )
    return Column(pa.map_(pa.string(), item.kind), pairs, item.in_parquet)


COLUMNS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(lists, inner, st.sampled_from(["list", "large", "view", "fixed"])),
        st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(objects),
        inner.map(maps),
    ),
    max_leaves=3,
)


FORMS = ["plain", "dictionary", "large dictionary"]


def array_of(values: list[Any], kind: pa.DataType, form: str) -> pa.Array:
    """Return an array, or a dictionary with the values and others."""
    if form == "plain":
        return pa.array(values, kind)
    count = len(values)
    more = values[:1] * (5 * count if form == "large dictionary" else 0)
    places = pa.array(range(count - 1, -1, -1), pa.int32())
    return pa.DictionaryArray.from_arrays(places, pa.array(values[::-1] + more, kind))


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, list[dict[str, Any]], bool]:
    """Return a table, its rows as they come back, and whether Parquet has its types."""
    columns = draw(st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=4))
    count = draw(st.integers(1, 12))
    pairs = {
        name: draw(st.lists(or_nothing(column.pairs), min_size=count, max_size=count))
        for name, column in columns.items()
    }
    table = pa.table(
        {
            name: array_of([given for given, _ in pairs[name]], column.kind, draw(st.sampled_from(FORMS)))
            for name, column in columns.items()
        }
    )
    rows = [{name: pairs[name][number][1] for name in columns} for number in range(count)]
    return table, rows, all(column.in_parquet for column in columns.values())


def uuids(values: list[UUID | None]) -> pa.Array:
    storage = pa.array([None if value is None else value.bytes for value in values], pa.binary(16))
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)
