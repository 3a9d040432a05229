"""The keys of rows that are Python mappings: texts, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.records.chunk import WITHOUT_A_NAME
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError, shortened

EMPTY = ("", None)


def with_names_only(row: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return a row whose keys are texts, without surplus values that are all empty.

    ``csv.DictReader`` puts the values for which its header has no name under the key ``None``.

    :raises InvalidRecordError: for surplus values, and for any other key.
    """
    if all(isinstance(key, str) for key in row):
        return row
    surplus = _surplus(row)
    if any(value not in EMPTY for value in surplus):
        values = shortened(", ".join(map(display, surplus)))
        count = f"{len(surplus):,} more value{'' if len(surplus) == 1 else 's'}"
        msg = f"has {count} than columns (under the key None, as csv.DictReader has it): {values}"
        raise InvalidRecordError(msg)
    named = {key: value for key, value in row.items() if key is not None}
    for key in named:
        if not isinstance(key, str):
            msg = f"the keys of a row must be texts, got {shortened(display(key))} ({type(key).__name__})"
            raise InvalidRecordError(msg)
    return named


def with_surplus_named(row: Any) -> Any:
    """Return a row, with surplus values under a key that JSON has."""
    if not isinstance(row, Mapping) or None not in row:
        return row
    return {key: value for key, value in row.items() if key is not None} | {WITHOUT_A_NAME: _surplus(row)}


def _surplus(row: Mapping[Any, Any]) -> list[Any]:
    values = row.get(None, ())
    return list(values) if isinstance(values, list | tuple) else [values]
