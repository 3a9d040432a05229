"""Text, enums, and texts for identifiers."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from airflow_provider_cdf_records.mapping.types import as_texts, property_type
from tests.mapping.types.converting import Color, as_sent, convert, refused


class Word(str):
    __slots__ = ()


class Number(int):
    pass


class Shade(str, Enum):
    DARK = "dark"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ""), (" a ", " a "), (5, "5"), (5.5, "5.5"), (True, "true"), (Decimal(5), "5"),
        (Color.RED, "low"), (Word("a"), "a"), (Shade.DARK, "dark"), (Level.HIGH, "3"), (Number(7), "7"),
        (101.0, "101"), (np.float64(101), "101"), (1e16, "10000000000000000"), (1e-7, "0.0000001"),
        (-0.0, "0"), (0.1, "0.1"), (123456789012345680.0, "123456789012345680"), (np.float32(2.5), "2.5"),
        (Decimal("101.0"), "101.0"), (Decimal("1e16"), "10000000000000000"), (Decimal("1E-7"), "0.0000001"),
        (Decimal("123456789012345678.0"), "123456789012345678.0"), (2**70, str(2**70)),
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
    assert "must be at most 6 bytes of UTF-8, got 7" in refused("äääa", "text", maxTextSize=6)
    assert convert("x" * 128_000, "text", maxTextSize=200_000)
    assert "must be at most 128,000 bytes" in refused("x" * 128_001, "text", maxTextSize=200_000)


def test_an_enum_takes_its_keys_alone() -> None:
    values = {"low": {}, "high": {}}
    assert convert("low", "enum", values=values) == "low"
    assert refused("Low", "enum", values=values) == "expected one of high, low, got 'Low'"


@pytest.mark.parametrize("values", [None, {}])
def test_an_enum_whose_keys_are_not_known_takes_any_text(values: object) -> None:
    assert convert("low", "enum", values=values) == "low"


def test_texts_for_identifiers_name_what_is_missing() -> None:
    assert as_texts(["a", "b"]) == (["a", "b"], {})
    assert as_texts([1, None, 2.5]) == (["1", "", "2.5"], {1: "is empty"})
    column, wrong = as_texts(["a", [1]])
    assert column == ["a", ""]
    assert list(wrong) == [1]


def test_numbers_in_a_column_keep_their_digits() -> None:
    values = [1, Decimal("123456789012345678.0"), Decimal("123456789012345679.0"), "a", 1.0]
    assert as_texts(values) == (["1", "123456789012345678.0", "123456789012345679.0", "a", "1"], {})
    assert as_texts([1, 2**64]) == (["1", str(2**64)], {})


def test_an_enum_of_many_keys_is_named_by_its_first() -> None:
    message = refused("x", "enum", values={f"key{number:05d}": {} for number in range(20_000)})
    assert len(message) < 1000
    assert "key00049 and 19,950 more, got 'x'" in message


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", Word("a"), "a"),
        ("timeseries", Shade.DARK, "dark"),
        ("int32", Level.HIGH, 3),
        ("int64", Word("7"), 7),
        ("float64", Number(7), 7),
        ("float64", Word("7.5"), 7.5),
        ("boolean", Word("true"), True),
        ("boolean", Number(1), True),
        ("timestamp", Word("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05.000Z"),
        ("date", Word("2026-01-02"), "2026-01-02"),
        ("json", {Word("a"): [Level.HIGH, Word("b")]}, {"a": [3, "b"]}),
        ("json", Shade.DARK, "dark"),
        ("one of the future", Word("a"), "a"),
    ],
)
def test_subclasses_of_text_and_integers_are_taken_as_these(kind: str, value: Any, expected: Any) -> None:
    [converted], wrong = property_type({"type": kind}).column([value])
    assert not wrong
    assert as_sent(converted) == expected
