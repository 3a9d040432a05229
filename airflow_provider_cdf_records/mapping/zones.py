"""Moments whose time zone is in a column of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache
from typing import Any

from airflow_provider_cdf_records.mapping.table import Column, Table
from airflow_provider_cdf_records.mapping.types import (
    Missing,
    NoTimeZone,
    Problems,
    PropertyType,
    time_zone_in_a_row,
)

ZONES_AT_ONCE = 256  # whose types are kept


class ZonePerRow:
    """Converts the moments of each row in the time zone of that row.

    :param column: the column that holds the time zones.
    :param missing: finds the values of it that mean that there is none.
    :param type_in: returns the property's type in a time zone.
    """

    def __init__(
        self, column: str, missing: Missing, type_in: Callable[[tzinfo | NoTimeZone], PropertyType]
    ) -> None:
        self._column = column
        self._missing = missing
        self._type_in = lru_cache(ZONES_AT_ONCE)(type_in)

    def convert(self, table: Table, values: Column, null: Any) -> tuple[Column, Problems]:
        """Convert a column as :meth:`PropertyType.column` does."""
        names = self._missing.clean(table.column(self._column, exact=True))
        rows: dict[tzinfo | NoTimeZone, list[int]] = {}
        for index, name in enumerate(names):
            rows.setdefault(time_zone_in_a_row(_text(name), self._column), []).append(index)
        result: Column = [null] * len(values)
        problems: Problems = {}
        for zone, indexes in rows.items():
            converted, wrong = self._type_in(zone).column([values[index] for index in indexes], null)
            for index, value in zip(indexes, converted, strict=True):
                result[index] = value
            problems |= {indexes[at]: why for at, why in wrong.items()}
        return result, problems


def _text(name: object) -> str | None:
    return None if name is None else str(name).strip()
