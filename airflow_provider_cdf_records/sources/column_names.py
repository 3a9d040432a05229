"""Checks the column names of a table."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_cdf_records.records.chunk import Columns
from airflow_provider_cdf_records.sources.source import FormatError


def checked_columns(names: Iterable[object], where: str) -> Columns:
    """Return the names of a table's columns, of which several may have the same.

    A mapping cannot take such a column, as nobody knows which of them is meant.

    :param where: the part of the table that holds the names, for the error.
    :raises FormatError: when there are none.
    """
    columns = tuple(map(str, names))
    if not columns:
        msg = f"has no {where}."
        raise FormatError(msg)
    return columns
