"""Rows as mappings, whatever form they were read in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from airflow_provider_cdf_records.records.chunk import (
    WITHOUT_A_NAME,
    WITHOUT_A_VALUE,
    Columns,
    Row,
    row_and_context,
)
from airflow_provider_cdf_records.records.decoding import NOT_JSON, decode_leniently, decode_object_exactly


def as_mapping(row: Row) -> Mapping[str, Any] | None:
    """Return a mapping, or a row of a table as one; ``None`` for any other row."""
    given, (columns, nulls, _) = row_and_context(row)
    if columns is None:
        mapping = _object_of(given) if nulls else given
        if not nulls or mapping is None:
            return mapping if isinstance(mapping, Mapping) else None
        return {name: _nulled(value, nulls) for name, value in mapping.items()}
    columns = _told_apart(columns)
    named = {name: _nulled(value, nulls) for name, value in zip(columns, given, strict=False)}
    if more := given[len(columns) :]:
        named[WITHOUT_A_NAME] = list(more)
    if missing := columns[len(given) :]:
        named[WITHOUT_A_VALUE] = list(missing)
    return named


def _nulled(value: Any, nulls: frozenset[str]) -> Any:
    return None if isinstance(value, str) and value in nulls else value


def _object_of(row: Row) -> Mapping[str, Any] | None:
    if isinstance(row, bytes):
        for decode in (decode_object_exactly, decode_leniently):
            with suppress(*NOT_JSON):
                return decode(row)
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
