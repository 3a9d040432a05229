"""Text, enums, and texts for identifiers."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from airflow_provider_cdf_records.mapping.types import as_texts
from tests.mapping.types.converting import Color, convert, refused


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
