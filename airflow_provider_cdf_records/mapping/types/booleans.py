"""Booleans."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.mapping.types.property_type import (
    InvalidValueError,
    PropertyType,
    Types,
    as_json_type,
)

BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
BOOLEANS |= {text.upper(): value for text, value in BOOLEANS.items()}
BOOLEANS |= {text.capitalize(): value for text, value in BOOLEANS.items()}


def _convert(value: Any) -> bool:
    value = as_json_type(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if not isinstance(value, str) or value.strip() not in BOOLEANS:
        raise InvalidValueError
    return BOOLEANS[value.strip()]


def _convert_all(values: list[Any], types: Types) -> list[Any] | None:
    if types <= {bool}:
        return values
    try:
        return [BOOLEANS[value] for value in values] if types <= {str} else None
    except KeyError:
        return None


BOOLEAN = PropertyType("boolean", _convert, _convert_all)
