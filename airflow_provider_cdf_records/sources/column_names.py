"""Checks the column names of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from airflow_provider_cdf_records.records.chunk import Columns
from airflow_provider_cdf_records.sources.source import FormatError


def checked_columns(names: Iterable[object], where: str) -> Columns:
    """Return the names of a table's columns.

    :param where: the part of the table that holds the names, for the error.
    :raises FormatError: when there are none, or when two columns have the same name.
    """
    columns = tuple(map(str, names))
    if not columns:
        msg = f"has no {where}."
        raise FormatError(msg)
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        msg = f"names column {twice[0]!r} more than once in its {where}; each needs a name of its own."
        raise FormatError(msg)
    return columns
