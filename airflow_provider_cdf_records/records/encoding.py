"""Encodes Python values as the JSON that CDF expects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec

from airflow_provider_cdf_records.records.decoding import NOT_JSON, decode_leniently, words_of
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError
from airflow_provider_cdf_records.records.json_types import (
    all_digits,
    shortest_decimal,
    to_exact_json_type,
    to_json_type,
)
from airflow_provider_cdf_records.records.problems import join_problems

CANNOT_ENCODE = (TypeError, ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError)

MISSING_FIELD = re.compile("Object missing required field `(.+)`")  # of msgspec


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


def encode_value_of_row(value: Any) -> bytes:
    """Encode any value as :func:`encode_value` does, but its moments with all their digits.

    As files have them, too, there is a ``Z`` only where a moment has a time zone.

    :raises InvalidRecordError: for what JSON does not have.
    """
    try:
        return _to_json(value, _row_encoder)
    except CANNOT_ENCODE as error:
        raise InvalidRecordError(join_problems(_problems_in(value, error))) from None


def encode_exactly(row: Mapping[str, Any]) -> bytes:
    """Encode a row so that a mapping makes the same record of the JSON as of the row itself.

    :raises InvalidRecordError: for what JSON does not have.
    """
    try:
        return _to_json(_with_whole_floats_as_integers(row), _exact_encoder)
    except CANNOT_ENCODE as error:
        raise InvalidRecordError(words_of(error)) from None


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
        return f"not JSON: {words_of(error)}"
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
    return explain_line(row, error)


def explain_line(row: bytes, error: Exception) -> str:
    """Return why a row cannot be decoded; of one such as ``2026-01-02 started``, that it is no JSON at all.

    :param error: one of ``NOT_JSON``: of that row, it only says that it begins like a number.
    """
    if not row.lstrip().startswith(b"{"):
        try:
            msgspec.json.decode(row)
        except NOT_JSON as why:
            error = why
    return explain_decode_error(error)


def _with_whole_floats_as_integers(value: Any) -> Any:
    """Return a row in which floats that are whole are integers: their texts are the same."""
    if isinstance(value, Mapping):
        return {name: _with_whole_floats_as_integers(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_whole_floats_as_integers(inner) for inner in value]
    return int(shortest_decimal(value)) if isinstance(value, float) and value.is_integer() else value


def _sent(value: object) -> Any:
    """Convert as :func:`to_json_type` does, but mark a decimal that no float holds, to keep its digits."""
    converted = to_json_type(value)
    if not isinstance(value, Decimal) or isinstance(converted, int):
        return converted
    return converted if Decimal(repr(converted)) == value else f"{_DIGITS}{all_digits(value)}"


def _sent_of_row(value: object) -> Any:
    """Convert as ``_sent`` does, but moments with all their digits."""
    is_moment = isinstance(value, datetime) or getattr(getattr(value, "dtype", None), "kind", None) == "M"
    return to_exact_json_type(value) if is_moment else _sent(value)


def _sent_exactly(value: object) -> Any:
    """Convert as :func:`to_exact_json_type` does, but mark a decimal, so that it stays a number."""
    converted = _with_whole_floats_as_integers(to_exact_json_type(value))
    return f"{_DIGITS}{converted}" if isinstance(value, Decimal) else converted


# Python's encoder writes no number of more digits than a float has (msgspec's does, and writes NaN as null).
# Such a number passes it as a text that begins with what nobody can guess, and then loses this beginning and
# its quotes.
_DIGITS = f"number {uuid4().hex} "
_MARKED = re.compile(f'"{_DIGITS}([^"]*)"')

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_sent)
_row_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_sent_of_row
)
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
        yield f"{path}: {words_of(error)}" if path else words_of(error)


def _children(value: object, path: str) -> list[tuple[str, object]]:
    """Return the values inside an object or array, with their paths."""
    if isinstance(value, Mapping):
        return [(f"{path}.{key}" if path else str(key), child) for key, child in value.items()]
    if isinstance(value, list | tuple):
        return [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    return []
