"""SQLite, by Python's own module."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timezone
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import DriverThatCancels
from airflow_provider_cdf_records.records.unreadable import Unreadable

PASSING_CODES = frozenset(
    {5, 6, 7, 9, 10, 13, 15, 17}
)  # busy, locked, nomem, interrupt, ioerr, full, protocol, schema
MASK = 0xFF  # of a code, without what SQLite adds to tell more
PASSING_MESSAGES = (
    "locked",
    "busy",
    "interrupted",
    "disk I/O error",
    "is full",
    "locking protocol",
    "has changed",
)
NOT_UTF_8 = "bytes that are not UTF-8; write HEX(column), or CAST(column AS BLOB) to see them, in the query"


class SqliteDriver(DriverThatCancels):
    """Tells by SQLite's code which of its errors are final, and compares moments as texts."""

    packages = ("sqlite3",)
    cancel_method = "interrupt"
    text_cast = "CAST({column} AS TEXT)"
    refuses_moments_as_text = True

    def cursor(self, conn: Any) -> Any:
        conn.text_factory = _text
        return conn.cursor()

    def is_final(self, error: Exception) -> bool:
        if not isinstance(error, sqlite3.OperationalError):
            return super().is_final(error) or isinstance(error, sqlite3.DatabaseError)
        code = getattr(error, "sqlite_errorcode", None)  # Python 3.11 and later
        if code is not None:
            return code & MASK not in PASSING_CODES
        return not any(message in str(error) for message in PASSING_MESSAGES)

    def moment(self, moment: datetime) -> str:
        """Return the text in UTC, as ``CURRENT_TIMESTAMP`` is written; zeros at its end would sort it up."""
        utc = moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment
        text = utc.isoformat(" ")
        return text.rstrip("0") if utc.microsecond else text

    def date(self, day: date) -> str:
        return day.isoformat()


def _text(raw: bytes) -> Any:
    """Return a text, of which SQLite does not check that it is one."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Unreadable(NOT_UTF_8, raw)
