"""Chunks of one file as those of several, and of what is left of it after a mark."""

from __future__ import annotations

from bisect import bisect_right

from airflow_provider_cdf_records.records.chunk import Chunk, Mark


def shifted(chunk: Chunk, before: int, number: int) -> Chunk:
    """Return a chunk of one file with positions that count through all files."""
    end = chunk.end
    mark = Mark(end.position + before, end.offset, number, before)
    if not before:
        return chunk._replace(end=mark)
    return chunk._replace(
        positions=[position + before for position in chunk.positions],
        end=mark,
        refusals=[refusal._replace(position=refusal.position + before) for refusal in chunk.refusals],
    )


def is_header(chunk: Chunk) -> bool:
    """Whether a chunk has columns alone."""
    return not (chunk.positions or chunk.refusals)


def rows_after(chunk: Chunk, position: int) -> Chunk:
    """Return the part of a chunk after a position."""
    passed = bisect_right(chunk.positions, position)
    refusals = [refusal for refusal in chunk.refusals if refusal.position > position]
    if not passed and len(refusals) == len(chunk.refusals):
        return chunk
    return chunk._replace(positions=chunk.positions[passed:], rows=chunk.rows[passed:], refusals=refusals)
