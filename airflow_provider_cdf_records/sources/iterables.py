"""Rows from Python: a list, a generator, a frame, or the lazy sequence of a mapped task's outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import groupby, islice
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.sources import frames
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, ROWS_TO_PEEK, SIZE_AT_ONCE

ROWS_OR_LISTS = (Mapping, bytes, list, tuple)
ROWS_BETWEEN_SIZES = 20  # one row of this many is measured


class RecordsSource:
    """Rows of an iterable, whose items are rows, lists of rows or frames; or the rows of one frame.

    :raises SourceError: when it is something else.
    """

    def __init__(self, records: Any) -> None:
        self._limit: int | None = None
        self._done = 0
        self._frame_rows: int | None = None
        self._total: int | None = None
        if frames.is_frame(records):
            self._total = self._frame_rows = frames.row_count(records)
            records = [records]
        elif isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
            got = _described(records)
            msg = f"records must be a list (or another iterable) of records, or a frame, got {got}."
            raise SourceError(msg)
        elif isinstance(records, Sized):
            self._total = len(records)
        self._records = records
        self._position = 0

    def __iter__(self) -> Iterator[Chunk]:
        self._position = 0
        for are_frames, items in groupby(_flattened(self._counted()), _is_frame):
            if self._is_full():
                return
            if not are_frames:
                yield from self._rows(items)
                continue
            for frame in items:
                yield from self._frame(frame)

    def _rows(self, rows: Iterator[Any]) -> Iterator[Chunk]:
        if self._limit is not None:
            rows = islice(rows, max(0, self._limit - self._position))
        failures: list[Exception] = []
        while not failures and (chunk := next_rows(rows, failures, text_size)):
            start, self._position = self._position, self._position + len(chunk)
            if not start:
                _check_first(chunk)
            yield Chunk(range(start, self._position), chunk, Mark(self._position - 1))
        if failures:
            raise failures[0]

    def _frame(self, frame: Any) -> Iterator[Chunk]:
        for chunk in frames.chunks_of(frame, self._position):
            if self._is_full():
                return
            rows = chunk.rows if self._limit is None else chunk.rows[: self._limit - self._position]
            start, self._position = self._position, self._position + len(rows)
            yield chunk._replace(
                positions=range(start, self._position), rows=rows, end=Mark(self._position - 1)
            )

    def _is_full(self) -> bool:
        return self._limit is not None and self._position >= self._limit

    def _counted(self) -> Iterator[Any]:
        for self._done, item in enumerate(self._records, start=1):  # noqa: B020
            yield item

    def limit_rows(self, limit: int) -> None:
        """Take no more than the first rows."""
        self._limit = limit

    def peek(self) -> list[Any]:
        """Return the first rows of a list; whatever else there is may be read only once, or compute."""
        rows = self._records[:ROWS_TO_PEEK] if type(self._records) is list else []
        return [row for row in rows if type(row) in (dict, bytes)]

    def where(self, position: int) -> str:
        return f"records[{position}]"

    def row_count(self) -> int | None:
        """Return the length of the list or frame; ``None`` where it is not known."""
        return self._total

    def share(self) -> float | None:
        done = self._done if self._frame_rows is None else self._position
        return done / self._total if self._total else None


def _flattened(items: Iterator[Any]) -> Iterator[Any]:
    """Yield rows and frames, those in lists too."""
    for item in items:
        kind = type(item)
        if kind is not dict and issubclass(kind, list | tuple) and _holds_rows(item):
            yield from item
        else:
            yield item


def _holds_rows(items: Any) -> bool:
    """Whether a list or tuple is a list of rows, and not a row without names."""
    return any(isinstance(item, ROWS_OR_LISTS) for item in items) or all(map(frames.is_frame, items))


def _is_frame(item: Any) -> bool:
    return type(item) is not dict and frames.is_frame(item)


def _check_first(rows: list[Any]) -> None:
    """Refuse records of which the first ones are no rows at all, rather than one by one.

    :raises SourceError: saying how to make rows of them.
    """
    if any(isinstance(row, Mapping | bytes) for row in rows):
        return
    row = rows[0]
    if hasattr(row, "_asdict"):
        hint = "make dicts of named tuples: row._asdict()"
    elif isinstance(row, list | tuple):
        hint = "name the columns: dict(zip(names, row))"
    elif hasattr(getattr(row, "dtype", None), "names"):
        hint = "make a frame of the array: pandas.DataFrame(array)"
    elif isinstance(row, str):
        hint = "decode JSON: json.loads(row); to load files, use path"
    else:
        hint = "make a dict of each"
    article = "an" if type(row).__name__[0] in "aeiou" else "a"
    msg = (
        f"records must be rows (dicts) or frames, got {article} {type(row).__name__}: "
        f"{shortened(display(row))}; {hint}."
    )
    raise SourceError(msg)


def _described(records: object) -> str:
    name = type(records).__name__
    hints = {
        "str": "; to load a file, use path",
        "LazyFrame": "; collect it first",
        "dict": "; put it in a list",
    }
    return name + hints.get(name, "")


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
