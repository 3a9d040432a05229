"""Encodes Python values as the JSON that CDF expects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
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

CANNOT_ENCODE = (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError)

MISSING_FIELD = re.compile("Object missing required field `(.+)`")  # of msgspec

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
        return _to_json(dict(row), _exact_encoder)
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
    if isinstance(value, UUID) or type(value).__module__ == "ipaddress":
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _from_numpy(value)
    msg = f"a value of type {type(value).__name__} cannot be written as JSON (convert it first)"
    raise TypeError(msg)


def to_exact_json_type(value: object) -> Any:
    """Convert as :func:`to_json_type` does, but decimals and timestamps to texts with all their digits.

    A timestamp with a time zone becomes UTC with ``Z``, one without gets none; microseconds are written
    where there are any.

    :raises TypeError: when JSON has no such type.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return _all_digits(value)
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124 (NaT)
        utc = value.astimezone(timezone.utc) if value.tzinfo else value
        timespec = "microseconds" if value.microsecond % 1000 else "milliseconds"
        return utc.replace(tzinfo=None).isoformat(timespec=timespec) + ("Z" if value.tzinfo else "")
    return to_json_type(value)


def display(value: object, to_text: Callable[[Any], str] = repr) -> str:
    """Return any value as text for messages, also one whose ``repr`` fails."""
    try:
        return to_text(value)
    except (ValueError, RecursionError):  # an integer of too many digits, or too deep a nesting
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
    utc = value.astimezone(timezone.utc) if value.tzinfo else value
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        msg = f"{value} is not a JSON number (send None, or leave the property out)"
        raise ValueError(msg)
    is_integer = value.adjusted() < MAX_INTEGER_DIGITS and value == value.to_integral_value()
    return int(value) if is_integer else float(value)


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
    converted = to_exact_json_type(value)
    return f"{_DIGITS}{converted}" if isinstance(value, Decimal) else converted


def _from_numpy(value: Any) -> Any:
    if value.dtype.kind == "M":  # datetime64 counts in units of its own, and may hold NaT
        value = value.astype("datetime64[ms]")
        if value.ndim == 0 and value.tolist() is None:
            msg = "NaT is not a timestamp (send None, or leave the property out)"
            raise ValueError(msg)
    python_value = value.tolist()
    if python_value is value or hasattr(python_value, "dtype"):
        msg = f"numpy's {value.dtype} cannot be written as JSON (convert it first)"
        raise TypeError(msg)
    return python_value


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
