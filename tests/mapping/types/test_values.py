from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import CdfApiError, CdfClient
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.local_server.checks.values import compile_check, instant
from airflow_provider_cdf_records.mapping.types import (
    InvalidValueError,
    Relation,
    as_texts,
    property_type,
    time_zone_of,
)
from airflow_provider_cdf_records.mapping.types.numbers import MAX_FLOAT32
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

OSLO = ZoneInfo("Europe/Oslo")
NAMES = [
    "boolean", "int32", "int64", "float32", "float64", "timestamp", "date", "json", "direct", "timeseries",
    "file", "sequence",
]  # fmt: skip
SINGLE: list[dict[str, Any]] = [
    *({"type": name} for name in NAMES),
    {"type": "text"},
    {"type": "text", "maxTextSize": 6},
    {"type": "enum", "values": {"low": {}, "high": {}, "1": {}}},
]
DEFINITIONS = [
    *SINGLE,
    *(definition | {"list": True} for definition in SINGLE),
    *(definition | {"list": True, "maxListSize": 2} for definition in SINGLE),
]

ids = st.sampled_from(["", "a", "low", "pump-1", "snö ☃"])
directs = st.fixed_dictionaries({"space": ids, "externalId": ids})
numbers = st.one_of(
    st.integers(),
    st.sampled_from([2**31, 2**31 - 1, -(2**31), -(2**31) - 1, 2**63, 2**63 - 1, -(2**63), -(2**63) - 1]),
    st.sampled_from([0.0, -0.0, 1.0, 1.5, MAX_FLOAT32, 2 * MAX_FLOAT32, 1e300, 2.0**63, -1.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
moments = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(datetime.isoformat),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    st.datetimes(
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    ).map(lambda moment: moment.isoformat(timespec="seconds")),
    st.dates().map(str),
    st.from_regex(
        r"\A[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]"
        r"(:[0-6][0-9](\.[0-9]{1,9})?)?(Z|[+-][0-2][0-9]:[0-5][0-9])?\Z"
    ),
)
texts = st.one_of(
    st.text(),
    ids,
    moments,
    numbers.map(str),
    numbers.map(json.dumps),
    st.from_regex(r"\A[-+ ]?[0-9]{0,4}\.?[0-9]{0,4}([eE][-+]?[0-9]{1,3})?\n?\Z"),
    st.sampled_from(
        [
            "true",
            "False",
            "YES",
            "0",
            "1",
            "nan",
            "inf",
            "-Infinity",
            "1e400",
            "٣",
            "1_000",
            "[1]",
            '{"a": 1}',
        ]
    ),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts, directs)
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


class Color(Enum):
    RED = "low"


python_values = st.one_of(
    json_values,
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.decimals(),
    st.uuids(),
    st.floats(),
    st.binary(max_size=3),
    st.text(st.characters(codec=None), max_size=3),
    st.sampled_from(
        [
            np.int32(3), np.int64(-1), np.float32(0.1), np.float64("nan"), np.bool_(True), np.str_("low"),
            np.datetime64("2026-01-02T03:04:05.678901234"), np.datetime64("2026-01-02"), np.datetime64("NaT"),
            np.array([1, 2]), np.array(["a"]), np.array(["2026-01-02"], dtype="datetime64[D]"),
            pd.Timestamp("2026-01-02 03:04", tz="Europe/Oslo"), pd.Timestamp("2026-01-02"), pd.NaT, pd.NA,
            Color.RED, timedelta(1), object(), (1, 2), {"low"}, {1: 2}, 10**400, "1e99999999999999999999",
        ]
    ),
)  # fmt: skip


def as_sent(value: Any) -> Any:
    """Return what the server makes of a value in a request."""
    return msgspec.json.decode(msgspec.json.encode(value))


def convert(value: Any, kind: str, **options: Any) -> Any:
    definition = {name: options.pop(name) for name in list(options) if name not in OPTIONS}
    return property_type({"type": kind, **definition}, **options).convert(value)


OPTIONS = {"time_zone", "delimiter", "direct_space"}


def refused(value: Any, kind: str, **options: Any) -> str:
    with pytest.raises(InvalidValueError) as refusal:
        convert(value, kind, **options)
    return str(refusal.value)


# What the server takes is what is sent


@settings(max_examples=2000)
@given(definition=st.sampled_from(DEFINITIONS), value=python_values)
def test_whatever_is_accepted_the_server_accepts(definition: dict[str, Any], value: Any) -> None:
    if value is None:
        return
    kind = property_type(definition, time_zone=OSLO, delimiter=";", direct_space="assets")
    try:
        converted = kind.convert(value)
    except InvalidValueError:
        return
    assert compile_check(definition, "type")(as_sent(converted)) is None


@settings(max_examples=2000)
@given(definition=st.sampled_from(DEFINITIONS), value=json_values)
@example(definition={"type": "date"}, value="2024-02-29")
@example(definition={"type": "timestamp"}, value="9999-12-31T23:59:59-01:00")
@example(definition={"type": "float32"}, value=MAX_FLOAT32)
def test_whatever_is_refused_the_server_refuses_too(definition: dict[str, Any], value: Any) -> None:
    if value is None:
        return
    try:
        property_type(definition).convert(value)
    except InvalidValueError:
        assert compile_check(definition, "type")(as_sent(value)) is not None


@settings(max_examples=1000)
@given(
    definition=st.sampled_from([*DEFINITIONS, {"type": "one of the future"}]),
    values=st.one_of(
        st.lists(python_values, max_size=5),
        *(
            st.lists(same | st.none(), max_size=5)
            for same in (texts, numbers, moments, st.booleans(), directs)
        ),
    ),
)
@example(definition={"type": "float64"}, values=["1.5", " 1.5", "nan"])
@example(definition={"type": "float64"}, values=["-0", "1e-400"])
@example(definition={"type": "text"}, values=["a", "\ud800"])
@example(definition={"type": "file"}, values=["a", "\ud800"])
@example(definition={"type": "one of the future"}, values=[1.5, 10**400])
@example(definition={"type": "file"}, values=["a", np.array([1, 2]), pd.NA])
@example(definition={"type": "text"}, values=["a", np.array([1, 2]), pd.NA])
@example(definition={"type": "timestamp"}, values=["2026-01-02T03:04:05Z\n2026-01-02T03:04:05Z"])
def test_a_column_is_converted_as_its_values_are_one_by_one(
    definition: dict[str, Any], values: list[Any]
) -> None:
    kind = property_type(definition, time_zone=OSLO, delimiter=";", direct_space="assets")
    alone, wrong_alone = [], {}
    for at, value in enumerate(values):
        try:
            alone.append(None if value is None else kind.convert(value))
        except InvalidValueError as error:
            alone.append(None)
            wrong_alone[at] = str(error)
    converted, wrong = kind.column(values)
    assert wrong == wrong_alone
    assert list(map(same_moment, converted)) == list(map(same_moment, alone))


def same_moment(value: Any) -> Any:
    """Return a value as the server would read it; a moment may be written in several ways."""
    sent = as_sent(value)
    moment = instant(sent) if isinstance(sent, str) else None
    return sent if moment is None else moment


@pytest.fixture(scope="module")
def cdf() -> Iterator[CdfClient]:
    """A local CDF with a container that has a property of each type: ``p0``, ``p1``, and so on."""
    with LocalServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_CDF_DEFAULT", server.connection_json())
        with CdfRecordsHook().get_conn() as client:
            client.post("/models/spaces", {"items": [{"space": "plant"}]})
            properties = {f"p{number}": {"type": definition} for number, definition in enumerate(DEFINITIONS)}
            container = {"space": "plant", "externalId": "All", "usedFor": "record", "properties": properties}
            client.post("/models/containers", {"items": [container]})
            settings_ = {"template": {"name": "BasicLiveData"}}
            client.post("/streams", {"items": [{"externalId": "all", "settings": settings_}]})
            yield client


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, len(DEFINITIONS) - 1), values=st.lists(python_values, min_size=20, max_size=40))
def test_whatever_is_accepted_is_stored(cdf: CdfClient, number: int, values: list[Any]) -> None:
    kind = property_type(DEFINITIONS[number], delimiter=";", direct_space="assets")
    converted, wrong = kind.column(values)
    source = {"type": "container", "space": "plant", "externalId": "All"}
    items = [
        {
            "space": "plant",
            "externalId": str(at),
            "sources": [{"source": source, "properties": {f"p{number}": value}}],
        }
        for at, value in enumerate(converted)
        if at not in wrong
    ]
    if items:
        cdf.upsert("all", msgspec.json.encode({"items": items}))


