"""JSON, lists, and types that are not known."""

from __future__ import annotations

import json
import math
from collections import namedtuple
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from airflow_provider_cdf_records.mapping.types import InvalidValueError, property_type
from tests.mapping.types.converting import as_sent, convert, refused


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, None]}, {"a": [1, None]}),
        ('{"a": [1]}', {"a": [1]}),
        (" [1]", [1]),
        ("text", "text"),
        ("5", "5"),
        (5, 5),
        ({"at": date(2026, 1, 2)}, {"at": "2026-01-02"}),
    ],
)
def test_json_is_any_value_and_text_that_holds_an_object_or_array(value: Any, expected: Any) -> None:
    assert as_sent(convert(value, "json")) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 123456), "2026-01-02T03:04:05.123456"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone.utc), "2026-01-02T03:00:00.000Z"),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (pd.Timestamp("2026-01-02T03:04:05.123456789Z"), "2026-01-02T03:04:05.123456789Z"),
    ],
)
def test_moments_in_json_keep_their_digits_as_those_of_a_table_do(moment: Any, expected: str) -> None:
    assert as_sent(convert(moment, "json")) == expected
    assert as_sent(convert({"at": [moment]}, "json")) == {"at": [expected]}


def test_json_is_measured_without_white_space() -> None:
    most = ["x" * 40_956]
    assert as_sent(convert(json.dumps(most, indent=9), "json")) == most
    assert "must be at most 40,960 bytes of JSON, got 40,961" in refused(["x" * 40_957], "json")
    assert convert(["ä" * 20_478], "json")
    assert "got 40,962" in refused(["ä" * 20_479], "json")
    assert "expected json" in refused({"a": math.nan}, "json")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, "2", 3.0], [1, 2, 3]),
        ((1, 2), [1, 2]),
        (np.array([1, 2]), [1, 2]),
        ("[1, 2]", [1, 2]),
        ("1; 2", [1, 2]),
        ("1", [1]),
        (" ", []),
        ([], []),
    ],
)
def test_a_list_comes_as_an_array_as_json_or_as_delimited_text(value: Any, expected: Any) -> None:
    assert convert(value, "int32", list=True, delimiter=";") == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([1, None], "null is not allowed in a list"),
        ([1, 2, 3], "must have at most 2 items, got 3"),
        ([1, "x"], "expected int32, got 'x'"),
        ("1;2", "for delimited text, set 'delimiter' in the mapping"),
        (5, "must be an array"),
        ({"a": 1}, "must be an array"),
    ],
)
def test_a_list_that_is_none_says_why(value: Any, why: str) -> None:
    message = refused(value, "int32", list=True, maxListSize=2)
    assert message.startswith("expected int32[], got ")
    assert why in message


@pytest.mark.parametrize("kind", ["text", "int32", "json", "direct", "timeseries", "one of the future"])
@pytest.mark.parametrize(
    ("max_list_size", "most", "most_relations"),
    [
        (None, 1000, 100),  # as Data Modeling returns it where the container does not say
        (2, 2, 2),
        (100, 100, 100),
        (101, 101, 101),
        (1000, 1000, 1000),
        (1001, 1001, 1001),
        (2000, 2000, 2000),
        (2001, 2000, 2000),
    ],
)
def test_a_list_has_as_many_items_as_its_definition_allows(
    kind: str, max_list_size: int | None, most: int, most_relations: int
) -> None:
    most = most_relations if kind == "direct" else most
    options: dict[str, Any] = {"list": True, "maxListSize": max_list_size, "direct_space": "s"}
    assert len(convert(["1"] * most, kind, **options)) == most
    message = refused(["1"] * (most + 1), kind, **options)
    assert f"must have at most {most:,} items, got {most + 1:,}" in message


@pytest.mark.parametrize(("kind", "most"), [("text", 1000), ("direct", 100)])
def test_a_list_whose_definition_does_not_say_has_the_limit_of_cdf(kind: str, most: int) -> None:
    assert len(convert(["a"] * most, kind, list=True, direct_space="s")) == most
    assert "must have at most" in refused(["a"] * (most + 1), kind, list=True, direct_space="s")


