"""Encodes Python values as the JSON that CDF expects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, timezone
from decimal import Decimal
from enum import Enum
from math import isinf
from typing import Any
from uuid import UUID, uuid4

import msgspec

from airflow_provider_cdf_records.records.decoding import NOT_JSON as NOT_JSON  # noqa: PLC0414
from airflow_provider_cdf_records.records.decoding import decode_leniently
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError
from airflow_provider_cdf_records.records.problems import join_problems
from airflow_provider_cdf_records.records.unreadable import Unreadable

CANNOT_ENCODE = (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError)

MISSING_FIELD = re.compile("Object missing required field `(.+)`")  # of msgspec

# How a subclass becomes the type itself, such as numpy's str_ or an IntEnum, whatever methods it has.
PLAIN: Mapping[type, Callable[[Any], Any]] = {str: str.__str__, int: int.__int__, float: float.__float__}

MAX_DECIMAL_DIGITS = 400  # written out; a larger number is shorter with an exponent
MAX_INTEGER_DIGITS = 30  # of a Decimal that is sent as an integer; a larger one is sent as a float


def encode(row: Mapping[str, Any]) -> bytes:
    """Encode a mapping as CDF expects its values.

    A ``datetime`` becomes UTC with milliseconds (one without a time zone is taken as UTC), a ``date``
    ``YYYY-MM-DD``, a ``Decimal`` a number with all its digits, a ``UUID`` text,
    numpy's scalars and arrays what they hold.

    :raises InvalidRecordError: for NaN, an infinity, or anything else that JSON does not have.
    """
    return encode_value(row if isinstance(row, dict) else dict(row))


def encode_value(value: Any) -> bytes:
    """Encode any value as :func:`encode` does those of a record.

    :raises InvalidRecordError: for what JSON does not have.
    """
    try:
        return _to_json(value)
    except CANNOT_ENCODE as error:
        raise InvalidRecordError(join_problems(_problems_in(value, error))) from None


def encode_exactly(row: Mapping[str, Any]) -> bytes:
    """Encode a row so that a mapping makes the same record of the JSON as of the row itself.

    :raises InvalidRecordError: for what JSON does not have.
    """
    try:
        return _to_json(_with_whole_floats_as_integers(row), _exact_encoder)
    except CANNOT_ENCODE as error:
        raise InvalidRecordError(str(error)) from None


def to_json_type(value: object) -> Any:
    """Convert a value of a type that JSON does not have to one that it has.

    :raises TypeError: when there is none.
    :raises ValueError: for NaN, an infinity or NaT.
    """
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    for kind, to_plain in PLAIN.items():
        if isinstance(value, kind):
            return to_plain(value)
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
        return _all_digits(value)
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


def display(value: object, to_text: Callable[[Any], str] = repr) -> str:
    """Return any value as text for messages, also one whose ``repr`` fails."""
    try:
        return to_text(value)
    except MemoryError:
        raise
    except Exception:  # an integer of too many digits, too deep a nesting, or whatever the value's class does
        return f"a value of type {type(value).__name__} that cannot be shown"


def explain_decode_error(error: Exception, path: str = "") -> str:
    """Return what is wrong with a row's JSON, the field first.

    ``Expected `str`, got `int` - at `$.space``` becomes ``space: expected `str`, got `int```.

    :param error: one of ``NOT_JSON``; an ``InvalidRecordError`` says it all itself.
    :param path: of the value that was decoded, where it is a part of the row.
    """
    if isinstance(error, InvalidRecordError):
        return str(error)
    if not isinstance(error, msgspec.ValidationError):
        return f"not JSON: {error}"
    what, _, inner = str(error).partition(" - at `$")
    path = (path + inner.rstrip("`")).lstrip(".")
    if missing := MISSING_FIELD.fullmatch(what):
        return f"{path}.{missing[1]}: is missing".lstrip(".")
    what = what[0].lower() + what[1:]
    return f"{path}: {what}" if path else what


def explain_row(row: bytes, error: Exception) -> str:
    """Return why a row cannot be decoded, with the place of each NaN and each half of a surrogate pair.

    :param error: one of ``NOT_JSON``.
    """
    try:
        encode_value(decode_leniently(row))
    except InvalidRecordError as problem:
        return str(problem)
    except NOT_JSON:
        pass
    return explain_decode_error(error)


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


def _with_whole_floats_as_integers(value: Any) -> Any:
    """Return a row in which floats that are whole are integers: their texts are the same."""
    if isinstance(value, Mapping):
        return {name: _with_whole_floats_as_integers(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_whole_floats_as_integers(inner) for inner in value]
    return int(shortest_decimal(value)) if isinstance(value, float) and value.is_integer() else value


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


def _all_digits(value: Decimal) -> str:
    return format(value, "f") if abs(value.adjusted()) < MAX_DECIMAL_DIGITS else str(value)


def _sent(value: object) -> Any:
    """Convert as :func:`to_json_type` does, but mark a decimal that no float holds, to keep its digits."""
    converted = to_json_type(value)
    if not isinstance(value, Decimal) or isinstance(converted, int):
        return converted
    if isinf(converted):
        msg = f"{value} is out of the range of numbers"
        raise ValueError(msg)
    return converted if Decimal(repr(converted)) == value else f"{_DIGITS}{_all_digits(value)}"


def _sent_exactly(value: object) -> Any:
    """Convert as :func:`to_exact_json_type` does, but mark a decimal, so that it stays a number."""
    converted = _with_whole_floats_as_integers(to_exact_json_type(value))
    return f"{_DIGITS}{converted}" if isinstance(value, Decimal) else converted


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


# Python's encoder writes no number with more digits than a float has. Such a number passes it as a text that
# begins with what nobody can guess, and then loses this beginning and its quotes.
_DIGITS = f"number {uuid4().hex} "
_MARKED = re.compile(f'"{_DIGITS}([^"]*)"')

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_sent)
_exact_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_sent_exactly
)


def _to_json(value: object, encoder: json.JSONEncoder = _encoder) -> bytes:
    text = encoder.encode(value)
    if _DIGITS in text:
        text = _MARKED.sub(r"\1", text)
    return text.encode()


def _problems_in(
    value: object, error: Exception, path: str = "", outer: Sequence[object] = ()
) -> Iterator[str]:
    """Yield why ``value`` cannot be encoded, for each value inside it that is a reason.

    :param outer: the values that it is inside of.
    """
    outer = (*outer, value)
    is_reason = True
    for child_path, child in _children(value, path):
        if any(child is one for one in outer):
            continue
        try:
            _to_json(child)
        except RecursionError:
            break
        except (TypeError, ValueError, ArithmeticError) as inner:
            is_reason = False
            yield from _problems_in(child, inner, child_path, outer)
    if is_reason and isinstance(value, float):
        yield f"{path}: {value} is not JSON (send None, or leave the property out)"
    elif is_reason:
        yield f"{path}: {error}" if path else str(error)


def _children(value: object, path: str) -> list[tuple[str, object]]:
    """Return the values inside an object or array, with their paths."""
    if isinstance(value, Mapping):
        return [(f"{path}.{key}" if path else str(key), child) for key, child in value.items()]
    if isinstance(value, list | tuple):
        return [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    return []
