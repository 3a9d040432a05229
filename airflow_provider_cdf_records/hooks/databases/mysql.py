"""MySQL and MariaDB, by mysqlclient, mysql-connector-python and PyMySQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone, tzinfo
from typing import Any

from airflow_provider_cdf_records.hooks.databases import mysql_values
from airflow_provider_cdf_records.hooks.databases.driver import Driver, Read
from airflow_provider_cdf_records.hooks.databases.mysql_errors import is_final_number
from airflow_provider_cdf_records.hooks.databases.mysql_session import MysqlSession
from airflow_provider_cdf_records.hooks.databases.second_connection import number_of
from airflow_provider_cdf_records.records.unreadable import Unreadable

BIT, GEOMETRY = 16, 255  # codes of types
ALL_CHARACTERS = "utf8mb4"  # the connection's "utf8" has "?" for some


class MysqlDriver(Driver):
    """MySQL and MariaDB."""

    text_cast = "CAST({column} AS CHAR)"

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self._session: MysqlSession | None = None

    def begin(self, conn: Any) -> None:
        self._session = MysqlSession(self.hook, conn)

    @property
    def time_zone(self) -> tzinfo:
        """The time zone of the session."""
        return timezone.utc if self._session is None else self._session.time_zone

    def readers(self, cursor: Any) -> Mapping[int, Read]:
        readers = {}
        for number, (name, kind, _, length, *_) in enumerate(cursor.description or ()):
            if kind == GEOMETRY:
                readers[number] = _place_in(name)
            elif kind == BIT:
                readers[number] = mysql_values.bits_in(name, length)
        return readers

    def cancel(self, conn: Any) -> None:  # noqa: ARG002 (which another thread uses)
        if self._session is not None:
            self._session.kill()

    def close(self, conn: Any, *, is_read: bool) -> None:
        """Close a connection; the server ends what is left of its result, which would be read otherwise."""
        if not is_read:
            self.cancel(conn)
        conn.close()

    def is_final(self, error: Exception) -> bool:
        is_final = is_final_number(number_of(error))
        return super().is_final(error) if is_final is None else is_final

    def moment(self, moment: datetime) -> Any:
        return moment if self._session is None else self._session.moment(moment)


class MysqlclientDriver(MysqlDriver):
    """mysqlclient, whose usual cursor holds all rows in memory."""

    packages = ("MySQLdb",)

    def cursor(self, conn: Any) -> Any:
        from MySQLdb.constants import FIELD_TYPE  # noqa: PLC0415 (may not be installed)
        from MySQLdb.cursors import SSCursor  # noqa: PLC0415

        if conn.character_set_name() != ALL_CHARACTERS:
            conn.set_character_set(ALL_CHARACTERS)
        conn.converter.update(_converters(FIELD_TYPE, self.time_zone))
        return conn.cursor(SSCursor)


class PymysqlDriver(MysqlDriver):
    """PyMySQL, whose usual cursor holds all rows in memory."""

    packages = ("pymysql",)
    _cursor: Any = None

    def cursor(self, conn: Any) -> Any:
        from pymysql.constants import FIELD_TYPE  # noqa: PLC0415 (may not be installed)
        from pymysql.cursors import SSCursor  # noqa: PLC0415

        if conn.charset != ALL_CHARACTERS:
            conn.set_character_set(ALL_CHARACTERS)
        conn.decoders.update(_converters(FIELD_TYPE, self.time_zone))
        self._cursor = conn.cursor(SSCursor)
        return self._cursor

    def close(self, conn: Any, *, is_read: bool) -> None:
        super().close(conn, is_read=is_read)
        result = getattr(self._cursor, "_result", None)
        if result is not None:  # when it is deleted it would read on, and tell of the lost connection
            result.unbuffered_active = False


class MysqlConnectorDriver(MysqlDriver):
    """mysql-connector-python."""

    packages = ("mysql",)

    def cursor(self, conn: Any) -> Any:
        converter = _converter_class(self.time_zone)
        if hasattr(type(conn), "converter_class"):
            conn.converter_class = converter
        else:  # an old version
            conn.set_converter_class(converter)
        return conn.cursor(buffered=False, raw=False, dictionary=False)


def _place_in(column: str) -> Read:
    def place(value: Any) -> Unreadable:
        return Unreadable(f"bytes of a place; write ST_AsText({column}) in the query", value)

    return place


def _converters(types: Any, time_zone: tzinfo) -> dict[int, Any]:
    return {
        types.DATE: mysql_values.day,
        types.DATETIME: mysql_values.local_time,
        types.TIMESTAMP: mysql_values.moment_in(time_zone),
        types.TIME: mysql_values.text,
    }


def _converter_class(time_zone: tzinfo) -> type[Any]:
    """Return what mysql-connector-python makes values by; its methods are named after the types."""
    from mysql.connector.conversion import MySQLConverter  # noqa: PLC0415 (may not be installed)

    moment = mysql_values.moment_in(time_zone)

    class Converter(MySQLConverter):  # type: ignore[misc]
        def _date_to_python(self, value: Any, _column: Any = None) -> Any:
            return mysql_values.day(value)

        def _datetime_to_python(self, value: Any, _column: Any = None) -> Any:
            return mysql_values.local_time(value)

        def _timestamp_to_python(self, value: Any, _column: Any = None) -> Any:
            return moment(value)

        def _time_to_python(self, value: Any, _column: Any = None) -> Any:
            return mysql_values.text(value)

        def _set_to_python(self, value: Any, _column: Any = None) -> Any:
            return mysql_values.text(value)

        def _bit_to_python(self, value: Any, _column: Any = None) -> Any:
            return bytes(value)

        def _geometry_to_python(self, value: Any, _column: Any = None) -> Any:
            return bytes(value)

    return Converter
