"""The rows of a cursor: values that mean the same as in the database, and failures that say where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.errors import QueryError, is_of_a_value
from airflow_provider_cdf_records.hooks.databases.values import TAKEN, exact
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.records.unreadable import UnreadableRow

MOST_FAILURES = 1000  # of rows in succession: then the cursor does not go on

Values = Sequence[Any]


class Rows:
    """Fetches the rows of a query that is executed.

    :param failure: what a message of a failure begins with.
    """

    def __init__(self, cursor: Any, driver: Driver, failure: str) -> None:
        self._cursor = cursor
        self._driver = driver
        self._failure = failure
        self._fetched = 0
        self._failed = 0  # rows in succession
        self._names: list[str] | None = None
        self._readers: Mapping[int, Any] = {}

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns, as DB-API has them."""
        description: Sequence[Sequence[Any]] | None = self._cursor.description
        return description

    def fetchmany(self, size: int, /) -> list[Values | UnreadableRow]:
        """Return the next rows, none at the end; one that the driver cannot give is an ``UnreadableRow``.

        :raises QueryError: for a value that the driver cannot give and that ends its result.
        """
        rows = self._fetch_singly(size) if self._driver.goes_on_after_a_failed_row else self._fetch(size)
        if self._names is None and self.description is not None:
            self._names = [str(column[0]) for column in self.description]
            self._readers = self._driver.readers(self._cursor)
        self._fetched += len(rows)
        return self._exact(rows)

    def _fetch(self, size: int) -> list[Any]:
        try:
            rows = list(self._cursor.fetchmany(size))
        except Exception as error:
            if not is_of_a_value(error):
                raise
            first, last = self._fetched + 1, self._fetched + size
            where = f"row {first:,}" if size == 1 else f"one of the rows {first:,} to {last:,}"
            msg = f"{self._failure} at {where}: {self._explained(error)}."
            raise QueryError(msg, retryable=False) from None
        # a connection can be set to return mappings
        return [tuple(row.values()) for row in rows] if rows and isinstance(rows[0], Mapping) else rows

    def _fetch_singly(self, size: int) -> list[Any]:
        rows: list[Any] = []
        fetchone = self._cursor.fetchone
        while len(rows) < size:
            try:
                row = fetchone()
            except Exception as error:
                if not is_of_a_value(error) or self._failed >= MOST_FAILURES:
                    raise
                self._failed += 1
                rows.append(UnreadableRow(f"the driver cannot give the row: {self._explained(error)}"))
                continue
            if row is None:
                break
            self._failed = 0
            rows.append(tuple(row.values()) if isinstance(row, Mapping) else row)
        return rows

    def _explained(self, error: Exception) -> str:
        columns = self.description
        names = listed([str(column[0]) for column in columns], str) if columns else "which are not known"
        cast = self._driver.text_cast.format(column="column")
        what = " ".join(display(error, str).split()).rstrip(".")
        return (
            f"{type(error).__name__}: {what}; for the column that holds the value, write {cast} in the query "
            f"(its columns: {names})"
        )

    def _exact(self, rows: list[Any]) -> list[Any]:
        if not rows:
            return rows
        given = [row for row in rows if type(row) is not UnreadableRow]
        if not self._readers and TAKEN.issuperset(map(type, chain.from_iterable(given))):
            return rows
        return [row if type(row) is UnreadableRow else self._exact_row(row) for row in rows]

    def _exact_row(self, row: Values) -> Values:
        values = list(row)
        for number, read in self._readers.items():
            if values[number] is not None:
                values[number] = read(values[number])
        names = self._names or []
        return tuple(
            value if type(value) in TAKEN else exact(value, self._driver, name)
            for name, value in zip(names, values, strict=False)
        )
