"""Tells where SQLite may compare a moment with texts of another form, since it compares letter by letter."""

from __future__ import annotations

import logging
import re
import sqlite3
from contextlib import suppress
from typing import Any

log = logging.getLogger(__name__)

ROWS_SEEN = 1000  # of each table, the first ones
OF_ANOTHER_FORM = "(c GLOB '{0}T*' OR c GLOB '{0} *[+-]??:??' AND c NOT GLOB '*[+-]00:00')".format(
    "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
)
FORM = "SELECT c FROM (SELECT {column} AS c FROM {database}.{table} LIMIT {rows}) WHERE {other} LIMIT 1"
FUNCTIONS = re.compile(r"\b(?:date|time|datetime|julianday|unixepoch|strftime)\s*\(", re.IGNORECASE)


class CursorOfMoments(sqlite3.Cursor):
    """Warns of columns in the query whose texts a moment does not compare with."""

    def execute(self, sql: str, parameters: Any = ()) -> CursorOfMoments:
        if not FUNCTIONS.search(sql):  # which read all forms, and write the one of the parameter
            with suppress(sqlite3.Error):  # the query itself says what is wrong
                self._warn(sql, parameters)
        super().execute(sql, parameters)
        return self

    def _warn(self, sql: str, parameters: Any) -> None:
        for database, table, column in self._columns_read(sql, parameters):
            query = FORM.format(
                column=_quoted(column),
                database=_quoted(database),
                table=_quoted(table),
                rows=ROWS_SEEN,
                other=OF_ANOTHER_FORM,
            )
            found = super().execute(query).fetchone()
            if found is not None:
                log.warning(
                    "Column %s.%s holds texts such as %r, and SQLite compares letter by letter: if a moment "
                    "of the parameters is compared with it, rows may be missed. Write datetime(%s) in the "
                    "query, or set 'format' for the parameter.",
                    table,
                    column,
                    found[0],
                    column,
                )

    def _columns_read(self, sql: str, parameters: Any) -> list[tuple[str, str, str]]:
        """Return the columns that a query reads: database, table and column."""
        read: dict[tuple[str, str, str], None] = {}

        def note(action: int, table: Any, column: Any, database: Any, _trigger: Any) -> int:
            if action == sqlite3.SQLITE_READ and table and column and database:
                read[database, table, column] = None
            return sqlite3.SQLITE_OK

        self.connection.set_authorizer(note)
        try:
            super().execute(f"EXPLAIN {sql}", parameters)
        finally:
            self.connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
        return list(read)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
