"""The first rows of a source, which is not read on after them."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources import Source
from airflow_provider_cdf_records.sources.source import check_unchanged


class FirstRows:
    """The first rows of a source, those that it cannot read included.

    :param limit: how many; none where it is 0.
    """

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._limit = limit
        self.where = source.where
        self.share = source.share
        cancel = getattr(source, "cancel", None)
        if cancel is not None:  # whoever reads the source reads one with this method in another way
            self.cancel = cancel
        self.progress = getattr(source, "progress", lambda: None)
        limit_rows = getattr(source, "limit_rows", None)
        if limit_rows is not None:
            limit_rows(limit)

    def __iter__(self) -> Iterator[Chunk]:
        left = self._limit
        chunks = iter(self._source) if left else iter(())
        try:
            for chunk in chunks:
                part = _first(chunk, left)
                left -= len(part.positions) + len(part.refusals)
                yield part
                if not left:
                    check_unchanged(self._source)
                    return
        finally:
            close = getattr(chunks, "close", None)  # a query or a file that is open
            if close is not None:
                close()

    def row_count(self) -> int | None:
        """Return how many rows there are at least; ``None`` where that is not known."""
        row_count = getattr(self._source, "row_count", None)
        known = row_count() if row_count is not None else None
        return None if known is None else min(known, self._limit)


def _first(chunk: Chunk, count: int) -> Chunk:
    """Return the first rows and refusals of a chunk, in the order of their positions."""
    if len(chunk.positions) + len(chunk.refusals) <= count:
        return chunk
    refused = [refusal.position for refusal in chunk.refusals]
    kept = sorted([*chunk.positions, *refused])[:count]
    last = kept[-1]
    rows = sum(position <= last for position in chunk.positions)
    return chunk._replace(
        positions=chunk.positions[:rows],
        rows=chunk.rows[:rows],
        refusals=[refusal for refusal in chunk.refusals if refusal.position <= last],
        end=_end_at(chunk.end, last),
    )


def _end_at(end: Mark, position: int) -> Mark:
    """Return a mark inside a chunk: only the position is known there, not the offset in the file."""
    return end._replace(position=position, offset=0)
