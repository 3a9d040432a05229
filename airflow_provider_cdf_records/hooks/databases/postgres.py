"""PostgreSQL, by psycopg and psycopg2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import DriverThatCancels, Read
from airflow_provider_cdf_records.hooks.databases.postgres_types import (
    CATALOG,
    KNOWN,
    Type,
    reader_of,
    unknown_oids,
)

FINAL_CLASSES = frozenset(  # of SQLSTATE: what the query, its parameters or the connection have to change
    {"0A", "20", "21", "22", "23", "25", "26", "28", "2F", "34", "39", "3B", "3D", "3F", "42", "44", "54"}
)
PASSING_STATES = frozenset({"25P03", "25P04"})  # transactions that took too long
CONNECTING_TO = "connection to server "
# How PostgreSQL and libpq refuse a connection for good; neither driver gives an SQLSTATE then. In another
# language it is worth a retry, which does no harm.
REFUSED_FOR_GOOD = re.compile(
    r'authentication failed|no password supplied|(?:role|database) ".*" does not exist'
    r"|is not permitted to log in"
    r"|permission denied for database|no pg_hba\.conf entry|server does not support SSL"
    r"|certificate verify failed|server certificate for|invalid (?:connection option|port number|\S+ value)"
)
FIRST_WITH_CATEGORIES = 90000  # the version whose pg_type has them; Redshift says that it is 8.0
IN_UTC = (
    "SELECT set_config('TimeZone', 'UTC', true) FROM pg_catalog.pg_settings "
    "WHERE name = 'TimeZone' AND source <> 'client'"
)


class PostgresDriver(DriverThatCancels):
    """Leaves the rows on the server by a named cursor, and takes from it what a value means in PostgreSQL."""

    text_cast = "{column}::text"
    bytes_cast = "encode({column}, 'hex')"

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self._has_moments = False

    def cursor(self, conn: Any) -> Any:
        if conn.autocommit:
            conn.autocommit = False  # the cursor needs a transaction
        if self._has_moments and self.version(conn) >= FIRST_WITH_CATEGORIES:
            with self.usual_cursor(conn) as cursor:
                cursor.execute(IN_UTC)
        return self.named_cursor(conn)

    def named_cursor(self, conn: Any) -> Any:
        """Return a cursor on the server that gives texts, or moments, for what the driver would change."""
        raise NotImplementedError

    def usual_cursor(self, conn: Any) -> Any:
        """Return a cursor with rows as tuples, for a query of the driver's own."""
        raise NotImplementedError

    def items_of(self, text: str, conn: Any) -> Any:
        """Return the items of an array as texts, in lists."""
        raise NotImplementedError

    def version(self, conn: Any) -> int:
        """Return the server's version, such as 150004."""
        raise NotImplementedError

    def readers(self, cursor: Any) -> Mapping[int, Read]:
        conn = cursor.connection
        columns = [(str(column[0]), int(column[1])) for column in cursor.description]
        types = self._types({oid for _, oid in columns}, conn)
        found = {
            number: reader_of(oid, types, name, lambda text: self.items_of(text, conn))
            for number, (name, oid) in enumerate(columns)
        }
        return {number: read for number, read in found.items() if read is not None}

    def _types(self, oids: Iterable[int], conn: Any) -> Mapping[int, Type]:
        types = dict(KNOWN)
        if self.version(conn) < FIRST_WITH_CATEGORIES:
            return types
        with self.usual_cursor(conn) as cursor:
            while unknown := unknown_oids(oids, types):
                cursor.execute(CATALOG.format(", ".join(map(str, sorted(unknown)))))
                types |= {row[0]: Type(*row) for row in cursor.fetchall()}
                types |= {oid: Type(oid, str(oid)) for oid in unknown - types.keys()}
        return types

    def moment(self, moment: datetime) -> Any:
        """Return the moment, in whose transaction columns without a time zone are compared as UTC.

        Not where the connection itself asks for a time zone, such as by ``"options": "-c timezone=..."``.
        """
        self._has_moments |= moment.tzinfo is not None
        return moment

    def date(self, day: date) -> Any:
        self._has_moments = True  # in columns with a time zone, a day begins where UTC's does
        return day

    def is_final(self, error: Exception) -> bool:
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if state:
            return state[:2] in FINAL_CLASSES and state not in PASSING_STATES
        attempts = str(error).split(CONNECTING_TO)
        attempts = attempts[1:] or attempts  # a name may stand for several addresses
        return all(map(REFUSED_FOR_GOOD.search, attempts)) or super().is_final(error)
