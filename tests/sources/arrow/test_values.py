"""Values that pyarrow or Python would wrap, round, guess or lose: they keep their meaning, or are refused."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from airflow_provider_cdf_records.mapping.types import InvalidValueError, property_type
from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import RecordsSource
from tests.sources.arrow.tables import uuids

WRONG = object()  # stands for a value that is refused


def values(array: pa.Array, **metadata: str) -> list[Any]:
    """Return what a column comes back as, with ``WRONG`` for what is unreadable."""
    field = pa.field(
        "c", array.type, metadata={f"ARROW:extension:{key}": value for key, value in metadata.items()}
    )
    table = pa.table([array], pa.schema([field]))
    return [
        WRONG if isinstance(value, Unreadable) else value
        for chunk in RecordsSource(table)
        for (value,) in chunk.rows
    ]


def reason(array: pa.Array) -> str:
    """Return why the one value of a column is refused."""
    ((value,),) = (row for chunk in RecordsSource(pa.table({"c": array})) for row in chunk.rows)
    assert isinstance(value, Unreadable)
    return repr(value)


def numbers(values: list[int | None], kind: pa.DataType) -> pa.Array:
    """Return an array of the numbers that the values of a type are made of."""
    return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_moments_outside_of_the_years_that_have_a_text_are_refused_alone(unit: str, zone: str | None) -> None:
    scale = {"s": 1, "ms": 10**3, "us": 10**6}[unit]
    last, first = 253402300799 * scale, -62135596800 * scale
    found = values(
        numbers([last, last + scale, None, first, first - 1, 2**63 - 1, -(2**63)], pa.timestamp(unit, zone))
    )
    end = "Z" if zone else ""
    assert found == [
        f"9999-12-31T23:59:59.000{end}",
        WRONG,
        None,
        f"0001-01-01T00:00:00.000{end}",
        WRONG,
        WRONG,
        WRONG,
    ]


def test_the_reason_says_what_is_wrong_with_a_moment() -> None:
    assert reason(numbers([253402300800], pa.timestamp("s"))) == (
        "an unreadable value (253402300800 s since 1970, outside of the years 1 to 9999)"
    )


def test_nanoseconds_are_kept_and_written_alike_whatever_stands_beside_them() -> None:
    second = 1767323045 * 10**9
    moments = [second, second + 1, second + 1000, second + 10**6, None]
    together = values(numbers(moments, pa.timestamp("ns")))
    assert together == [
        "2026-01-02T03:04:05.000",
        "2026-01-02T03:04:05.000000001",
        "2026-01-02T03:04:05.000001",
        "2026-01-02T03:04:05.001",
        None,
    ]
    assert [
        value for moment in moments for value in values(numbers([moment], pa.timestamp("ns")))
    ] == together


def test_moments_in_lists_objects_and_maps_are_texts_too() -> None:
    kind = pa.timestamp("ns", "Not/AZone")
    text = "2026-01-02T03:04:05.000000001Z"
    moment = 1767323045 * 10**9 + 1
    assert values(pa.array([[moment, None]], pa.list_(kind))) == [[text, None]]
    assert values(pa.array([{"at": moment}], pa.struct([("at", kind)]))) == [{"at": text}]
    assert values(pa.array([[("a", moment)]], pa.map_(pa.string(), kind))) == [{"a": text}]
    assert values(pa.array([[(moment, 1)]], pa.map_(kind, pa.int8()))) == [{text: 1}]


def test_only_the_item_of_a_list_that_has_no_text_is_unreadable() -> None:
    kind = pa.list_(pa.timestamp("s"))
    ((value,),) = (
        row for chunk in RecordsSource(pa.table({"c": pa.array([[0, 2**60]], kind)})) for row in chunk.rows
    )
    assert value[0] == "1970-01-01T00:00:00.000"
    with pytest.raises(InvalidValueError, match="outside of the years 1 to 9999"):
        property_type({"type": "json"}).convert(value)


def test_dates_outside_of_the_years_are_refused_alone() -> None:
    assert values(numbers([2932896, 2932897, -719163, -719162], pa.date32())) == [
        date(9999, 12, 31),
        WRONG,
        WRONG,
        date(1, 1, 1),
    ]


def test_a_date_of_milliseconds_that_is_not_a_whole_day_is_refused() -> None:
    assert values(numbers([86_400_000, 86_400_001, -1, 2**62, None], pa.date64())) == [
        date(1970, 1, 2),
        WRONG,
        WRONG,
        WRONG,
        None,
    ]


def test_times_of_day_are_texts() -> None:
    assert values(numbers([0, 45296, 86400, -1, None], pa.time32("s"))) == [
        "00:00:00",
        "12:34:56",
        WRONG,
        WRONG,
        None,
    ]
    assert values(numbers([0, 500], pa.time32("ms"))) == ["00:00:00", "00:00:00.500"]
    assert values(numbers([1, 86_400 * 10**9], pa.time64("ns"))) == ["00:00:00.000000001", WRONG]


def test_a_time_is_written_alike_in_every_unit() -> None:
    for unit, scale in (("us", 10**6), ("ns", 10**9)):
        half = 3600 * scale + scale // 2
        assert values(numbers([3600 * scale, half], pa.time64(unit))) == ["01:00:00", "01:00:00.500"]


def test_durations_are_those_of_python_or_refused() -> None:
    assert values(numbers([1, 2**62, None], pa.duration("s"))) == [timedelta(seconds=1), WRONG, None]
    assert values(numbers([1000, 1001], pa.duration("ns"))) == [timedelta(microseconds=1), WRONG]


def test_an_interval_of_months_is_refused() -> None:
    assert reason(pa.array([(1, 2, 3)], pa.month_day_nano_interval())) == (
        "an unreadable value (of Arrow's type month_day_nano_interval)"
    )


def test_floats_and_decimals_keep_their_values() -> None:
    halves = values(pa.array([np.float16(1.5), None], pa.float16()))
    assert halves == [1.5, None]
    assert type(halves[0]) is float
    large = Decimal("12345678901234567890123456789012345678901234567890.12")
    assert values(pa.array([large], pa.decimal256(76, 2))) == [large]


def test_nan_stays_what_it_is() -> None:
    (found,) = values(pa.array([float("nan")]))
    assert isnan(found)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_a_text_that_is_not_utf8_is_refused_alone(kind: pa.DataType) -> None:
    of_bytes = {
        pa.string(): pa.binary(),
        pa.large_string(): pa.large_binary(),
        pa.string_view(): pa.binary_view(),
    }
    broken = pa.array([b"caf\xe9", None, "ø".encode()], of_bytes[kind]).view(kind)
    assert values(broken) == [WRONG, None, "ø"]
    assert reason(broken.slice(0, 1)) == "an unreadable value (not UTF-8: unexpected end of data at byte 3)"
    items = pa.ListArray.from_arrays(pa.array([0, 1, 3], pa.int32()), broken)
    assert [item is WRONG or item for item in values(items)[1]] == [None, "ø"]


def test_the_rejected_file_shows_the_bytes_of_a_text() -> None:
    broken = pa.array([b"caf\xe9"]).view(pa.string())
    (chunk,) = RecordsSource(pa.table({"c": broken}))
    assert as_mapping(chunk.as_read()[0]) is not None
    assert rejection_of("", 0, chunk.as_read()[0], "").record == rb'{"c":"caf\\xe9"}'


@pytest.mark.parametrize("kind", ["text", "int64", "float64", "boolean", "timestamp", "date", "json"])
def test_no_property_takes_what_is_unreadable(kind: str) -> None:
    with pytest.raises(InvalidValueError, match=r"an unreadable value \(not UTF-8"):
        property_type({"type": kind}).convert(Unreadable("not UTF-8", b"\xff"))


def test_an_object_with_two_fields_of_one_name_is_refused() -> None:
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert reason(twice) == "an unreadable value (an object with more than one field 'a')"


def test_a_map_with_a_key_twice_or_of_no_text_is_refused_alone() -> None:
    kind = pa.map_(pa.string(), pa.int8())
    assert values(pa.array([[("a", 1), ("a", 2)], [("a", 1), ("b", 2)], None, []], kind)) == [
        WRONG,
        {"a": 1, "b": 2},
        None,
        {},
    ]
    assert "more than one key 'a'" in reason(pa.array([[("a", 1), ("a", 2)]], kind))
    assert "the key 1.5, which is no text" in reason(pa.array([[(1.5, 2)]], pa.map_(pa.float64(), pa.int8())))


def test_keys_of_a_map_are_texts() -> None:
    assert values(pa.array([[(1, "a"), (-2, "b")]], pa.map_(pa.int64(), pa.string()))) == [
        {"1": "a", "-2": "b"}
    ]
    assert values(pa.array([[(True, "a")]], pa.map_(pa.bool_(), pa.string()))) == [{"true": "a"}]
    assert values(pa.array([[(date(2026, 1, 2), 1)]], pa.map_(pa.date32(), pa.int8()))) == [{"2026-01-02": 1}]


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_union_comes_as_its_values_also_in_part(start: int) -> None:
    codes, places = pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32())
    moments = pa.array([0, None], pa.timestamp("ns"))
    dense = pa.UnionArray.from_dense(codes, places, [pa.array([1, 2]), moments])
    assert values(dense.slice(start)) == [1, "1970-01-01T00:00:00.000", 2, None][start:]
    children = [pa.array([1, 0, 2, 0]), pa.array(["", "x", "", None])]
    assert values(pa.UnionArray.from_sparse(codes, children).slice(start)) == [1, "x", 2, None][start:]


@pytest.mark.parametrize("start", [0, 2])
def test_runs_come_as_their_values(start: int) -> None:
    runs = pa.RunEndEncodedArray.from_arrays([2, 3], pa.array([0, None], pa.timestamp("s")))
    assert values(runs.slice(start)) == ["1970-01-01T00:00:00.000", "1970-01-01T00:00:00.000", None][start:]


def test_views_of_lists_come_as_lists_also_where_they_overlap() -> None:
    moments = pa.array([0, 1, 2], pa.timestamp("s"))
    views = pa.ListViewArray.from_arrays([1, 0, 3], [2, 2, 0], moments)
    texts = [f"1970-01-01T00:00:0{second}.000" for second in range(3)]
    assert values(views) == [texts[1:], texts[:2], []]
    assert values(views.slice(1)) == [texts[:2], []]


@pytest.mark.parametrize("extra", [0, 5000])
def test_a_dictionary_of_any_size_comes_as_its_values(extra: int) -> None:
    moments = pa.array([0, None, 1, *range(extra)], pa.timestamp("s"))
    found = values(pa.DictionaryArray.from_arrays(pa.array([2, 0, 1, None], pa.int32()), moments))
    assert found == ["1970-01-01T00:00:01.000", "1970-01-01T00:00:00.000", None, None]


def test_a_dictionary_of_views_comes_as_its_values() -> None:
    views = pa.array(["a", "b", "c"], pa.string_view())
    assert values(pa.DictionaryArray.from_arrays(pa.array([2, None], pa.int8()), views)) == ["c", None]


def test_each_batch_is_read_with_its_own_dictionary() -> None:
    batches = [pa.record_batch({"c": pa.array([text]).dictionary_encode()}) for text in "abc"]
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    assert [row for chunk in RecordsSource(reader) for row in chunk.rows] == [("a",), ("b",), ("c",)]


@pytest.mark.skipif(not hasattr(pa, "uuid"), reason="pyarrow has it from 18 on")
def test_an_uuid_is_its_text() -> None:
    one = UUID("12345678-1234-5678-1234-567812345678")
    assert values(uuids([one, None])) == [str(one), None]


@pytest.mark.skipif(not hasattr(pa, "bool8"), reason="pyarrow has it from 18 on")
def test_a_boolean_of_eight_bits_is_a_boolean() -> None:
    booleans = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 5, None], pa.int8()))
    assert values(booleans) == [False, True, None]


@pytest.mark.skipif(not hasattr(pa, "json_"), reason="pyarrow has it from 19 on")
def test_json_is_its_text() -> None:
    objects = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None]))
    assert values(objects) == ['{"a": 1}', None]


def test_numbers_of_a_type_that_is_not_known_are_refused() -> None:
    assert values(pa.array([660, None]), name="pandas.period", metadata='{"freq": "M"}') == [WRONG, None]
    assert values(pa.array(["a"]), name="some.text") == ["a"]