def test_a_type_of_the_future_takes_any_value_and_lists_of_them() -> None:
    assert as_sent(convert({"a": 1}, "one of the future")) == {"a": 1}
    assert as_sent(convert("a;b", "one of the future", list=True, delimiter=";")) == ["a", "b"]


def test_what_is_inside_json_is_named_where_it_is_wrong() -> None:
    with pytest.raises(InvalidValueError, match=r"expected json, got .* \(a\.b\[0\]: nan is not JSON"):
        property_type({"type": "json"}).convert({"a": {"b": [math.nan]}})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{'a': 1}", "it begins like JSON, and is not JSON"),
        ('{"a": NaN}', "it begins like JSON, and is not JSON"),
        ("[1", "it begins like JSON, and is not JSON"),
        ('{"a": 1} x', "it begins like JSON, and is not JSON"),
        ('{"a": 1e999}', "a: 1E+999 is out of the range of float64"),
    ],
)
def test_text_that_begins_like_json_and_is_none_is_refused(text: str, why: str) -> None:
    assert why in refused(text, "json")


def test_a_list_in_broken_json_says_what_is_wrong() -> None:
    assert "it begins like JSON, and is not JSON" in refused("[1, NaN]", "int32", list=True)
    assert convert("[a;b", "text", list=True, delimiter=";") == ["[a", "b"]


@pytest.mark.parametrize("kind", ["json", "one of the future"])
@pytest.mark.parametrize(
    ("value", "body"),
    [
        (Decimal("123456789012345678.5"), b"123456789012345678.5"),
        (Decimal("123456789012345678.0"), b"123456789012345678"),
        (Decimal("0.10"), b"0.1"),
        (
            {"a": [Decimal("1234567890123456789.25"), "x", None, 1.5]},
            b'{"a":[1234567890123456789.25,"x",null,1.5]}',
        ),
    ],
)
def test_numbers_in_json_keep_their_digits(kind: str, value: Any, body: bytes) -> None:
    [converted], wrong = property_type({"type": kind}).column([value])
    assert not wrong
    assert msgspec.json.encode(converted) == body


def test_numbers_in_text_that_holds_json_keep_their_digits() -> None:
    text = '{"a": [123456789012345678.5, 9007199254740993.0]}'
    assert msgspec.json.encode(convert(text, "json")) == b'{"a":[123456789012345678.5,9007199254740993]}'
    assert convert("[9007199254740993.0]", "int64", list=True) == [9007199254740993]
    assert convert("[123456789012345678.0]", "text", list=True) == ["123456789012345678.0"]


def test_nan_in_a_list_is_refused_with_its_item() -> None:
    assert "expected float64, got nan" in refused([1.5, math.nan], "float64", list=True)


@pytest.mark.parametrize(
    "value", [np.datetime64("10000-01-01"), np.array(["NaT"], "datetime64[ms]"), np.timedelta64(5, "ns")]
)
def test_moments_of_numpy_that_json_cannot_hold_are_refused(value: Any) -> None:
    for kind in ("json", "text", "timestamp", "one of the future"):
        assert refused(value, kind)


@pytest.mark.parametrize("text", ["{a,b}", ' {"a",b,"c,d"} ', "{}", "{{a,b},{c,d}}"])
def test_an_array_of_postgres_as_text_is_no_list(text: str) -> None:
    message = "it is written like an array of PostgreSQL; write to_json(column) in the query"
    assert message in refused(text, "text", list=True, delimiter=",")
    assert "expected text[]" in refused(text, "text", list=True)


def test_a_list_may_hold_texts_in_braces() -> None:
    assert convert("{a},{b}", "text", list=True, delimiter=",") == ["{a}", "{b}"]
    assert convert("{a}", "text", list=True, delimiter=",") == ["{a}"]


def test_a_named_tuple_is_no_list() -> None:
    assert "a named tuple is no array" in refused(namedtuple("Place", "x y")(1, 2), "int64", list=True)


def test_a_time_of_day_is_a_text() -> None:
    assert convert(time(3, 4, 5, 600), "text") == "03:04:05.000600"
    assert as_sent(convert({"at": time(3, 4)}, "json")) == {"at": "03:04:00"}
