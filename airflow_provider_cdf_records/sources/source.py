"""The interface of sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol, runtime_checkable

from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Row

ROWS_AT_ONCE = 1000  # in a chunk
SIZE_AT_ONCE = 1 << 22  # characters in a chunk of rows that are not read as bytes
BYTES_AT_ONCE = 1 << 18  # of a file of lines, in a chunk
ROWS_TO_PEEK = 20
START = Mark(-1)  # before the first row, whether rows are counted from 0 or from 1


def rows_at_once(row_size: float) -> int:
    """Return how many rows of about that size, in bytes or characters, go into a chunk."""
    return int(min(ROWS_AT_ONCE, max(1, SIZE_AT_ONCE // max(1, row_size))))


class FormatError(ValueError):
    """A file that is not of the format it is read as. The caller adds the path to the message."""


class Source(Protocol):
    """Rows with their positions.

    One thread iterates over the source, while others call ``where`` and ``share``.
    """

    def __iter__(self) -> Iterator[Chunk]:
        """Yield every row in order, in chunks."""

    def where(self, position: int) -> str:
        """Return a position in words."""

    def share(self) -> float | None:
        """Return how much has been read, from 0 to 1; ``None`` where the size is not known."""


class CountedSource(Source, Protocol):
    """A source that may know the number of its rows before it is read."""

    def row_count(self) -> int | None:
        """Return how many rows there are at least; ``None`` where that is not known."""


class PeekableSource(Source, Protocol):
    """A source whose first rows may be known before it is read."""

    def peek(self) -> Sequence[Row]:
        """Return a few rows, as they are; none where they would have to be waited for, or cannot be read."""


class CancellableSource(Source, Protocol):
    """A source whose reading can block for long, in a call that no signal interrupts."""

    def cancel(self) -> None:
        """Make a read that blocks return soon, where that is possible.

        Any thread may call this, again and again, also when nothing is read.
        """


@runtime_checkable
class ResumableSource(Source, Protocol):
    """A source that the next try can resume."""

    def fingerprint(self) -> dict[str, Any]:
        """Return plain JSON that differs for another source, and for this one after a change."""

    def resume_after(self, mark: Mark) -> None:
        """Leave out all before a mark."""


class WatchedSource(Source, Protocol):
    """A source of what others may change while it is read."""

    def check_unchanged(self) -> None:
        """Check that what is being read has not changed since it was opened.

        :raises FileChangedError: when it has.
        """


def check_unchanged(source: Source) -> None:
    """Check that what a source is reading has not changed, where the source can tell.

    :raises FileChangedError: when it has.
    """
    check = getattr(source, "check_unchanged", None)
    if check is not None:
        check()


class KeepingSource(Source, Protocol):
    """A source that keeps something until the load has ended, or for the next one."""

    def loaded(self) -> None:
        """Note that all rows are loaded; an error fails the load."""

    def discard(self) -> None:
        """Note that the load has failed, and that no try will go on with it."""


class PreparedSource(Source, Protocol):
    """A source that works for long before it has the first row."""

    def progress(self) -> str | None:
        """Return how far that is, in words; ``None`` when rows come."""


@contextmanager
def open_chunks(source: Source) -> Iterator[Iterator[Chunk]]:
    """Return the chunks of a source, which lets go of what it holds when the context is left."""
    chunks = iter(source)
    try:
        yield chunks
    finally:
        close = getattr(chunks, "close", None)  # generators have it, other iterators may not
        if close is not None:
            close()


def tell(source: Source, event: Literal["loaded", "discard"]) -> None:
    """Call a method of a source, if it is a :class:`KeepingSource`."""
    method = getattr(source, event, None)
    if method is not None:
        method()


def rows_to_peek(source: Source) -> Sequence[Row]:
    """Return a few of the first rows of a source, as far as it knows them before it is read."""
    peek = getattr(source, "peek", None)  # sources of users need not have it
    rows: Sequence[Row] = peek() if peek is not None else ()
    return rows


def known_row_count(source: Source) -> int:
    """Return how many rows a source has at least, as far as it can tell before it is read."""
    row_count = getattr(source, "row_count", None)  # sources of users need not have it
    return (row_count() if row_count is not None else None) or 0
