"""Rows of any kind as mappings from the names of their columns to their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.records.chunk import WITHOUT_A_NAME, WITHOUT_A_VALUE, Columns, Row
from airflow_provider_cdf_records.records.decoding import NOT_JSON, decode_object_exactly


def as_mapping(row: Row) -> Mapping[str, Any] | None:
    """Return a mapping, or a row of a table as one; ``None`` for any other row."""
    if type(row) is not tuple or not row or type(row[-1]) is not frozenset:
        return row if isinstance(row, Mapping) else None
    *given, values, nulls = row
    if not given:
        mapping = _object_of(values)
        return None if mapping is None else {name: _nulled(value, nulls) for name, value in mapping.items()}
    columns = _told_apart(*given)
    named = {name: _nulled(value, nulls) for name, value in zip(columns, values, strict=False)}
    if more := values[len(columns) :]:
        named[WITHOUT_A_NAME] = list(more)
    if missing := columns[len(values) :]:
        named[WITHOUT_A_VALUE] = list(missing)
    return named


def as_given(row: Row) -> Row:
    """Return a row without the texts that mean null, if it is no row of a table."""
    is_marked = type(row) is tuple and len(row) == 2 and type(row[-1]) is frozenset  # noqa: PLR2004
    return row[0] if is_marked else row


def _nulled(value: Any, nulls: frozenset[str]) -> Any:
    return None if isinstance(value, str) and value in nulls else value


def _object_of(row: Row) -> Mapping[str, Any] | None:
    if isinstance(row, bytes):
        try:
            return decode_object_exactly(row)
        except NOT_JSON:
            return None
    return row if isinstance(row, Mapping) else None


def _told_apart(columns: Columns) -> Columns:
    """Return the names of columns, those that several have with the number of the column."""
    if len(set(columns)) == len(columns):
        return columns
    return tuple(
        name if columns.count(name) == 1 else f"{name} (column {number})"
        for number, name in enumerate(columns, start=1)
    )
