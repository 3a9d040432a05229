"""Generated values: what the types accept and refuse, compared with the local server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

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
from airflow_provider_cdf_records.mapping.types import InvalidValueError, Options, property_type
from airflow_provider_cdf_records.mapping.types.numbers import MAX_FLOAT32
from tests.mapping.types.converting import OSLO, Color, as_sent

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


@settings(max_examples=2000)
@given(definition=st.sampled_from(DEFINITIONS), value=python_values)
def test_whatever_is_accepted_the_server_accepts(definition: dict[str, Any], value: Any) -> None:
    if value is None:
        return
    kind = property_type(definition, Options(time_zone=OSLO, delimiter=";", direct_space="assets"))
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
    kind = property_type(definition, Options(time_zone=OSLO, delimiter=";", direct_space="assets"))
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
    kind = property_type(DEFINITIONS[number], Options(delimiter=";", direct_space="assets"))
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
        cdf.upsert_records("all", msgspec.json.encode({"items": items}))


def test_the_server_would_notice_a_wrong_value(cdf: CdfClient) -> None:
    source = {"type": "container", "space": "plant", "externalId": "All"}
    item = {"space": "plant", "externalId": "a", "sources": [{"source": source, "properties": {"p1": 2**31}}]}
    with pytest.raises(CdfApiError, match="p1: 2147483648 is out of the range of int32"):
        cdf.upsert_records("all", msgspec.json.encode({"items": [item]}))
