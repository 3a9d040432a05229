"""PostgreSQL by psycopg (3)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from airflow_provider_cdf_records.hooks.databases.postgres import PostgresDriver
from airflow_provider_cdf_records.hooks.databases.postgres_types import (
    AS_TEXT,
    BEYOND,
    MOMENTS,
    NOT_UTF_8,
    TEXTS,
    refused,
)

CANCEL_WITHIN = 5.0  # seconds


class PsycopgDriver(PostgresDriver):
    """psycopg (3)."""

    packages = ("psycopg", "psycopg_pool")

    def named_cursor(self, conn: Any) -> Any:
        from psycopg.adapt import Loader  # noqa: PLC0415 (may not be installed)
        from psycopg.types.string import TextLoader  # noqa: PLC0415 (may not be installed)

        class Utf8Loader(Loader):
            def load(self, data: Any) -> Any:
                try:
                    return bytes(data).decode()
                except UnicodeDecodeError:
                    return refused(bytes(data), NOT_UTF_8)

        takes_any_bytes = conn.info.encoding == "ascii"  # as text: psycopg leaves them to us
        for oid in AS_TEXT:
            conn.adapters.register_loader(oid, Utf8Loader if takes_any_bytes else TextLoader)
        for oid in TEXTS if takes_any_bytes else ():
            conn.adapters.register_loader(oid, Utf8Loader)
        for oid in MOMENTS:
            conn.adapters.register_loader(oid, _safe(conn.adapters.get_loader(oid, 0), Loader))
        return conn.cursor("cdf_records")

    def usual_cursor(self, conn: Any) -> Any:
        from psycopg.rows import tuple_row  # noqa: PLC0415 (may not be installed)

        return conn.cursor(row_factory=tuple_row)

    def items_of(self, text: str, conn: Any) -> Any:
        loader = conn.adapters.get_loader(TEXTS[25], 0)
        return loader(TEXTS[25], conn).load(text.encode())

    def version(self, conn: Any) -> int:
        return int(conn.info.server_version)

    def cancel(self, conn: Any) -> None:
        with suppress(Exception):
            if hasattr(conn, "cancel_safe"):
                conn.cancel_safe(timeout=CANCEL_WITHIN)
            else:
                conn.cancel()


def _safe(usual: Any, base: type[Any]) -> type[Any]:
    """Return a loader that makes what the usual one cannot give an ``Unreadable``."""

    class SafeLoader(base):  # type: ignore[misc]
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._load = usual(oid, context).load

        def load(self, data: Any) -> Any:
            try:
                return self._load(data)
            except Exception:
                return refused(bytes(data), BEYOND)

    return SafeLoader
