from __future__ import annotations

import json
import math
from collections import UserDict
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.pipeline.errors import InvalidArgumentError
from airflow_provider_cdf_records.pipeline.record import (
    MAX_RECORD_BYTES,
    InvalidRecordError,
    check_stream_id,
    to_record,
)
from tests.records import a_record


class Severity(Enum):
    HIGH = "high"


def sent(value: Any) -> Any:
    """What arrives for a property's value."""
    record = to_record(0, a_record(value=value))
    return json.loads(record.body)["sources"][0]["properties"]["value"]


def refusal(row: Any) -> str:
    with pytest.raises(InvalidRecordError) as refused:
        to_record(0, row)
    return str(refused.value)


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (a_record() | changes).items() if value is not ...}


def test_a_record_keeps_its_position_identity_and_fields() -> None:
    row = a_record("æ/1", text="snö ☃", number=1)
    record = to_record(17, row)
    assert record.position == 17
    assert record.identity == ("plant", "æ/1")
    assert json.loads(record.body) == row


def test_json_goes_out_as_it_came_in() -> None:
    line = json.dumps(a_record(), indent=1).encode()
    assert to_record(0, line).body == line


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00.000Z"),
        (pd.Timestamp("2026-01-02T03:04:05.123456789Z"), "2026-01-02T03:04:05.123Z"),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123Z"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("12.50"), 12.5),
        (Decimal("7.0"), 7),
        (Decimal("1E+300"), 1e300),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Severity.HIGH, "high"),
        (np.float32(1.5), 1.5),
        (np.float64(1.1), 1.1),
        (np.int64(-3), -3),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (np.array(["2026-01-02"], dtype="datetime64[ns]"), ["2026-01-02T00:00:00.000Z"]),
        (np.str_("x"), "x"),
        ((1, 2), [1, 2]),
        (None, None),
        (2**63 - 1, 2**63 - 1),
        (MappingProxyType({"a": date(2026, 1, 2)}), {"a": "2026-01-02"}),
    ],
    ids=repr,
)
def test_python_values_are_encoded_as_cdf_expects_them(value: object, expected: object) -> None:
    assert sent(value) == expected
    assert type(sent(value)) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        np.float32("nan"),
        np.array([1.0, math.nan]),
        Decimal("NaN"),
        Decimal("Infinity"),
        pd.NaT,
        np.datetime64("NaT"),
        pd.NA,
        b"bytes",
        {1, 2},
        object(),
        timedelta(1),
        np.timedelta64(1, "s"),
        "\ud800",
        {(1, 2): 3},
    ],
    ids=repr,
)
def test_what_json_does_not_have_is_refused_with_its_place(value: object) -> None:
    message = refusal(a_record(good=1, bad=value))
    assert message.startswith("sources[0].properties.bad")


def test_a_nested_nan_is_found() -> None:
    row = a_record(deep=[{"x": 1}, {"y": [0.0, math.nan]}])
    assert refusal(row).startswith("sources[0].properties.deep[1].y[1]: nan")


def test_a_value_within_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "ircular" in refusal(a_record(bad=loop))


def test_any_mapping_is_a_record() -> None:
    row: Mapping[str, Any] = UserDict(a_record())
    assert to_record(0, row).identity == ("plant", "a")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(space=...), "object missing required field `space`"),
        (changed(externalId=...), "object missing required field `externalId`"),
        (changed(sources=...), "object missing required field `sources`"),
        (changed(space="1st"), "space: expected a space: 1-43 letters"),
        (changed(space="plant\n"), "space: expected a space"),
        (changed(space="x" * 44), "space: expected a space"),
        (changed(space="system"), "space: 'system' is reserved by CDF"),
        (changed(space=None), "space: expected `str`, got `null`"),
        (changed(externalId=""), "externalId: expected `str` of length >= 1"),
        (changed(externalId="x" * 257), "externalId: expected `str` of length <= 256"),
        (changed(externalId="a\0b"), "externalId: must not hold a null byte"),
        (changed(externalId=7), "externalId: expected `str`, got `int`"),
        (changed(sources=[]), "sources: expected `array` of length >= 1"),
        (changed(sources=a_record()["sources"] * 101), "sources: expected `array` of length <= 100"),
        (changed(sources=[{"properties": {}}]), "sources[0]: object missing required field `source`"),
        ("plant", "expected a record (a dict), got str"),
        (b"[1]", "expected `object`, got `array`"),
        (b'{"space": "plant",', "not JSON: Input data was truncated"),
        (b"nonsense", "not JSON:"),
    ],
)
def test_a_wrong_shape_is_refused_by_the_fields_name(row: Any, message: str) -> None:
    assert message in refusal(row)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"type": "node", "space": "plant", "externalId": "A"}, "invalid value 'node'"),
        ({"type": "view", "space": "plant", "externalId": "A"}, "missing required field `version`"),
        ({"type": "container", "space": "plant", "externalId": "A-1"}, "externalId: expected an identifier"),
        ({"type": "container", "space": "-", "externalId": "A"}, "space: expected a space"),
    ],
)
def test_a_wrong_source_is_refused(source: dict[str, str], message: str) -> None:
    assert message in refusal(changed(sources=[{"source": source, "properties": {}}]))


def test_a_view_is_a_source_too() -> None:
    view = {"type": "view", "space": "plant", "externalId": "V", "version": "1"}
    assert to_record(0, changed(sources=[{"source": view, "properties": {"x": 1}}]))


@pytest.mark.parametrize("properties", [None, [], "x", 1])
def test_properties_must_be_an_object(properties: object) -> None:
    source = a_record()["sources"][0] | {"properties": properties}
    assert "sources[0].properties: expected an object" in refusal(changed(sources=[source]))


def test_bytes_that_are_not_utf8_are_refused() -> None:
    line = json.dumps(a_record(text="é"), ensure_ascii=False).encode("latin-1")
    assert "not UTF-8" in refusal(line)


def test_a_record_over_the_limit_of_a_request_is_refused() -> None:
    room = MAX_RECORD_BYTES - len(to_record(0, a_record(text="")).body)
    assert to_record(0, a_record(text="x" * room))
    assert "CDF takes 10,000,000" in refusal(a_record(text="x" * (room + 1)))


def test_a_line_of_a_rejected_records_file_is_its_record() -> None:
    line = json.dumps({"position": 3, "message": "no", "record": a_record("inner")}).encode()
    assert to_record(0, line).identity == ("plant", "inner")


@given(st.text(min_size=1, max_size=256).filter(lambda text: "\0" not in text))
def test_any_external_id_survives(external_id: str) -> None:
    try:
        external_id.encode()
    except UnicodeEncodeError:
        assert "externalId" in refusal(a_record(external_id))
    else:
        assert to_record(0, a_record(external_id)).identity[1] == external_id


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
        ),
    )
)
def test_any_json_value_arrives_as_it_is(value: object) -> None:
    assert sent(value) == value


@pytest.mark.parametrize("stream_id", ["a", "alarms", "a-b_c9", "x" * 100])
def test_good_stream_ids_pass(stream_id: str) -> None:
    assert check_stream_id(stream_id) == stream_id


@pytest.mark.parametrize(
    "stream_id",
    [
        "",
        "A",
        "1a",
        "a-",
        "a_",
        "x" * 101,
        "logs",
        "records",
        "cdf_x",
        "cognite_x",
        "a b",
        "a\n",
        "a/b",
        None,
    ],
)
def test_bad_stream_ids_are_refused(stream_id: object) -> None:
    with pytest.raises(InvalidArgumentError, match="stream_id"):
        check_stream_id(stream_id)
