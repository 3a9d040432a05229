"""How a mapping says that values are read: missing ones, numbers, booleans, moments."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_cdf_records.mapping import RowMapping, Schema, read_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.number_style import NumberStyle
from airflow_provider_cdf_records.sources import RecordsSource
from tests.mapping.loading import NOT_KNOWN, SCHEMA, Identified, Loaded, Shape, container, every_kind, mapping

GERMAN = {"decimal": ",", "thousands": "."}


def loaded(rows: list[dict[str, Any]], properties: Any, **more: Any) -> Loaded:
    return Loaded(
        RecordsSource([{"id": str(at)} | row for at, row in enumerate(rows)]), mapping(properties, **more)
    )


def one(value: Any, prop: str, **keys: Any) -> Any:
    """Return what one value of a column becomes."""
    [properties] = loaded([{"x": value}], {prop: {"column": "x", **keys}}).properties()
    return properties.get(prop)


def why_not(value: Any, prop: str, **keys: Any) -> str:
    [message] = loaded([{"x": value}], {prop: {"column": "x", **keys}}).messages().values()
    return message


@every_kind
def test_null_values_of_a_property_are_missing_in_it_alone(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "x": "NA", "y": "NA"}, {"id": "b", "x": "1", "y": "n/a"}]
    spec = mapping({"value": {"column": "x", "null_values": ["NA", "-"]}, "text": "y"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"text": "NA"}, {"value": 1, "text": "n/a"}]


@every_kind
def test_null_values_of_a_mapping_hold_for_all_but_properties_with_their_own(
    tmp_path: Path, kind: Shape
) -> None:
    rows = [{"id": "a", "x": "NA", "y": "NA", "z": "-"}, {"id": "NA", "x": "1", "y": "1", "z": "1"}]
    spec = mapping(
        {"value": "x", "text": {"column": "y", "null_values": []}, "number": "z"}, null_values=["NA", "-"]
    )
    result = Loaded(kind(tmp_path, rows), spec)
    assert result.properties() == [{"text": "NA"}]
    assert list(result.messages().values()) == ["external_id: column 'id': is empty"]
    assert Identified(kind(tmp_path, rows), spec).identities == ["plant/a"]


def test_null_values_may_be_in_a_format_string_and_are_missing_in_it() -> None:
    result = loaded([{"x": "a"}, {"x": "NA"}], {"text": {"format": "-{x}", "null_values": ["NA"]}})
    assert result.properties() == [{"text": "-a"}]
    assert list(result.messages().values()) == ["plant/Alarm.text: column 'x': is empty"]


NAN = [
    math.nan,
    np.float64("nan"),
    np.float32("nan"),
    Decimal("NaN"),
    Decimal("sNaN"),
    pd.NA,
    pd.NaT,
    np.datetime64("NaT"),
]


@pytest.mark.parametrize("value", NAN, ids=repr)
@pytest.mark.parametrize("prop", ["value", "number", "text", "flag", "time", "day", "any", "pump", "tags"])
def test_nan_is_missing_where_the_mapping_says_so(value: Any, prop: str) -> None:
    direct = {"direct": "assets"} if prop == "pump" else {}
    assert one(value, prop, nan="null", **direct) is None
    assert "to take it as missing, set 'nan': 'null' in the mapping" in why_not(value, prop, **direct)
    assert "set 'nan': 'null'" in why_not(value, prop, nan="reject", **direct)


def test_nan_in_an_identity_is_no_text() -> None:
    rows = [{"id": math.nan}, {"id": pd.NA}, {"id": "a"}]
    for more, why in (
        ({}, "external_id: column 'id': expected text, got nan"),
        ({"nan": "null"}, "is empty"),
    ):
        identified = Identified(RecordsSource(rows), mapping({}, **more))
        assert identified.identities == ["plant/a"]
        assert why in identified.messages()[0]


def test_the_text_nan_is_a_text() -> None:
    assert one("NaN", "text", nan="null") == "NaN"
    assert "expected float64, got 'NaN'" in why_not("NaN", "value", nan="null")


def test_numbers_in_text_are_read_in_the_style_of_the_property_or_the_mapping() -> None:
    rows = [{"x": "1.234,5", "y": "1 234.5", "z": "7.0"}]
    properties = {"value": "x", "text": "x"}
    assert loaded(rows, properties, **GERMAN).properties() == [{"value": 1234.5, "text": "1.234,5"}]
    own = {"value": {"column": "y", "decimal": ".", "thousands": " "}}
    assert loaded(rows, own, **GERMAN).properties() == [{"value": 1234.5}]
    point = {"number": {"column": "z", "decimal": "."}}
    assert loaded(rows, point, **GERMAN).properties() == [{"number": 7}]


def test_numbers_that_are_no_text_have_no_style() -> None:
    assert one(1.5, "value", **GERMAN) == 1.5
    assert one(Decimal("1.234"), "value", **GERMAN) == 1.234


def test_items_of_a_list_of_numbers_have_the_style() -> None:
    schema = Schema([container("Alarm", {"values": {"type": "float64", "list": True}})])
    spec = mapping({"values": {"column": "x", "delimiter": ";", **GERMAN}})
    source = RecordsSource([{"id": "a", "x": "1.234,5; 2"}, {"id": "b", "x": "[1.5, 2]"}])
    assert Loaded(source, spec, schema).properties() == [{"values": [1234.5, 2]}, {"values": [1.5, 2]}]
    clash = mapping({"values": {"column": "x", "delimiter": ","}}, decimal=",")
    with pytest.raises(
        InvalidArgumentError, match=r"Alarm\.values has the delimiter ',', which is 'decimal' or"
    ):
        Loaded(source, clash, schema)


def test_the_style_of_a_file_stands_under_that_of_the_mapping() -> None:
    def style(*of_mapping: str | None, prop: dict[str, str] | None = None) -> list[float]:
        general = {name: sign for name, sign in zip(GERMAN, of_mapping, strict=True) if sign is not None}
        spec = read_mapping(mapping({"value": {"column": "x", **(prop or {})}}, **general))
        convert = RowMapping(spec.with_number_style(NumberStyle(",", ".")), SCHEMA)
        [chunk] = RecordsSource([{"id": "a", "x": "1,234"}])
        bodies = convert(chunk).bodies
        return [json.loads(body)["sources"][0]["properties"]["value"] for body in bodies]

    assert style(None, None) == [1.234]
    assert style(".", ",") == [1234]
    assert style(None, None, prop={"decimal": "."}) == []
    assert style(None, None, prop={"decimal": ".", "thousands": ","}) == [1234]
    assert style(",", None) == [1.234]


def test_constants_are_json_and_in_no_style() -> None:
    rows = [{}]
    general = GERMAN | {
        "timestamp": "%d.%m.%Y",
        "true": ["ja"],
        "null_values": ["low"],
        "time_zone": {"column": "tz"},
    }
    result = loaded(
        [{"tz": "Europe/Oslo"}],
        {
            "value": {"value": "1.5"},
            "time": {"value": "2026-01-02T03:04:05Z"},
            "flag": {"value": True},
            "level": {"value": "low"},
        },
        **general,
    )
    assert result.properties() == [
        {"value": 1.5, "time": "2026-01-02T03:04:05.000Z", "flag": True, "level": "low"}
    ]
    with pytest.raises(
        InvalidArgumentError, match="names no time zone, and that of the mapping is in column 'tz'"
    ):
        loaded(rows, {"time": {"value": "2026-01-02T03:04:05"}}, **general)


def test_booleans_are_what_the_mapping_lists() -> None:
    words: dict[str, Any] = {"true": ["ja", "1"], "false": ["nein", "2"]}
    assert one(" ja ", "flag", **words) is True
    assert one("nein", "flag", **words) is False
    assert one(2, "flag", **words) is False
    assert one(2.0, "flag", **words) is False
    assert one(True, "flag", **words) is True
    assert "expected boolean, got 'true' (the mapping lists 'ja', '1', 'nein', '2')" in why_not(
        "true", "flag", **words
    )
    assert "got 0" in why_not(0, "flag", **words)


def test_one_list_of_booleans_leaves_the_other_as_it_is() -> None:
    assert one("X", "flag", true=["X"]) is True
    assert one("no", "flag", true=["X"]) is False
    assert "expected boolean" in why_not("yes", "flag", true=["X"])
    assert one("0", "flag", true=["0"], false=["1"]) is True
    assert one("0", "flag", true=["0"]) is True


@every_kind
def test_a_timestamp_is_made_of_several_columns(tmp_path: Path, kind: Shape) -> None:
    rows = [
        {"id": "a", "year": "2026", "month": "7", "day": "2"},
        {"id": "b", "year": "2026", "month": "x", "day": "2"},
    ]
    spec = mapping({"time": {"format": "{year}-{month:0>2}-{day:0>2}", "time_zone": "Europe/Oslo"}})
    result = Loaded(kind(tmp_path, rows), spec)
    assert result.properties() == [{"time": "2026-07-01T22:00:00.000Z"}]
    spec = mapping({"time": {"format": "{day}/{month}/{year}", "timestamp": "%d/%m/%Y"}})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"time": "2026-07-02T00:00:00.000Z"}]


@every_kind
def test_a_time_zone_may_be_in_a_column(tmp_path: Path, kind: Shape) -> None:
    rows = [
        {"id": "a", "at": "2026-07-02 03:04", "tz": "Europe/Oslo"},
        {"id": "b", "at": "2026-07-02 03:04", "tz": "+05:30"},
        {"id": "c", "at": "2026-07-02T03:04Z", "tz": None},
        {"id": "d", "at": "2026-07-02 03:04", "tz": None},
        {"id": "e", "at": "2026-07-02 03:04", "tz": "Mars"},
        {"id": "f", "at": None, "tz": "Europe/Oslo"},
        {"id": "g", "at": "2026-07-02 03:04", "tz": "Europe/Oslo"},
    ]
    for spec in (
        mapping({"time": {"column": "at", "time_zone": {"column": "tz"}}}),
        mapping({"time": "at", "text": "tz"}, time_zone={"column": "tz"}),
    ):
        result = Loaded(kind(tmp_path, rows), spec)
        assert [record.get("time") for record in result.properties()] == [
            "2026-07-02T01:04:00.000Z", "2026-07-01T21:34:00.000Z", "2026-07-02T03:04:00.000Z", None,
            "2026-07-02T01:04:00.000Z",
        ]  # fmt: skip
        empty, wrong = result.messages().values()
        assert empty.endswith("got '2026-07-02 03:04' (it names no time zone, and column 'tz' is empty)")
        assert wrong.endswith("(column 'tz' holds no time zone: 'Mars')")


def test_the_column_of_a_time_zone_must_be_there_and_is_no_other_column() -> None:
    spec = mapping("*", time_zone={"column": "tz"})
    with pytest.raises(InvalidArgumentError, match="the rows have no column 'tz'"):
        Loaded(RecordsSource([{"id": "a", "time": "2026-01-02"}]), spec)
    assert Loaded(RecordsSource([{"id": "a", "time": "2026-01-02", "tz": "UTC"}]), spec).properties()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("decimal", ",", 1.5),
        ("thousands", "'", 1),
        ("true", ["1,5"], True),
        ("timestamp", "ms", "1970-01-01T00:00:00.001Z"),
        ("time_zone", "Europe/Oslo", "2026-01-01T23:00:00.000Z"),
    ],
)
def test_without_a_schema_the_keys_tell_the_type(key: str, value: Any, expected: Any) -> None:
    text = {"decimal": "1,5", "thousands": "1", "true": "1,5", "timestamp": "1", "time_zone": "2026-01-02"}[
        key
    ]
    source = RecordsSource([{"id": "a", "x": text}])
    assert Loaded(source, mapping({"p": {"column": "x", key: value}}), NOT_KNOWN).properties() == [
        {"p": expected}
    ]


def test_without_a_schema_a_number_keeps_its_digits() -> None:
    source = RecordsSource([{"id": "a", "x": "9.007.199.254.740.993"}])
    spec = mapping({"p": {"column": "x", **GERMAN}})
    assert Loaded(source, spec, NOT_KNOWN).properties() == [{"p": 9007199254740993}]


@pytest.mark.parametrize(
    ("prop", "keys", "message"),
    [
        ("text", GERMAN, "mapping: plant/Alarm.text is text, but 'decimal' is for numbers."),
        ("value", {"true": ["x"]}, "mapping: plant/Alarm.value is float64, but 'true' is for booleans."),
        (
            "number",
            {"timestamp": "s"},
            "plant/Alarm.number is int32, but 'timestamp' is for timestamps and dates.",
        ),
        ("any", {"fold": "last"}, "plant/Alarm.any is json, but 'fold' is for timestamps and dates."),
    ],
)
def test_a_key_that_a_property_cannot_use_is_refused(prop: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        loaded([{"x": "1"}], {prop: {"column": "x", **keys}})
    assert message in str(refused.value)


def test_keys_of_a_mapping_hold_where_they_fit() -> None:
    general = GERMAN | {"true": ["ja"], "timestamp": ["%d.%m.%Y"], "fold": "first"}
    row = {"value": "1,5", "flag": "ja", "time": "2.1.2026", "day": "2.1.2026", "text": "1,5"}
    assert loaded([row], "*", **general).properties() == [
        {"value": 1.5, "flag": True, "time": "2026-01-02T00:00:00.000Z", "day": "2026-01-02", "text": "1,5"}
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"null_values": "NA"}, "null_values: expected `array`, got `str`"),
        ({"null_values": [1]}, "null_values[0]: expected `str`, got `int`"),
        ({"nan": "drop"}, "nan: must be 'null' or 'reject', got 'drop'"),
        ({"decimal": ",,"}, "decimal: must be one character, and no letter, digit or sign, got ',,'"),
        ({"decimal": ""}, "decimal: must be one character"),
        ({"decimal": " "}, "decimal: must not be white space"),
        ({"decimal": "e"}, "decimal: must be one character, and no letter"),
        ({"thousands": "0"}, "thousands: must be one character, and no letter"),
        ({"thousands": "-"}, "thousands: must be one character, and no letter"),
        ({"thousands": "."}, "thousands: must differ from decimal, which is '.'; set 'decimal' too"),
        ({"thousands": ",", "decimal": ","}, "thousands: must differ from decimal, which is ','"),
        ({"true": "x"}, "true: expected `array`, got `str`"),
        ({"true": []}, "true: must not be empty"),
        ({"true": ["a"], "false": ["b", " a "]}, "' a ' is in both 'true' and 'false'"),
        ({"timestamp": []}, "timestamp: must not be empty"),
        ({"timestamp": 5}, "timestamp: expected `str | array`, got `int`"),
        (
            {"timestamp": "%d.%m"},
            "timestamp: must be a pattern of strptime such as '%d.%m.%Y %H:%M', or one of",
        ),
        ({"timestamp": ["%d.%m.%Y", "min"]}, "timestamp: must be a pattern of strptime"),
        ({"time_zone": 5}, "time_zone: expected `str | object`, got `int`"),
        (
            {"time_zone": {"col": "x"}},
            "time_zone: object contains unknown field `col`; the known fields are column",
        ),
        ({"fold": "maybe"}, "fold: must be 'first', 'last' or 'reject', got 'maybe'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        read_mapping(mapping({}, **keys))
    assert f"mapping: {message}" in str(refused.value)
    with pytest.raises(InvalidArgumentError) as refused:
        read_mapping(mapping({"x": {"column": "y", **keys}}))
    assert str(refused.value).startswith("mapping: sources[0].properties.x")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"column": "y", "true": ["x"], "decimal": ","}, "'decimal' is for numbers, and 'true' for booleans"),
        (
            {"column": "y", "decimal": ",", "delimiter": ","},
            ".delimiter: must differ from 'decimal' and 'thousands'",
        ),
        ({"value": 1, "decimal": ","}, "'decimal' says how columns are read, and has no use beside 'value'"),
        ({"value": 1, "nan": "null"}, "'nan' says how columns are read"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        read_mapping(mapping({"x": keys}))
    assert "mapping: sources[0].properties.x" in str(refused.value)
    assert message in str(refused.value)
