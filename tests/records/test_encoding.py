from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import (
    display,
    encode,
    encode_exactly,
    explain_decode_error,
)
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError
from tests.sample_records import TOO_DEEP, a_record


class Severity(Enum):
    HIGH = "high"


def sent(value: Any) -> Any:
    """Return what arrives for a property's value."""
    return json.loads(encode({"value": value}))["value"]


def refusal(row: Any) -> str:
    with pytest.raises(InvalidRecordError) as refused:
        encode(row)
    return str(refused.value)


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
        pytest.param(object(), id="an object of any class"),
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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc), "2026-01-02T03:04:05.678901Z"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05.000"),
        (date(2026, 1, 2), "2026-01-02"),
    ],
    ids=repr,
)
def test_an_exact_row_keeps_every_digit(value: object, expected: str) -> None:
    assert json.loads(encode_exactly({"value": value})) == {"value": expected}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.1234567890123456789012345", "0.1234567890123456789012345"),
        ("1.10", "1.10"),
        ("1E+3", "1000"),
        ("1E+500", "1E+500"),
        ("-0.0", "-0.0"),
    ],
)
def test_a_decimal_of_an_exact_row_is_a_number_with_every_digit(value: str, expected: str) -> None:
    row = {"n": Decimal(value), "deep": [{"n": Decimal(value)}]}
    assert encode_exactly(row) == f'{{"n":{expected},"deep":[{{"n":{expected}}}]}}'.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.1234567890123456789012345", b"0.1234567890123456789012345"),
        ("123456789012345678.25", b"123456789012345678.25"),
        ("1.10", b"1.1"),
        ("12345678901234567890123456789", b"12345678901234567890123456789"),
        ("1E+40", b"1e+40"),
        ("1E-400", b"1E-400"),
    ],
)
def test_a_decimal_that_no_float_holds_is_sent_with_all_its_digits(value: str, expected: bytes) -> None:
    assert encode({"n": [Decimal(value)]}) == b'{"n":[' + expected + b"]}"


def test_a_number_that_is_out_of_range_is_refused() -> None:
    assert refusal({"n": [Decimal("1E+400")]}) == "n[0]: 1E+400 is out of the range of float64"


@pytest.mark.parametrize("value", [math.nan, Decimal("NaN"), pd.NaT, b"bytes"], ids=repr)
def test_an_exact_row_is_json_too(value: object) -> None:
    with pytest.raises(InvalidRecordError):
        encode_exactly({"value": value})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[1]", "expected `object`, got `array`"),
        (b'{"a": [1, null]}', "[...][1]: expected `int`, got `null`"),
        (b'{"a":', "not JSON: Input data was truncated"),
        (b'{"\xff": []}', "not JSON: 'utf-8' codec"),
        (b'{"a":' + b"[" * TOO_DEEP, "not JSON: nested too deeply"),
    ],
    ids=["array", "null within", "half", "not UTF-8", "deep"],
)
def test_what_is_not_json_is_explained(text: bytes, message: str) -> None:
    kind = Any if message.endswith("deeply") else list[int]
    with pytest.raises(NOT_JSON) as error:
        msgspec.json.decode(text, type=dict[str, kind])  # type: ignore[valid-type]
    assert explain_decode_error(error.value).startswith(message)


def test_a_value_that_has_no_text_is_displayed_by_its_type() -> None:
    assert display([1]) == "[1]"
    assert display(10**5000) == "a value of type int that cannot be shown"


def test_whole_floats_of_a_rejected_row_are_written_as_the_texts_that_they_become() -> None:
    row = {"id": 101.0, "more": [1e16, {"x": np.array([2.0, 2.5])}], "value": 0.1, "huge": 1e23}
    assert encode_exactly(row) == (
        b'{"id":101,"more":[10000000000000000,{"x":[2,2.5]}],"value":0.1,"huge":100000000000000000000000}'
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pd.Timestamp("2026-01-02T03:04:05.123456789Z"), "2026-01-02T03:04:05.123456789Z"),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (np.array(["2026-01-02T03:04:05.123456"], "datetime64[us]"), ["2026-01-02T03:04:05.123456"]),
    ],
)
def test_nanoseconds_of_a_rejected_row_are_kept(value: Any, expected: Any) -> None:
    assert json.loads(encode_exactly({"value": value})) == {"value": expected}


@pytest.mark.parametrize(
    "value", [np.datetime64("10000-01-01"), np.array([1, "NaT"], "datetime64[s]"), np.timedelta64(1, "ns")]
)
def test_moments_that_json_cannot_hold_are_refused(value: Any) -> None:
    assert refusal({"value": value}).startswith("value: ")
