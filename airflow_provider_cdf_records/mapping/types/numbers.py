"""Integers and floats."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isfinite, nextafter
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.property_type import (
    InvalidValueError,
    PropertyType,
    Types,
    as_json_type,
)

MAX_FLOAT32 = nextafter((2 - 2**-24) * 2.0**127, 0)  # the largest that is not rounded to infinity
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NOT_IN_INTEGERS = frozenset(".eE")


def float_type(name: str, largest: float | None = None) -> PropertyType:
    """Return a type of floats.

    :param largest: the largest absolute value; ``None`` if there is none.
    """

    def convert(value: Any) -> int | float:
        number = _number(value)
        if largest is not None and abs(number) > largest:
            raise _out_of_range(name)
        return number

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        try:
            if types <= {str}:
                values = msgspec.convert(values, list[float], strict=False)
            elif not types <= {float, int}:
                return None
            is_good = all(map(isfinite, values)) and (
                largest is None or max(map(abs, values), default=0) <= largest
            )
        except (msgspec.ValidationError, OverflowError):
            return None
        return values if is_good else None

    return PropertyType(name, convert, convert_all)


def integer_type(name: str, bits: int) -> PropertyType:
    """Return a type of signed integers with that many bits."""
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def convert(value: Any) -> int:
        number = _whole_number(value)
        if not lowest <= number <= highest:
            raise _out_of_range(name)
        return int(number)

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        if types <= {str}:
            if not NOT_IN_INTEGERS.isdisjoint("".join(values)):
                return None  # msgspec would read 1e-999 as 0
            try:
                values = msgspec.convert(values, list[int], strict=False)
            except msgspec.ValidationError:
                return None
        elif not types <= {int}:
            return None
        return values if not values or (lowest <= min(values) and max(values) <= highest) else None

    return PropertyType(name, convert, convert_all)


def _number(value: Any) -> int | float:
    value = as_json_type(value)
    if isinstance(value, str):
        text = value.strip()
        if not NUMBER.fullmatch(text):
            raise InvalidValueError
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidValueError
    return value


def _whole_number(value: Any) -> int | float:
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())  # a float would lose digits
    if isinstance(value, Decimal) and value.is_finite() and value != value.to_integral_value():
        raise InvalidValueError
    number = _number(value)
    if number != int(number):
        raise InvalidValueError
    return number


def _out_of_range(name: str) -> InvalidValueError:
    return InvalidValueError(f"out of the range of {name}")


INT32, INT64 = integer_type("int32", 32), integer_type("int64", 64)
FLOAT32, FLOAT64 = float_type("float32", MAX_FLOAT32), float_type("float64")
