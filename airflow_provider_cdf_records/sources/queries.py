"""The rows of a database query, as they are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from sys import getsizeof
from types import NoneType
from typing import Any, Protocol

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark, Refusal
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.unreadable import UnreadableRow
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.iterables import text_size
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, FormatError

BYTES_AT_ONCE = 1 << 21  # of rows in memory, all their columns counted, in a chunk
ROWS_OF_A_FETCH = 250  # at most, since they may be larger than those before them; each may be a round trip
GROWTH = 4  # how many times the rows of one chunk the next may have: those that follow may be larger
FLAT = frozenset({str, int, float, bool, NoneType, Decimal, datetime, date, time, bytes, bytearray})
FAILED = "a row that could not be read"  # stands for it in the rejected-records file


class Cursor(Protocol):
    """The part of a DB-API cursor that is used here; its query is executed already."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns, each with its name first; some servers send them only with the first rows."""

    def fetchmany(self, size: int, /) -> Sequence[Any]:
        """Return the next rows, none at the end; an ``UnreadableRow`` for one that could not be read."""


class QuerySource:
    """The rows of a query, numbered from 1.

    As many are fetched at once as have little memory together: one at first, then more, fewer after large
    ones.

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
            fetching = _Fetching(cursor)
            rows, size = fetching.next_rows()
            columns = _columns(cursor)
            while rows:
                start, position = position + 1, position + len(rows)
                chunk = Chunk(range(start, position + 1), rows, Mark(position), columns, size=size)
                rows = []  # else they stay in memory while the next ones are fetched
                yield _with_refusals(chunk)
                del chunk
                rows, size = fetching.next_rows()

    def where(self, position: int) -> str:
        return f"row {position} of the query"

    def share(self) -> float | None:
        return None


class _Fetching:
    """Fetches as many rows for each chunk as the rows before them allow."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._count = 1 / GROWTH  # of the rows in the last chunk
        self._largest = 0  # bytes of a row
        self._has_ended = False

    def next_rows(self) -> tuple[list[Any], int]:
        """Return the rows of the next chunk, none at the end, and their bytes."""
        wanted = int(min(ROWS_AT_ONCE, GROWTH * self._count))
        rows: list[Any] = []
        size, largest = 0, self._largest
        self._largest = 0
        while len(rows) < wanted and size < BYTES_AT_ONCE and not self._has_ended:
            fitting = max(1, (BYTES_AT_ONCE - size) // max(1, largest))
            part = list(self._cursor.fetchmany(min(ROWS_OF_A_FETCH, wanted - len(rows), fitting)))
            largest_of_part, size_of_part = _sizes(part)
            largest = max(largest, largest_of_part)
            self._largest = max(self._largest, largest_of_part)
            size += size_of_part
            rows += part
            self._has_ended = not part
        self._count = len(rows)
        return rows, size


def _sizes(rows: list[Any]) -> tuple[int, int]:
    """Return the bytes of the largest row, and of all."""
    rows = [row for row in rows if type(row) is not UnreadableRow]
    measure = getsizeof if FLAT.issuperset(map(type, chain.from_iterable(rows))) else _size_of
    sizes = [sum(map(measure, row)) for row in rows]
    return max(sizes, default=0), sum(sizes)


def _size_of(value: Any) -> int:
    """Return the bytes of a value with all that is in it, about."""
    if isinstance(value, memoryview):
        return value.nbytes
    return getsizeof(value) if type(value) in FLAT else getsizeof(value) + text_size(value)


def _with_refusals(chunk: Chunk) -> Chunk:
    """Return a chunk whose rows that could not be read are refused."""
    if UnreadableRow not in set(map(type, chunk.rows)):
        return chunk
    pairs = list(zip(chunk.positions, chunk.rows, strict=True))
    read = [(position, row) for position, row in pairs if type(row) is not UnreadableRow]
    return chunk._replace(
        positions=[position for position, _ in read],
        rows=[row for _, row in read],
        refusals=[Refusal(at, FAILED, row.reason) for at, row in pairs if type(row) is UnreadableRow],
    )


def _columns(cursor: Cursor) -> Columns:
    if cursor.description is None:
        msg = "The query has no result; sql must be one SELECT."
        raise SourceError(msg)
    try:
        return checked_columns((column[0] for column in cursor.description), "result")
    except FormatError as error:
        msg = f"The query {error}"
        raise SourceError(msg) from None
