"""The highest value of a column of a query's result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from math import isnan
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Columns
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources.queries import QuerySource
from airflow_provider_cdf_records.sources.source import open_chunks

TYPES = (datetime, date, int, Decimal, str, float, bytes)
ALWAYS_VALUES = frozenset({datetime, date, int, str, bytes})  # the others may be NaN


class Highest:
    """The highest value of a column in the rows seen so far.

    Rows without a value there (``None``, NaN, one that cannot be read) are counted, and left out.

    :param column: its name, the argument ``watermark``.
    :param since: a value that those of the column are compared with, if there is any.
    :ivar value: ``None`` as long as there is none.
    :ivar without: how many rows have no value.
    """

    def __init__(self, column: str, since: Any = None) -> None:
        self.column = column
        self.value: Any = None
        self.without = 0
        self._since = since
        self._columns: Columns | None = None
        self._index = 0

    def see(self, chunk: Chunk) -> None:
        """Take the rows of a chunk into account.

        :raises SourceError: when there is no such column, or when its values have no order.
        """
        columns = chunk.columns or ()
        if columns != self._columns:
            self._index = self._index_in(columns)
            self._columns = columns
        values = [row[self._index] for row in chunk.rows]
        present = [value for value in values if value is not None]
        if not ALWAYS_VALUES.issuperset(map(type, present)):
            present = [value for value in present if not _is_missing(value)]
            self._check_types(present)
        self.without += len(values) - len(present)
        if not present:
            return
        known = [value for value in (self.value, self._since) if value is not None]
        try:
            highest = max(present)
            for value in known:
                highest > value  # noqa: B015 (fails where they have no order)
        except TypeError:
            kinds = sorted({type(value).__name__ for value in [*present, *known]})
            what = f"values of several kinds ({', '.join(kinds)})"
            if len(kinds) == 1:
                what = "values with and without a time zone"
            msg = (
                f"watermark column {self.column!r} has {what}, that cannot be compared with each other or "
                "with the one that is kept. Make them one kind in the query, by a cast; if the column has "
                "changed its type, delete the watermark that is kept."
            )
            raise SourceError(msg) from None
        self.value = highest if self.value is None else max(self.value, highest)

    def _index_in(self, columns: Columns) -> int:
        if columns.count(self.column) == 1:
            return columns.index(self.column)
        problem = "several columns" if self.column in columns else "no column"
        msg = (
            f"watermark must name one column of the query's result, got {self.column!r}: there "
            f"{'are' if self.column in columns else 'is'} {problem} of that name; "
            f"the result has {listed(columns)}."
        )
        raise SourceError(msg)

    def _check_types(self, values: list[Any]) -> None:
        for value in values:
            if not isinstance(value, TYPES) or isinstance(value, bool):
                msg = (
                    f"watermark column {self.column!r} has a value of type {type(value).__name__}; it must "
                    "have timestamps, dates, numbers, texts or binary values. Cast it in the query."
                )
                raise SourceError(msg)


def _is_missing(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, Unreadable) or (isinstance(value, float) and isnan(value))


class WatchedQuery:
    """A query whose rows are looked at as they are fetched.

    :param on_loaded: called when all rows are loaded.
    """

    def __init__(self, query: QuerySource, highest: Highest, on_loaded: Callable[[Highest], None]) -> None:
        self._query = query
        self.highest = highest
        self._on_loaded = on_loaded
        self.where = query.where
        self.share = query.share
        self.cancel = query.cancel

    def __iter__(self) -> Iterator[Chunk]:
        with open_chunks(self._query) as chunks:
            for chunk in chunks:
                self.highest.see(chunk)
                yield chunk

    def loaded(self) -> None:
        """Note that all rows are loaded."""
        self._on_loaded(self.highest)
