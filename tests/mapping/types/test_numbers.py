"""Numbers and truth values."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from airflow_provider_cdf_records.mapping.types import property_type
from airflow_provider_cdf_records.mapping.types.numbers import MAX_FLOAT32
from tests.mapping.types.converting import convert, refused


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
        ("boolean", 1.0, True),
        ("boolean", Decimal("0.0"), False),
        ("boolean", "t", True),
        ("boolean", "F", False),
        ("boolean", "Y", True),
        ("boolean", "off", False),
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
        ("int64", 2.0**53 + 2),  # a float may stand for the integer beside it
        ("boolean", "maybe"),
        ("boolean", 2),
        ("boolean", 0.5),
        ("boolean", 2.0),
        ("boolean", ""),
    ],
)
def test_numbers_and_truth_values_that_are_none_are_refused(kind: str, value: Any) -> None:
    assert refused(value, kind).startswith(f"expected {kind}, got ")


@pytest.mark.parametrize(
    "value", ["9007199254740993.5", Decimal("9007199254740993.5"), "1e-999", Decimal("0.1")]
)
def test_what_is_not_whole_is_no_integer_however_close(value: Any) -> None:
    _, wrong = property_type({"type": "int64"}).column([value])
    assert wrong
