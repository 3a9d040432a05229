"""PostgreSQL, by psycopg and psycopg2."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import DriverThatCancels


class PostgresDriver(DriverThatCancels):
    """Leaves the rows on the server by a named cursor."""

    packages = ("psycopg", "psycopg2")

    def cursor(self, conn: Any) -> Any:
        return conn.cursor("cdf_records")
