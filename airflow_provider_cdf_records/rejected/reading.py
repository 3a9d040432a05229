"""Loads a rejected-records file again: takes the rows out of its lines."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.chunk import (
    WITHOUT_A_NAME,
    WITHOUT_A_VALUE,
    Chunk,
    Convert,
    Records,
    Refusal,
    Row,
)
from airflow_provider_cdf_records.records.encoding import NOT_JSON
from airflow_provider_cdf_records.rejected.lines import rejected_row

MAPPING_HINT = "(a rejected row of a load with a mapping needs that mapping again)"
LEFTOVER_KEYS = (WITHOUT_A_NAME, WITHOUT_A_VALUE)

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class UnwrapRejected:
    """A converter that takes rows out of the lines of a rejected-records file, for another converter.

    It looks for a line at both ends of a chunk, and among the rows that the other converter refuses.

    :param convert: the other converter; it may get a chunk twice.
    :param has_mapping: whether the load has a mapping; without one, refusals of the rows suggest it.
    """

    def __init__(self, convert: Convert, *, has_mapping: bool) -> None:
        self._convert = convert
        self._has_mapping = has_mapping

    def __call__(self, chunk: Chunk) -> Records:
        rows = chunk.rows
        if rows and (_is_line(rows[0]) or _is_line(rows[-1])):
            return self._unwrap(chunk)
        records = self._convert(chunk)
        if any(_is_line(refusal.row) for refusal in records.refusals):
            return self._unwrap(chunk)
        return records

    def _unwrap(self, chunk: Chunk) -> Records:
        """Convert a chunk after taking the rows out of its lines; other rows stay as they are."""
        positions, rows, refusals = [], [], list(chunk.refusals)
        unwrapped: set[int] = set()
        for position, line in zip(chunk.positions, chunk.rows, strict=True):
            row, is_unwrapped = _innermost(line)
            if is_unwrapped:
                unwrapped.add(position)
            if is_unwrapped and (key := _leftover_key(row)):
                msg = f"still has {key!r}: correct the row, and remove that key"
                refusals.append(Refusal(position, row, msg))
            else:
                positions.append(position)
                rows.append(row)
        records = self._convert(
            chunk._replace(positions=positions, rows=rows, refusals=refusals, is_retried=True)
        )
        return records if self._has_mapping else _with_hint(records, unwrapped)


def suggest_mapping(convert: Convert) -> Convert:
    """Return a converter that takes lines of a rejected-records file as they are.

    Where it refuses one, it suggests the mapping of the load that rejected the row.
    """

    def converted(chunk: Chunk) -> Records:
        records = convert(chunk)
        lines = {refusal.position for refusal in records.refusals if _is_line(refusal.row)}
        return _with_hint(records, lines) if lines else records

    return converted


def _is_line(row: Row) -> bool:
    return rejected_row(row) is not None


def _innermost(line: Row) -> tuple[Row, bool]:
    """Return the row inside a line, also one rejected more than once, and whether ``line`` was a line."""
    row, is_unwrapped = line, False
    while (inner := rejected_row(row)) is not None:
        row, is_unwrapped = inner, True
    return row, is_unwrapped


def _leftover_key(row: Row) -> str | None:
    """Return the key that marks a table's row with too many or too few values; ``None`` if it has none."""
    if isinstance(row, bytes):
        if not any(key.encode() in row for key in LEFTOVER_KEYS):
            return None
        try:
            row = _decode_object(row)
        except NOT_JSON:
            return None
    return next((key for key in LEFTOVER_KEYS if isinstance(row, Mapping) and key in row), None)


def _with_hint(records: Records, unwrapped: Container[int]) -> Records:
    refusals = [
        refusal._replace(message=f"{refusal.message} {MAPPING_HINT}")
        if refusal.position in unwrapped
        else refusal
        for refusal in records.refusals
    ]
    return records._replace(refusals=refusals)
