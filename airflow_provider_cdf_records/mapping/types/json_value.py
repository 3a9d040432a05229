"""JSON: properties of that type, and properties whose type is not known."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError, PropertyType, Types
from airflow_provider_cdf_records.mapping.types.text import texts_or_none
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import (
    encode_value,
    encode_value_of_row,
    explain_decode_error,
)

MAX_JSON_BYTES = 40_960

_decode = msgspec.json.Decoder().decode
_decode_exactly = msgspec.json.Decoder(float_hook=Decimal).decode


def looks_like_json(value: Any) -> bool:
    """Whether a value is a text that begins as a JSON object or array does."""
    return isinstance(value, str) and value.lstrip().startswith(("{", "["))


def parsed(value: Any, *, exact: bool = True) -> Any:
    """Decode a text that holds a JSON object or array; return other values as they are.

    :param exact: whether numbers keep all their digits, as ``Decimal``; else they may become floats.
    """
    if looks_like_json(value):
        try:
            return (_decode_exactly if exact else _decode)(value)
        except NOT_JSON:
            return value
    return value


def parse(text: str) -> Any:
    """Decode a text that looks like JSON.

    :raises InvalidValueError: when it is not, with the reason.
    """
    try:
        return _decode_exactly(text)
    except NOT_JSON as error:
        msg = f"it begins like JSON, and is {explain_decode_error(error)}"
        raise InvalidValueError(msg) from None


def _convert_json(value: Any) -> Any:
    body = encode_value_of_row(parse(value) if looks_like_json(value) else value)
    size = len(msgspec.json.format(body, indent=-1))
    if size > MAX_JSON_BYTES:
        msg = f"must be at most {MAX_JSON_BYTES:,} bytes of JSON, got {size:,}"
        raise InvalidValueError(msg)
    return msgspec.Raw(body)


def _convert_any(value: Any) -> Any:
    return msgspec.Raw(encode_value(value))


def _encodable_or_none(values: list[Any], types: Types) -> list[Any] | None:
    """Return the values if msgspec encodes all of them as we would."""
    if types <= {str}:
        return texts_or_none(values, types)
    if types <= {int, bool}:
        return values
    if not types <= {int, bool, float, Decimal} or not all(map(isfinite, map(float, values))):
        return None
    if Decimal in types:
        return [msgspec.Raw(encode_value(value)) if type(value) is Decimal else value for value in values]
    return values


JSON = PropertyType("json", _convert_json)
ANY = PropertyType("a JSON value", _convert_any, _encodable_or_none)
