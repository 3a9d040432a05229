"""Values of drivers that a mapping cannot take as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any
from uuid import UUID

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.records.unreadable import Unreadable

TAKEN: frozenset[type] = frozenset(
    {str, int, float, bool, NoneType, Decimal, datetime, date, time, UUID, Unreadable}
)  # as they are, by the types of the mapping
ALSO_TAKEN: tuple[type, ...] = (*(TAKEN - {NoneType}), Enum)
BYTES = (bytes, bytearray, memoryview)


def exact(value: Any, driver: Driver, column: str) -> Any:
    """Return a value that the mapping takes or refuses by its meaning, or an ``Unreadable``.

    :param column: its name, for what to write in the query.
    """
    if isinstance(value, BYTES):
        return _unreadable(bytes(value), "bytes", driver.bytes_cast, column)
    strange = _strange_in(value)
    if strange is None:
        return value
    inside = "" if strange is value else f" in a {type(value).__name__}"
    return _unreadable(value, f"Python's {type(strange).__name__}{inside}", driver.text_cast, column)


def _unreadable(value: Any, what: str, cast: str, column: str) -> Unreadable:
    return Unreadable(f"{what}; write {cast.format(column=column)} in the query", value)


def _strange_in(value: Any) -> Any:
    """Return the first value that no type of the mapping takes; ``None`` where there is none."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((found for part in value if (found := _strange_in(part)) is not None), None)
    is_taken = value is None or isinstance(value, ALSO_TAKEN) or type(value).__module__ == "ipaddress"
    return None if is_taken or (hasattr(value, "dtype") and hasattr(value, "tolist")) else value
