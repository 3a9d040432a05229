"""PostgreSQL by psycopg2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Read
from airflow_provider_cdf_records.hooks.databases.postgres import PostgresDriver
from airflow_provider_cdf_records.hooks.databases.postgres_types import (
    AS_TEXT,
    BEYOND,
    MOMENTS,
    NOT_UTF_8,
    TEXTS,
    refused,
)

INFINITIES = ("infinity", "-infinity")  # of which psycopg2 makes the years 9999 and 1


class Psycopg2Driver(PostgresDriver):
    """psycopg2."""

    packages = ("psycopg2",)

    def named_cursor(self, conn: Any) -> Any:
        from psycopg2 import extensions  # noqa: PLC0415 (may not be installed)

        usual = (extensions.PYDATE, extensions.PYDATETIME, extensions.PYDATETIMETZ)
        read = {oid: _safe(load) for oid, load in zip(MOMENTS, usual, strict=True)}
        for oid, array in (AS_TEXT | MOMENTS).items():
            caster = extensions.new_type((oid,), "CDF", read.get(oid, lambda value, _: value))
            extensions.register_type(caster, conn)
            extensions.register_type(extensions.new_array_type((array,), "CDFARRAY", caster), conn)
        if conn.encoding == "SQLASCII":  # of a database that takes any bytes for text
            extensions.register_type(extensions.BYTES, conn)
        return conn.cursor("cdf_records")

    def readers(self, cursor: Any) -> Mapping[int, Read]:
        readers = dict(super().readers(cursor))
        for number, column in enumerate(cursor.description):
            if column[1] in TEXTS:
                readers.setdefault(number, _decoded)
        return readers

    def usual_cursor(self, conn: Any) -> Any:
        from psycopg2 import extensions  # noqa: PLC0415 (may not be installed)

        return conn.cursor(cursor_factory=extensions.cursor)

    def items_of(self, text: str, conn: Any) -> Any:
        from psycopg2 import extensions  # noqa: PLC0415 (may not be installed)

        with self.usual_cursor(conn) as cursor:
            return extensions.UNICODEARRAY(text, cursor)

    def version(self, conn: Any) -> int:
        return int(conn.server_version)


def _safe(load: Any) -> Any:
    """Return a typecaster that makes what the usual one cannot give an ``Unreadable``."""

    def cast(value: str | None, cursor: Any) -> Any:
        if value is None:
            return None
        if value in INFINITIES:
            return refused(value, BEYOND)
        try:
            return load(value, cursor)
        except Exception:
            return refused(value, BEYOND)

    return cast


def _decoded(value: Any) -> Any:
    """Return the text of bytes, or what it is instead of bytes."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return refused(value, NOT_UTF_8)
