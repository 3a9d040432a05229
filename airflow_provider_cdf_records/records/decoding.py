"""Decodes rows that come as JSON, with all digits of their numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from math import inf
from typing import Any

import msgspec

# What decoding raises: bytes that are not UTF-8 are a ValueError, nesting without end is a RecursionError.
NOT_JSON = (ValueError, msgspec.MsgspecError, RecursionError)


def words_of(error: Exception) -> str:
    """Return what an error says; of nesting without end, each Python says something else."""
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def exact_number(text: str) -> float | Decimal:
    """Return a number of JSON with all its digits: a float if that has the same text, as 1.5, but not 1.0.

    One with an exponent that no number can have is an infinity, which nothing takes.
    """
    number = float(text)
    if repr(number) == text and not number.is_integer():
        return number
    try:
        return Decimal(text)
    except ArithmeticError:
        return inf


def _exact_integer(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts
        return Decimal(text)


decode_object = msgspec.json.Decoder(dict[str, Any]).decode
decode_object_exactly = msgspec.json.Decoder(dict[str, Any], float_hook=exact_number).decode
decode_exactly = msgspec.json.Decoder(float_hook=exact_number).decode
_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_lenient_decoder = json.JSONDecoder(parse_float=exact_number, parse_int=_exact_integer)


def decode_leniently(row: bytes) -> dict[str, Any]:
    """Decode an object that may hold what Python's ``json`` module writes though JSON does not have it.

    That is NaN, infinities, and halves of surrogate pairs. Whether a row can do without such a value is for
    others to say.

    :raises ValueError: when it is no object even so.
    """
    fields = _lenient_decoder.decode(row.decode())
    if not isinstance(fields, dict):
        msg = f"expected `object`, got `{type(fields).__name__}`"
        raise ValueError(msg)  # noqa: TRY004 (not of a type of Python, but of a row)
    return fields


def keys_of(row: bytes) -> list[str]:
    """Return the keys of an object, whatever their values are; none if it cannot be decoded at all."""
    try:
        return list(_decode_keys(row))
    except NOT_JSON:
        pass
    try:
        return list(decode_leniently(row))
    except NOT_JSON:
        return []
