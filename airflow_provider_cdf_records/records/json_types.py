"""Converts values of types that JSON does not have to those that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timezone
from decimal import Decimal
from enum import Enum
from math import isinf
from typing import Any
from uuid import UUID

from airflow_provider_cdf_records.records.unreadable import Unreadable

# How a subclass becomes the type itself, such as numpy's str_ or an IntEnum, whatever methods it has.
BASE_TYPES: Mapping[type, Callable[[Any], Any]] = {str: str.__str__, int: int.__int__, float: float.__float__}

MAX_DECIMAL_DIGITS = 400  # written out; a larger number is shorter with an exponent
MAX_INTEGER_DIGITS = 30  # of a Decimal that is sent as an integer; a larger one is sent as a float


def to_json_type(value: object) -> Any:
    """Convert a value of a type that JSON does not have to one that it has.

    :raises TypeError: when there is none.
    :raises ValueError: for NaN, an infinity or NaT.
    """
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    for kind, to_base in BASE_TYPES.items():
        if isinstance(value, kind):
            return to_base(value)
    if isinstance(value, UUID) or type(value).__module__ == "ipaddress":
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _from_numpy(value)
    if isinstance(value, Unreadable):
        raise TypeError(repr(value))
    msg = f"a value of type {type(value).__name__} cannot be written as JSON (convert it first)"
    raise TypeError(msg)


def to_exact_json_type(value: object) -> Any:
    """Convert as :func:`to_json_type` does, but decimals and timestamps to texts with all their digits.

    A timestamp with a time zone becomes UTC with ``Z``, one without gets none; microseconds and nanoseconds
    are written where there are any.

    :raises TypeError: when JSON has no such type.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return all_digits(value)
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124 (NaT)
        nanosecond = getattr(value, "nanosecond", 0)  # of pandas
        digits = f"{value.microsecond:06d}{nanosecond:03d}"
        return _whole_seconds(value) + _fraction(digits) + ("Z" if value.tzinfo else "")
    if hasattr(value, "dtype") and getattr(value.dtype, "kind", None) == "M":
        return _exact_from_numpy(value)
    return to_json_type(value)


def shortest_decimal(value: float) -> Decimal:
    """Return the decimal with the fewest digits that reads back as a float, without a fraction of zero."""
    decimal = Decimal(float.__repr__(value))
    if not value.is_integer():
        return decimal
    return decimal.to_integral_value() if value else Decimal(0)


def _timestamp(value: datetime) -> str:
    if value != value:  # noqa: PLR0124 (pandas' NaT)
        msg = "NaT is not a timestamp (send None, or leave the property out)"
        raise ValueError(msg)
    return f"{_whole_seconds(value)}.{value.microsecond // 1000:03d}Z"


def _whole_seconds(value: datetime) -> str:
    """Return a moment without its fraction of a second, in UTC where it has a time zone."""
    if not MINYEAR <= value.year <= MAXYEAR:  # pandas has others
        msg = f"year {value.year} is out of the range of timestamps, {MINYEAR} to {MAXYEAR}"
        raise ValueError(msg)
    utc = value.astimezone(timezone.utc) if value.tzinfo else value
    return utc.replace(tzinfo=None).isoformat(timespec="seconds")


def _fraction(digits: str) -> str:
    """Return the fraction of a second, of as many groups of three digits as it needs."""
    digits = digits.rstrip("0")
    return "." + digits.ljust(max(3, -(-len(digits) // 3) * 3), "0")


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        msg = f"{value} is not a JSON number (send None, or leave the property out)"
        raise ValueError(msg)
    is_integer = value.adjusted() < MAX_INTEGER_DIGITS and value == value.to_integral_value()
    number = int(value) if is_integer else float(value)
    if isinf(number):
        msg = f"{value} is out of the range of float64"
        raise ValueError(msg)
    return number


def all_digits(value: Decimal) -> str:
    """Return a number as text, written out where that is not too long."""
    return format(value, "f") if abs(value.adjusted()) < MAX_DECIMAL_DIGITS else str(value)


def _from_numpy(value: Any) -> Any:
    if value.dtype.kind == "M":  # datetime64 counts in units of its own, and may hold NaT
        return _moments(value, "ms")
    python_value = None if value.dtype.kind == "m" else value.tolist()
    if python_value is None:
        msg = f"numpy's {value.dtype} cannot be written as JSON (convert it first)"
        raise TypeError(msg)
    if python_value is value or hasattr(python_value, "dtype"):
        msg = f"numpy's {value.dtype} cannot be written as JSON (convert it first)"
        raise TypeError(msg)
    return python_value


def _moments(value: Any, unit: str) -> Any:
    """Return what numpy's datetime64 holds, one or an array, as ``datetime``.

    :raises ValueError: for NaT, and for years that ``datetime`` does not have.
    """
    moments = value.astype(f"datetime64[{unit}]").tolist()
    _check_moments(moments)
    return moments


def _check_moments(moments: Any) -> None:
    if isinstance(moments, list):
        for moment in moments:
            _check_moments(moment)
    elif moments is None:
        msg = "NaT is not a timestamp (send None, or leave the property out)"
        raise ValueError(msg)
    elif not isinstance(moments, date):
        msg = f"a moment is out of the range of timestamps, years {MINYEAR} to {MAXYEAR}"
        raise ValueError(msg)


def _exact_from_numpy(value: Any) -> Any:
    if value.ndim:
        return list(map(to_exact_json_type, value))
    fraction = str(value).partition(".")[2]  # numpy writes all the digits of its unit
    return _moments(value, "s").isoformat(timespec="seconds") + _fraction(fraction)