def test_the_server_would_notice_a_wrong_value(cdf: CdfClient) -> None:
    source = {"type": "container", "space": "plant", "externalId": "All"}
    item = {"space": "plant", "externalId": "a", "sources": [{"source": source, "properties": {"p1": 2**31}}]}
    with pytest.raises(CdfApiError, match="p1: 2147483648 is out of the range of int32"):
        cdf.upsert("all", msgspec.json.encode({"items": [item]}))


# Numbers and truth values


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("float64", "12.5", 12.5),
        ("float64", " 12.5 ", 12.5),
        ("float64", "+.5e1", 5.0),
        ("float64", 3, 3),
        ("float64", Decimal("0.1"), 0.1),
        ("float64", np.float64(0.1), 0.1),
        ("float32", MAX_FLOAT32, MAX_FLOAT32),
        ("int32", "3.0", 3),
        ("int32", 3.0, 3),
        ("int32", "1e3", 1000),
        ("int32", 2**31 - 1, 2**31 - 1),
        ("int32", -(2**31), -(2**31)),
        ("int32", np.int16(7), 7),
        ("int32", Decimal("7.0"), 7),
        ("int64", "007", 7),
        ("int64", str(2**63 - 1), 2**63 - 1),
        ("int64", "9007199254740993.0", 9007199254740993),
        ("boolean", "true", True),
        ("boolean", "1", True),
        ("boolean", "No", False),
        ("boolean", 0, False),
        ("boolean", np.bool_(True), True),
    ],
)
def test_numbers_and_truth_values_are_taken_in_any_usual_form(kind: str, value: Any, expected: Any) -> None:
    converted = convert(value, kind)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("float64", "1e400"),
        ("float64", 10**400),
        ("float64", "nan"),
        ("float64", math.nan),
        ("float64", "inf"),
        ("float64", math.inf),
        ("float64", Decimal("NaN")),
        ("float64", "1,5"),
        ("float64", "1_000"),
        ("float64", "٣"),
        ("float64", ""),
        ("float64", True),
        ("float64", "0x10"),
        ("float32", 1e39),
        ("float32", "-1e39"),
        ("int32", 2**31),
        ("int32", str(2**31)),
        ("int32", -(2**31) - 1),
        ("int32", "3.5"),
        ("int32", 3.5),
        ("int32", "٣"),
        ("int32", True),
        ("int64", 2**63),
        ("int64", "9223372036854775807.5"),
        ("int64", "1e999999999999999999999"),
        ("int64", 1e300),
        ("boolean", "maybe"),
        ("boolean", 2),
        ("boolean", 1.0),
        ("boolean", ""),
    ],
)
def test_numbers_and_truth_values_that_are_none_are_refused(kind: str, value: Any) -> None:
    assert refused(value, kind).startswith(f"expected {kind}, got ")


