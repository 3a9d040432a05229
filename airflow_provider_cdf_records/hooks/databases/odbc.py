"""Any database by ODBC (pyodbc), such as SQL Server."""

from __future__ import annotations

import logging
import struct
from contextlib import closing, suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_cdf_records.hooks.databases import mysql_values, odbc_errors
from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.mysql_session import MysqlSession
from airflow_provider_cdf_records.records.unreadable import Unreadable

log = logging.getLogger(__name__)

SQL_BIT, SQL_TYPE_DATE, SQL_TYPE_TIME, SQL_TYPE_TIMESTAMP = -7, 91, 92, 93
SS_TIMESTAMPOFFSET, SS_UDT = (
    -155,
    -151,
)  # types of SQL Server: datetimeoffset; geometry, geography, hierarchyid
TIMESTAMPOFFSET = struct.Struct("<6hI2h")
DATE, TIME = struct.Struct("<hHH"), struct.Struct("<HHH")
TIMESTAMP = struct.Struct("<hHHHHHI")

# Drivers that hold all rows of a result in memory, by the names of their libraries: what to set (None where
# nothing helps), and what to do.
HOLDS_ALL_ROWS = {
    "maodbc": (None, "an Airflow connection of type mysql streams them"),
    "myodbc": ("no_cache=1", 'set "NO_CACHE": "1" and "FORWARD_CURSOR": "1" in the connection\'s extra'),
    "psqlodbc": (
        "usedeclarefetch=1",
        'set "UseDeclareFetch": "1" and "Fetch": "1000" in the connection\'s extra',
    ),
}
MOMENTS_IN_UTC = {  # where moments are compared, and come, in the session's time zone
    "PostgreSQL": "SET TIME ZONE 'UTC'",
    "Oracle": "ALTER SESSION SET TIME_ZONE = '+00:00'",
}
MYSQL = ("MySQL", "MariaDB")
SQL_SERVER = "Microsoft SQL Server"
WHOLE_SECONDS = 20  # characters of a timestamp up to its point
MICROSECONDS = 6  # digits


class OdbcDriver(Driver):
    """ODBC; a connection says which database it is to."""

    packages = ("pyodbc",)
    goes_on_after_a_failed_row = True

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self._mysql: MysqlSession | None = None
        self._cursor: Any = None
        self._digits = MICROSECONDS

    def begin(self, conn: Any) -> None:
        import pyodbc  # noqa: PLC0415 (may not be installed)

        database = str(conn.getinfo(pyodbc.SQL_DBMS_NAME))
        self._warn_if_all_rows_are_held(str(conn.getinfo(pyodbc.SQL_DRIVER_NAME)))
        if database in MYSQL:
            self._mysql = MysqlSession(self.hook, conn)
            self.text_cast = "CAST({column} AS CHAR)"
            for kind, read in OF_MYSQL.items():
                conn.add_output_converter(kind, read)
        elif database == SQL_SERVER:
            self.text_cast = "CONVERT(varchar(max), {column})"
            self.bytes_cast = "CONVERT(varchar(max), {column}, 2)"
            conn.add_output_converter(SS_TIMESTAMPOFFSET, _moment)
            conn.add_output_converter(SS_UDT, _place)
        elif database in MOMENTS_IN_UTC:
            with closing(conn.cursor()) as cursor:
                cursor.execute(MOMENTS_IN_UTC[database])
        self._digits = _digits_of_fractions(conn)

    def cursor(self, conn: Any) -> Any:
        self._cursor = conn.cursor()
        return self._cursor

    def cancel(self, conn: Any) -> None:  # noqa: ARG002 (its cursor is cancelled)
        if self._mysql is not None:
            self._mysql.kill()
        elif self._cursor is not None:
            with suppress(Exception):
                self._cursor.cancel()

    def close(self, conn: Any, *, is_read: bool) -> None:
        if not is_read:
            self.cancel(conn)
        conn.close()

    def is_final(self, error: Exception) -> bool:
        is_final = odbc_errors.is_final(error)
        return super().is_final(error) if is_final is None else is_final

    def moment(self, moment: datetime) -> Any:
        """Return a moment without its time zone, which ODBC has none of: in UTC, or that of the session.

        For MySQL it is a text, as other drivers send it: pyodbc cuts off the fraction of a second.
        """
        if self._mysql is not None:
            return self._mysql.moment(moment).isoformat(" ")
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        if moment.microsecond % 10 ** (MICROSECONDS - self._digits):
            log.warning(
                "The ODBC driver takes %s digits of a second's fraction and cuts off the others: rows "
                "between the parameter %s and what is left of it may be missed or come again. Load some "
                "seconds more, or set 'format' for the parameter and cast its text in the query.",
                self._digits,
                moment.isoformat(" "),
            )
        return moment

    def _warn_if_all_rows_are_held(self, library: str) -> None:
        for name, (setting, hint) in HOLDS_ALL_ROWS.items():
            if name not in library.lower():
                continue
            given = str(getattr(self.hook, "odbc_connection_string", "")).lower()
            if setting is None or setting not in given:
                log.warning(
                    "The ODBC driver %s holds all rows of the result in memory; where it is large, %s.",
                    library,
                    hint,
                )


def _digits_of_fractions(conn: Any) -> int:
    """Return how many digits of a second's fraction pyodbc sends: those that the driver's timestamps have."""
    import pyodbc  # noqa: PLC0415 (may not be installed)

    try:
        with closing(conn.cursor()) as cursor:
            size = int(cursor.getTypeInfo(pyodbc.SQL_TYPE_TIMESTAMP).fetchone().column_size)
    except Exception:  # a driver that does not tell
        return MICROSECONDS
    return min(max(size - WHOLE_SECONDS, 0), MICROSECONDS)


def _written(value: Any, form: struct.Struct, template: str) -> Any:
    """Return a date or time as its text, which drivers give, or what C has for it."""
    if isinstance(value, bytes | bytearray) and len(value) == form.size:
        return template.format(*form.unpack(value))
    return value


def _day(value: Any) -> Any:
    return mysql_values.day(_written(value, DATE, "{:04}-{:02}-{:02}"))


def _time(value: Any) -> Any:
    return mysql_values.text(_written(value, TIME, "{:02}:{:02}:{:02}"))


def _local_time(value: Any) -> Any:
    written = mysql_values.text(_written(value, TIMESTAMP, "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09}"))
    return mysql_values.local_time(written)


def _moment(value: bytes) -> datetime:
    """Return a ``datetimeoffset`` of SQL Server."""
    year, month, day, hour, minute, second, nanosecond, hours, minutes = TIMESTAMPOFFSET.unpack(value)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime(year, month, day, hour, minute, second, nanosecond // 1000, zone)


def _place(value: bytes) -> Unreadable:
    return Unreadable(
        "bytes of a geometry, geography or hierarchyid; write column.ToString() in the query", value
    )


def _bit(value: bytes) -> int:
    """Return a ``BIT(1)``, which comes as a byte, or as a digit from ``CASE``, ``IFNULL`` or a subquery."""
    return int(value) if value.isdigit() else int.from_bytes(value, "big")


OF_MYSQL = {SQL_BIT: _bit, SQL_TYPE_DATE: _day, SQL_TYPE_TIME: _time, SQL_TYPE_TIMESTAMP: _local_time}
