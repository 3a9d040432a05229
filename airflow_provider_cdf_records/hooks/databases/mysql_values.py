"""Values as MySQL and MariaDB write them; what Python has no value for stays their text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Any

from airflow_provider_cdf_records.records.unreadable import Unreadable

DIGITS = 6  # of microseconds


def text(value: Any) -> str:
    """Return what the server sent as text: of a ``TIME``, which may have more than 24 hours, or a ``SET``."""
    return value if isinstance(value, str) else bytes(value).decode()


def bits_in(column: str, length: int | None) -> Callable[[Any], int | Unreadable]:
    """Return a function for ``BIT``, which makes a number of any length.

    MariaDB sends a ``BIT`` column as bytes, but of ``CASE``, ``IFNULL`` or a subquery the number in digits,
    and nothing says which: 49 is ``b"1"``, and so is 1.

    :param column: its name, for what to write in the query.
    :param length: in bits; ``None`` where the driver does not say.
    """

    def bits(value: bytes) -> int | Unreadable:
        if not value.isdigit():
            return int.from_bytes(value, "big")
        if length == 1:
            return int(value)
        return Unreadable(f"bits that may be digits; write {column} + 0 in the query", value)

    return bits


def day(value: Any) -> date | str:
    """Return a date; the text of one that no calendar has, such as ``2026-00-00``."""
    written = text(value)
    try:
        return date.fromisoformat(written)
    except ValueError:
        return written


def local_time(value: Any) -> datetime | str:
    """Return a ``DATETIME``; the text of one that no calendar has."""
    written = text(value)
    whole, point, fraction = written.partition(".")
    try:
        return datetime.fromisoformat(f"{whole}.{fraction[:DIGITS]:0<{DIGITS}}" if point else whole)
    except ValueError:
        return written


def moment_in(zone: tzinfo) -> Callable[[Any], datetime | str]:
    """Return a function for ``TIMESTAMP``, which comes in the time zone of the session.

    It makes a moment with that zone; of what the clock shows twice a text that nobody takes for UTC.
    """

    def moment(value: Any) -> datetime | str:
        local = local_time(value)
        if isinstance(local, str):
            return local
        there = local.replace(tzinfo=zone)
        if there.utcoffset() == there.replace(fold=1).utcoffset():
            return there
        return f"{local} {zone}"

    return moment
