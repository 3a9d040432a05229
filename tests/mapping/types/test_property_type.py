"""Columns and messages, whatever the type."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.mapping.types import InvalidValueError, Options, PropertyType, property_type
from airflow_provider_cdf_records.records.unreadable import Unreadable
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


class Odd:
    """A value whose methods fail in ways that nobody thinks of."""

    def __repr__(self) -> str:
        raise LookupError

    @property
    def dtype(self) -> object:
        raise AssertionError("odd")


KINDS = ["boolean", "int32", "float64", "text", "timestamp", "date", "json", "direct", "timeseries", "future"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_list", [False, True])
def test_whatever_goes_wrong_refuses_that_value_alone(kind: str, is_list: bool) -> None:
    _, wrong = property_type({"type": kind, "list": is_list}, Options(direct_space="s")).column([None, Odd()])
    assert list(wrong) == [1]
    assert "got a value of type Odd that cannot be shown" in wrong[1]
    assert "AssertionError: odd" in wrong[1]


def test_a_fault_of_the_fast_way_is_none_of_good_values() -> None:
    def fail(_values: list[object], _types: object) -> list[object]:
        raise LookupError

    kind = PropertyType("text", str, fail)
    assert kind.column([1, None]) == (["1", None], {})


def test_only_floats_do_without_all_digits_also_in_lists() -> None:
    needs = {
        kind: property_type({"type": kind, "list": True}).needs_all_digits
        for kind in ("float32", "float64", "int32", "text")
    }
    assert needs == {"float32": False, "float64": False, "int32": True, "text": True}
    assert not property_type({"type": "float64"}).needs_all_digits


def test_why_a_value_is_unreadable_is_told_in_full() -> None:
    why = "write CAST(column AS text) in the query" * 5
    assert refused(Unreadable(why, "raw"), "text").endswith(f"got an unreadable value ({why})")