# Time


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-02 03:04", "2026-01-02T02:04:00.000Z"),
        ("2026-07-02 03:04", "2026-07-02T01:04:00.000Z"),
        ("2026-01-02", "2026-01-01T23:00:00.000Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05.123456789-0130", "2026-01-02T04:34:05.123Z"),
        ("2026-01-02 03:04:05,5 +02", "2026-01-02T01:04:05.500Z"),
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("0001-01-01T05:00:00+05:00", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02T02:04:00.000Z"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc), "2026-01-02T03:04:00.000Z"),
        (date(2026, 1, 2), "2026-01-01T23:00:00.000Z"),
        (np.datetime64("2026-01-02T03:04:05.678901"), "2026-01-02T02:04:05.678Z"),
        (pd.Timestamp("2026-01-02 03:04:05.123456789"), "2026-01-02T02:04:05.123Z"),
        (pd.Timestamp("2026-01-02 03:04", tz="UTC"), "2026-01-02T03:04:00.000Z"),
    ],
)
def test_a_moment_without_a_zone_is_in_the_time_zone_of_the_mapping(value: Any, expected: str) -> None:
    [sent], wrong = property_type({"type": "timestamp"}, time_zone=OSLO).column([value])
    assert not wrong
    assert instant(sent) == instant(expected)
    assert convert(value, "timestamp", time_zone=OSLO) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z", "now", "",
        "20260102",
        "2026-01-02T03", "2026-01-02T03:04:05+25:00", "2026-01-02T03:04:05+01:75", "2026-01-02-03",
        "٢026-01-02",
        1767323045, 1767323045.5, True, pd.NaT, np.datetime64("NaT"), pd.NA, [],
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(value: Any) -> None:
    assert refused(value, "timestamp").startswith("expected timestamp, got ")


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02",
        " 2026-01-02 ",
        date(2026, 1, 2),
        datetime(2026, 1, 2),
        pd.Timestamp("2026-01-02"),
        np.datetime64("2026-01-02"),
        "2026-01-02T00:00:00.000",
        "2026-01-02 00:00:00",
        "2026-01-02T00:00:00+02:00",
    ],
)
def test_a_date_may_come_as_a_moment_at_midnight(value: Any) -> None:
    assert convert(value, "date") == "2026-01-02"


