"""Rows from Python: a list, a generator, or the lazy sequence of a mapped task's outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import chain, islice
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, SIZE_AT_ONCE

ROWS_BETWEEN_SIZES = 20  # one row of this many is measured


class RecordsSource:
    """Rows of an iterable, whose items are rows or lists of rows."""

    def __init__(self, records: Iterable[Any]) -> None:
        if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
            msg = f"records must be a list (or another iterable) of records, got {type(records).__name__}" + (
                "; to load a file, use path." if isinstance(records, str) else "."
            )
            raise SourceError(msg)
        self._records = records
        self._total = len(records) if isinstance(records, Sized) else None
        self._done = 0
        self._limit: int | None = None

    def __iter__(self) -> Iterator[Chunk]:
        position = 0
        every_row = chain.from_iterable(
            item if issubclass(type(item), list | tuple) else (item,) for item in self._counted()
        )
        rows = islice(every_row, self._limit)
        failures: list[Exception] = []
        while not failures and (chunk := next_rows(rows, failures, text_size)):
            end = position + len(chunk)
            yield Chunk(range(position, end), chunk, Mark(end - 1))
            position = end
        if failures:
            raise failures[0]

    def _counted(self) -> Iterator[Any]:
        for self._done, item in enumerate(self._records, start=1):  # noqa: B020
            yield item

    def limit_rows(self, limit: int) -> None:
        """Take no more than the first rows from the iterable."""
        self._limit = limit

    def where(self, position: int) -> str:
        return f"records[{position}]"

    def row_count(self) -> int | None:
        """Return the length of the list; ``None`` for an iterable without one."""
        return self._total

    def share(self) -> float | None:
        return self._done / self._total if self._total else None


def take_until_failure(rows: Iterator[Any], count: int, failures: list[Exception]) -> list[Any]:
    """Return the next rows, fewer where they fail: the caller delivers those before it raises the failure.

    :param failures: where the failure is added.
    """
    taken: list[Any] = []
    try:
        taken.extend(islice(rows, count))
    except Exception as error:
        failures.append(error)
    return taken


def text_size(row: Any) -> int:
    """Return the length of a row as text; a large number for one that cannot be converted to text."""
    try:
        return len(str(row))
    except MemoryError:
        raise
    except Exception:  # an integer of too many digits, too deep a nesting, or whatever the row's class does
        return SIZE_AT_ONCE


def next_rows(rows: Iterator[Any], failures: list[Exception], size_of: Callable[[Any], int]) -> list[Any]:
    """Return as many rows as a batch takes, or fewer where they are large or fail.

    Only every twentieth row is measured.

    :param failures: where the failure is added.
    :param size_of: measures a row, in characters.
    """
    got = take_until_failure(rows, ROWS_BETWEEN_SIZES, failures)
    while not failures and 0 < len(got) < ROWS_AT_ONCE and len(got) * size_of(got[-1]) < SIZE_AT_ONCE:
        more = take_until_failure(rows, min(ROWS_BETWEEN_SIZES, ROWS_AT_ONCE - len(got)), failures)
        if not more:
            break
        got += more
    return got
