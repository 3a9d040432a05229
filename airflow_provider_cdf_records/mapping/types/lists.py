"""Lists of values of another type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_cdf_records.mapping.types.json_value import looks_like_json, parse, parsed
from airflow_provider_cdf_records.mapping.types.property_type import (
    JSON_TYPES,
    InvalidValueError,
    PropertyType,
)
from airflow_provider_cdf_records.records.json_types import to_json_type


def list_type(item: PropertyType, max_items: int, delimiter: str | None) -> PropertyType:
    """Return the type of lists of ``item``.

    :param max_items: how many items a list may have.
    :param delimiter: between the items of a list that comes as text.
    """

    def convert(value: Any) -> list[Any]:
        items = _items(value, delimiter, exact=item.needs_all_digits)
        if len(items) > max_items:
            msg = f"must have at most {max_items:,} items, got {len(items):,}"
            raise InvalidValueError(msg)
        if any(part is None for part in items):
            msg = "null is not allowed in a list"
            raise InvalidValueError(msg)
        return [item.convert(part) for part in items]

    return PropertyType(f"{item.name}[]", convert, needs_all_digits=item.needs_all_digits)


def _items(value: Any, delimiter: str | None, *, exact: bool) -> Sequence[Any]:
    if isinstance(value, str):
        items = parsed(value, exact=exact)
        if delimiter is not None and not isinstance(items, list):
            parts = [part.strip() for part in value.split(delimiter)] if value.strip() else []
            _check_no_array_literal(parts)
            return parts
        if items is value and looks_like_json(value):
            parse(value)  # says what is wrong with it
        value = items
    elif type(value) not in JSON_TYPES and not isinstance(value, list | tuple):
        value = to_json_type(value)
    if not isinstance(value, list | tuple):
        hint = "; for delimited text, set 'delimiter' in the mapping" if isinstance(value, str) else ""
        msg = f"must be an array{hint}"
        raise InvalidValueError(msg)
    if hasattr(value, "_fields"):
        msg = "a named tuple is no array"
        raise InvalidValueError(msg)
    return value


def _check_no_array_literal(parts: list[str]) -> None:
    """Refuse the parts of a text such as ``{a,b}``, of which the first and the last would keep a brace."""
    is_split = len(parts) > 1 and parts[0].startswith("{") and "}" not in parts[0] and parts[-1].endswith("}")
    if is_split or parts == ["{}"]:
        msg = "it is written like an array of PostgreSQL; write to_json(column) in the query"
        raise InvalidValueError(msg)
