"""The rows of a database query, as they are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.iterables import text_size
from airflow_provider_cdf_records.sources.source import FormatError, rows_at_once

FIRST_ROWS = 10  # fetched first, to see how large rows are


class Cursor(Protocol):
    """The part of a DB-API cursor that is used here; its query is executed already."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns, each with its name first; some servers send them only with the first rows."""

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        """Return the next rows, none at the end."""


class QuerySource:
    """The rows of a query, numbered from 1.

    :param execute: executes the query, and closes all that it opened when the context is left.
    :param cancel: makes a running call of the database return soon, if it can; may be called by any thread,
        again and again.
    """

    def __init__(
        self, execute: Callable[[], AbstractContextManager[Cursor]], cancel: Callable[[], None] = lambda: None
    ) -> None:
        self._execute = execute
        self.cancel = cancel

    def __iter__(self) -> Iterator[Chunk]:
        position = 0
        with self._execute() as cursor:
            rows = list(cursor.fetchmany(FIRST_ROWS))
            columns = _columns(cursor)
            while rows:
                if isinstance(rows[0], Mapping):  # a connection can be set to return mappings
                    rows = [tuple(row.values()) for row in rows]
                start, position = position + 1, position + len(rows)
                size = rows_at_once(text_size(rows[-1]))
                yield Chunk(range(start, position + 1), rows, Mark(position), columns)
                rows = list(cursor.fetchmany(size))

    def where(self, position: int) -> str:
        return f"row {position} of the query"

    def share(self) -> float | None:
        return None


def _columns(cursor: Cursor) -> Columns:
    if cursor.description is None:
        msg = "The query has no result; sql must be one SELECT."
        raise SourceError(msg)
    try:
        return checked_columns((column[0] for column in cursor.description), "result")
    except FormatError as error:
        msg = f"The query {error}"
        raise SourceError(msg) from None
