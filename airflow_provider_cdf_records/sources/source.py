"""What a source is to the rest of the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from airflow_provider_cdf_records.records.chunk import Chunk, Mark

ROWS_AT_ONCE = 1000  # in a chunk
SIZE_AT_ONCE = 1 << 22  # characters in a chunk of rows that are not read as bytes
BYTES_AT_ONCE = 1 << 18  # of a file of lines, in a chunk


def rows_at_once(row_size: float) -> int:
    """Return how many rows of about that size, in bytes or characters, go into a chunk."""
    return int(min(ROWS_AT_ONCE, max(1, SIZE_AT_ONCE // max(1, row_size))))


class FormatError(ValueError):
    """A file that is not what it is said to be; whoever knows its path adds that."""


class Source(Protocol):
    """Rows with their positions."""

    def __iter__(self) -> Iterator[Chunk]:
        """Yield every row in order, in chunks."""

    def where(self, position: int) -> str:
        """Return a position in words."""

    def share(self) -> float | None:
        """Return how much has been read, from 0 to 1; ``None`` where the size is not known."""


class ResumableSource(Source, Protocol):
    """A source that a later try can go on with."""

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells this source from another, or from a later state of itself, as plain JSON."""

    def resume_after(self, mark: Mark) -> None:
        """Leave out all before a mark."""