@pytest.mark.parametrize(
    "value", ["2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3), np.datetime64("2026-01-02T03")]
)
def test_a_date_with_a_time_of_day_is_refused(value: Any) -> None:
    assert "it has a time of day" in refused(value, "date")


@pytest.mark.parametrize("value", ["2026-02-29", "02.01.2026", "2026-1-2", 20260102, pd.NaT, ""])
def test_what_is_no_date_is_refused(value: Any) -> None:
    assert refused(value, "date").startswith("expected a date YYYY-MM-DD, got ")


# Texts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""), (" a ", " a "), (5, "5"), (5.5, "5.5"), (True, "true"), (Decimal(5), "5"),
        (Color.RED, "low"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"), (date(2026, 1, 2), "2026-01-02"),
        (np.str_("a"), "a"),
    ],
)  # fmt: skip
def test_text_is_made_of_what_has_one_clear_text(value: Any, expected: str) -> None:
    assert convert(value, "text") == expected


@pytest.mark.parametrize("value", [[1], {"a": 1}, math.nan, b"a", object(), "\ud800"])
def test_text_is_made_of_nothing_else(value: Any) -> None:
    assert refused(value, "text").startswith("expected text, got ")


def test_texts_are_measured_in_bytes() -> None:
    assert convert("äää", "text", maxTextSize=6) == "äää"
    assert "more than 6 bytes" in refused("äääa", "text", maxTextSize=6)
    assert convert("x" * 128_000, "text", maxTextSize=200_000)
    assert "more than 128,000 bytes" in refused("x" * 128_001, "text", maxTextSize=200_000)


def test_an_enum_takes_its_keys_alone() -> None:
    values = {"low": {}, "high": {}}
    assert convert("low", "enum", values=values) == "low"
    assert refused("Low", "enum", values=values) == "expected one of high, low, got 'Low'"


@pytest.mark.parametrize("kind", ["timeseries", "file", "sequence"])
def test_references_are_external_ids(kind: str) -> None:
    assert convert(17, kind) == "17"
    assert "expected the external id of a" in refused("", kind)


def test_an_external_id_becomes_a_direct_relation() -> None:
    relation = convert(17, "direct", direct_space="assets")
    assert msgspec.to_builtins(relation) == {"space": "assets", "externalId": "17"}
    whole = {"space": "other", "externalId": "a"}
    assert msgspec.to_builtins(convert(whole, "direct", direct_space="assets")) == whole
    assert "set it with 'direct' in the mapping" in refused("a", "direct")


@pytest.mark.parametrize(
    "value",
    [
        {"space": "s"},
        {"space": "s", "externalId": ""},
        {"space": "s", "externalId": 1},
        {"space": "s", "externalId": "\ud800"},
        {"space": "s", "externalId": "a", "more": 1},
        "",
    ],
)
def test_half_a_direct_relation_is_refused(value: Any) -> None:
    assert refused(value, "direct", direct_space="s").startswith("expected a direct relation")


