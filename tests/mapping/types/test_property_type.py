"""Columns and messages, whatever the type."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.mapping.types import InvalidValueError, property_type
from tests.mapping.types.converting import refused


def test_nothing_stays_nothing_in_a_column() -> None:
    for values in ([None, "1.5", None], [None, "1.5", "+1.5"], [None]):
        column, wrong = property_type({"type": "float64"}).column(values)
        assert column == [None if value is None else 1.5 for value in values]
        assert not wrong


def test_a_long_value_is_cut_in_a_message() -> None:
    assert len(refused("x" * 10_000, "int32")) < 200


def test_a_value_that_cannot_be_shown_is_refused_like_others() -> None:
    with pytest.raises(
        InvalidValueError, match="expected float64, got a value of type int that cannot be shown"
    ):
        property_type({"type": "float64"}).convert(10**5000)
