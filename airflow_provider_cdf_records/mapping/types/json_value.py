"""JSON: properties of that type, and properties whose type is not known."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError, PropertyType, Types
from airflow_provider_cdf_records.mapping.types.text import texts_or_none
from airflow_provider_cdf_records.records.encoding import NOT_JSON, encode_value

MAX_JSON_BYTES = 40_960


def parsed(value: Any) -> Any:
    """Decode a text that holds a JSON object or array; return other values as they are."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return msgspec.json.decode(value)
        except NOT_JSON:
            return value
    return value


def _convert_json(value: Any) -> Any:
    encoded = encode_value(parsed(value))
    size = len(msgspec.json.encode(msgspec.json.decode(encoded)))
    if size > MAX_JSON_BYTES:
        msg = f"must be at most {MAX_JSON_BYTES:,} bytes of JSON, got {size:,}"
        raise InvalidValueError(msg)
    return msgspec.Raw(encoded)


def _convert_any(value: Any) -> Any:
    return msgspec.Raw(encode_value(value))


def _encodable_or_none(values: list[Any], types: Types) -> list[Any] | None:
    """Return the values if msgspec encodes all of them as we would."""
    if types <= {str}:
        return texts_or_none(values, types)
    if types <= {int, bool}:
        return values
    if types <= {int, bool, float} and all(isfinite(value) for value in values if type(value) is float):
        return values
    return None


JSON = PropertyType("json", _convert_json)
ANY = PropertyType("a JSON value", _convert_any, _encodable_or_none)
