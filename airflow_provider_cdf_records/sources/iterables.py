"""Rows from Python: a list, a generator, or the lazy sequence of a mapped task's outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import chain, islice
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, SIZE_AT_ONCE

ITEMS_AT_ONCE = 64  # enough to be fast, and few enough that large ones take little memory
ROWS_AT_A_TIME = 20  # between two looks how large they are


class RecordsSource:
    """Rows of an iterable, whose items are rows or lists of rows."""

    def __init__(self, records: Iterable[Any]) -> None:
        if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
            msg = (
                f"records must be a list (or another iterable) of records, not a {type(records).__name__}"
                + ("; to load a file, use path." if isinstance(records, str) else ".")
            )
            raise SourceError(msg)
        self._records = records
        self._total = len(records) if isinstance(records, Sized) else None
        self._done = 0

    def __iter__(self) -> Iterator[Chunk]:
        position = 0
        rows = chain.from_iterable(
            item if isinstance(item, list | tuple) else (item,) for item in self._counted()
        )
        failures: list[Exception] = []
        while not failures and (chunk := taken(rows, ITEMS_AT_ONCE, failures)):
            end = position + len(chunk)
            yield Chunk(range(position, end), chunk, Mark(end - 1))
            position = end
        if failures:
            raise failures[0]

    def _counted(self) -> Iterator[Any]:
        for self._done, item in enumerate(self._records, start=1):  # noqa: B020
            yield item

    def where(self, position: int) -> str:
        return f"records[{position}]"

    def share(self) -> float | None:
        return self._done / self._total if self._total else None


def taken(rows: Iterator[Any], most: int, failures: list[Exception]) -> list[Any]:
    """Return the next rows, up to where they fail: what came before counts, and the failure is told later."""
    got: list[Any] = []
    try:
        got.extend(islice(rows, most))
    except Exception as error:
        failures.append(error)
    return got


def shown_size(row: Any) -> int:
    """Return about how many characters there are in a row; many for one that cannot be shown."""
    try:
        return len(str(row))
    except (ValueError, RecursionError):  # an integer of too many digits, or one that is nested too deeply
        return SIZE_AT_ONCE


def some(rows: Iterator[Any], failures: list[Exception], size_of: Callable[[Any], int]) -> list[Any]:
    """Return as many rows as a batch takes, or fewer where they are large, as far as every twentieth tells.

    :param size_of: the characters of a row.
    """
    got = taken(rows, ROWS_AT_A_TIME, failures)
    while not failures and 0 < len(got) < ROWS_AT_ONCE and len(got) * size_of(got[-1]) < SIZE_AT_ONCE:
        more = taken(rows, min(ROWS_AT_A_TIME, ROWS_AT_ONCE - len(got)), failures)
        if not more:
            break
        got += more
    return got