# JSON and lists


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, None]}, {"a": [1, None]}),
        ('{"a": [1]}', {"a": [1]}),
        (" [1]", [1]),
        ("[1", "[1"),
        ("text", "text"),
        ("5", "5"),
        (5, 5),
        ({"at": date(2026, 1, 2)}, {"at": "2026-01-02"}),
    ],
)
def test_json_is_any_value_and_text_that_holds_an_object_or_array(value: Any, expected: Any) -> None:
    assert as_sent(convert(value, "json")) == expected


def test_json_is_measured_without_white_space() -> None:
    most = ["x" * 40_956]
    assert as_sent(convert(json.dumps(most, indent=9), "json")) == most
    assert "must be at most 40,960 bytes of JSON, got 40,961" in refused(["x" * 40_957], "json")
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


@pytest.mark.parametrize(("kind", "most"), [("text", 1000), ("direct", 100)])
def test_lists_have_the_limits_of_cdf(kind: str, most: int) -> None:
    assert len(convert(["a"] * most, kind, list=True, direct_space="s")) == most
    assert f"must have at most {most:,} items, got {most + 1:,}" in refused(
        ["a"] * (most + 1), kind, list=True, direct_space="s"
    )


def test_a_type_of_the_future_takes_any_value_and_lists_of_them() -> None:
    assert as_sent(convert({"a": 1}, "one of the future")) == {"a": 1}
    assert as_sent(convert("a;b", "one of the future", list=True, delimiter=";")) == ["a", "b"]


# Columns


def test_nothing_stays_nothing_in_a_column() -> None:
    for values in ([None, "1.5", None], [None, "1.5", "+1.5"], [None]):
        column, wrong = property_type({"type": "float64"}).column(values)
        assert column == [None if value is None else 1.5 for value in values]
        assert not wrong


def test_a_long_value_is_cut_in_a_message() -> None:
    assert len(refused("x" * 10_000, "int32")) < 200


def test_texts_for_identifiers_name_what_is_missing() -> None:
    assert as_texts(["a", "b"]) == (["a", "b"], {})
    assert as_texts([1, None, 2.5]) == (["1", "", "2.5"], {1: "is empty"})
    column, wrong = as_texts(["a", [1]])
    assert column == ["a", ""]
    assert list(wrong) == [1]


def test_a_time_zone_has_an_iana_name() -> None:
    assert time_zone_of("Europe/Oslo") == OSLO
    for name in ("Mars/Base", "", "../etc/passwd", "a\0b"):
        with pytest.raises(InvalidArgumentError, match="time_zone must be an IANA name"):
            time_zone_of(name)


def test_moments_in_an_external_id_keep_their_microseconds() -> None:
    moments = [
        datetime(2026, 1, 2, 3, 4, 5, 678_001, timezone.utc),
        datetime(2026, 1, 2, 3, 4, 5, 678_000, timezone.utc),
        datetime(2026, 1, 2, 4, 4, 5, 1, timezone(timedelta(hours=1))),
        datetime(2026, 1, 2, 3, 4, 5, 2),
    ]
    texts, wrong = as_texts(moments)
    assert not wrong
    assert texts == [
        "2026-01-02T03:04:05.678001Z",
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.000001Z",
        "2026-01-02T03:04:05.000002",
    ]


@pytest.mark.parametrize(
    "value", ["9007199254740993.5", Decimal("9007199254740993.5"), "1e-999", Decimal("0.1")]
)
def test_what_is_not_whole_is_no_integer_however_close(value: Any) -> None:
    _, wrong = property_type({"type": "int64"}).column([value])
    assert wrong


def test_a_relation_may_come_as_a_text_of_json() -> None:
    text = '{"space": "assets", "externalId": "pump"}'
    assert property_type({"type": "direct"}).convert(text) == Relation("assets", "pump")


def test_what_is_inside_json_is_named_where_it_is_wrong() -> None:
    with pytest.raises(InvalidValueError, match=r"expected json, got .* \(a\.b\[0\]: nan is not JSON"):
        property_type({"type": "json"}).convert({"a": {"b": [math.nan]}})


def test_a_value_that_cannot_be_shown_is_refused_like_others() -> None:
    with pytest.raises(InvalidValueError, match="expected float64, got a int that cannot be shown"):
        property_type({"type": "float64"}).convert(10**5000)
