"""Integers and floats."""

from __future__ import annotations

from decimal import Decimal
from math import inf, isfinite, nextafter
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.number_text import USUAL_NUMBERS, NumberText
from airflow_provider_cdf_records.mapping.types.property_type import (
    InvalidValueError,
    PropertyType,
    Types,
    as_json_type,
)

MAX_FLOAT32 = nextafter((2 - 2**-24) * 2.0**127, 0)  # the largest that is not rounded to infinity
MAX_WHOLE_FLOAT = 2.0**53  # beyond it, floats skip integers
NOT_IN_INTEGERS = frozenset(".eE")


def float_type(name: str, largest: float | None = None, text: NumberText = USUAL_NUMBERS) -> PropertyType:
    """Return a type of floats.

    :param largest: the largest absolute value; ``None`` if there is none.
    :param text: reads those that come as text.
    """

    def convert(value: Any) -> int | float:
        number = _number(value, text)
        if largest is not None and abs(number) > largest:
            raise _out_of_range(name)
        return number

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        try:
            if types <= {str}:
                plain = text.all_plain(values)
                if plain is None:
                    return None
                values = msgspec.convert(plain, list[float], strict=False)
            elif not types <= {float, int}:
                return None
            is_good = all(map(isfinite, values)) and (
                largest is None or max(map(abs, values), default=0) <= largest
            )
        except (msgspec.ValidationError, OverflowError):
            return None
        return values if is_good else None

    return PropertyType(name, convert, convert_all, needs_all_digits=False)


def integer_type(name: str, bits: int, text: NumberText = USUAL_NUMBERS) -> PropertyType:
    """Return a type of signed integers with that many bits.

    :param text: reads those that come as text.
    """
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def convert(value: Any) -> int:
        number = _whole_number(value, text)
        if not lowest <= number <= highest:
            raise _out_of_range(name)
        return int(number)

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        if types <= {str}:
            plain = text.all_plain(values)
            if plain is None or not NOT_IN_INTEGERS.isdisjoint("".join(plain)):
                return None  # msgspec would read 1e-999 as 0
            try:
                values = msgspec.convert(plain, list[int], strict=False)
            except msgspec.ValidationError:
                return None
        elif not types <= {int}:
            return None
        return values if not values or (lowest <= min(values) and max(values) <= highest) else None

    return PropertyType(name, convert, convert_all)


def number_type(text: NumberText) -> PropertyType:
    """Return the type of numbers where the definition of the property is not known.

    Whole numbers stay integers, so that none of their digits is lost.
    """

    def convert(value: Any) -> int | float:
        if isinstance(value, str):
            value = Decimal(text.plain(value))
        return _number(value, text)

    return PropertyType("a number", convert)


def _number(value: Any, text: NumberText) -> int | float:
    if isinstance(value, str):
        value = float(text.plain(value))
    value = as_json_type(value)
    if isinstance(value, str):  # of a subclass of another type, such as an enum
        value = float(text.plain(value))
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidValueError
    return value


def _whole_number(value: Any, text: NumberText) -> int | float:
    value = value if isinstance(value, Decimal) else as_json_type(value)
    if isinstance(value, float) and MAX_WHOLE_FLOAT < abs(value) < inf:
        msg = "a float of this size may have lost digits; hand it over as an integer or as text"
        raise InvalidValueError(msg)
    if isinstance(value, str):
        value = Decimal(text.plain(value))  # a float would lose digits
    if isinstance(value, Decimal) and value.is_finite() and value != value.to_integral_value():
        raise InvalidValueError
    number = _number(value, text)
    if number != int(number):
        raise InvalidValueError
    return number


def _out_of_range(name: str) -> InvalidValueError:
    return InvalidValueError(f"out of the range of {name}")
