"""Loads a rejected-records file again: takes the rows out of its lines."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.chunk import (
    LEFTOVER_KEYS,
    Chunk,
    Convert,
    Records,
    Refusal,
    Row,
    in_number_style,
    joined,
)
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.number_style import NumberStyle
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.rejected.lines import number_style_of, rejected_row
from airflow_provider_cdf_records.rejected.order import OrderWatch

MAPPING_HINT = "(a rejected row of a load with a mapping needs that mapping again)"
TEXT_HINT = (
    "could not be read, and stands here as a text: put an object of its columns and values in place of the "
    'text, such as {"tag": "P1"}'
)
STYLES_AT_ONCE = 16  # whose converters are kept

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class UnwrapRejected:
    """A converter that takes rows out of the lines of a rejected-records file, for another converter.

    It looks for a line at both ends of a chunk, and among the rows that the other converter refuses. A file
    that is not in the order of its source, as a process that was killed leaves it, is loaded as it stands,
    with a warning: to sort it would take reading all of it first, and it may be meant so.

    :param convert: the other converter; it may get a chunk twice.
    :param has_mapping: whether the load has a mapping; without one, refusals of the rows suggest it.
    :param convert_in: returns a converter of rows whose numbers have a style, as their lines say.
    :param partition: the part whose rows alone the converters take, and are refused here.
    """

    def __init__(
        self,
        convert: Convert,
        *,
        has_mapping: bool,
        convert_in: Callable[[NumberStyle], Convert] | None = None,
        partition: Partition | None = None,
    ) -> None:
        self._convert = convert
        self._has_mapping = has_mapping
        self._convert_in = None if convert_in is None else lru_cache(STYLES_AT_ONCE)(convert_in)
        self._partition = partition
        self._watch = OrderWatch()

    def __call__(self, chunk: Chunk) -> Records:
        rows = chunk.rows
        if rows and (is_rejected_line(rows[0]) or is_rejected_line(rows[-1])):
            return self._unwrap(chunk)
        records = self._convert(chunk)
        if any(is_rejected_line(refusal.row) for refusal in records.refusals):
            return self._unwrap(chunk)
        return records

    def _unwrap(self, chunk: Chunk) -> Records:
        """Convert a chunk after taking the rows out of its lines; other rows stay as they are."""
        refusals: list[Refusal] = []
        kept: list[tuple[int, Row, NumberStyle | None]] = []
        unwrapped: set[int] = set()
        for position, line in zip(chunk.positions, chunk.rows, strict=True):
            row, is_unwrapped, style = _innermost(line)
            style = style or chunk.number_style
            if is_unwrapped:
                unwrapped.add(position)
                self._watch.see(position, line)
            if is_unwrapped and (key := _leftover_key(row)):
                msg = f"still has {key!r}: correct the row, and remove that key"
                refusals.append(Refusal(position, in_number_style(row, style), msg))
            elif is_unwrapped and self._has_mapping and _is_text(row):
                refusals.append(Refusal(position, row, TEXT_HINT))
            else:
                kept.append((position, row, style if self._convert_in else None))
        refusals = [*chunk.refusals, *filter(self._is_of_part, refusals)]
        chunk = chunk._replace(positions=[], rows=[], refusals=refusals, is_retried=True)
        records = self._convert_runs(chunk, kept)
        return records if self._has_mapping else _with_hint(records, unwrapped)

    def _convert_runs(self, chunk: Chunk, rows: list[tuple[int, Row, NumberStyle | None]]) -> Records:
        """Convert rows in their order, those with one style after another together."""
        parts: list[Records] = []
        for style, run in groupby(rows, key=itemgetter(2)):
            positions, of_run, _ = map(list, zip(*run, strict=True))
            part = chunk._replace(positions=positions, rows=of_run, refusals=())
            try:
                parts.append(self._converter(style)(part))
            except InvalidArgumentError as error:
                if style is None:
                    raise
                refused = [
                    Refusal(position, in_number_style(row, style), str(error))
                    for position, row in zip(positions, of_run, strict=True)
                ]
                parts.append(Records([], [], [], [], list(filter(self._is_of_part, refused))))
        return joined(parts, chunk.refusals)

    def _is_of_part(self, refusal: Refusal) -> bool:
        return self._partition is None or self._partition.holds(None, refusal.position)

    def _converter(self, style: NumberStyle | None) -> Convert:
        return self._convert if style is None or self._convert_in is None else self._convert_in(style)


def suggest_mapping(convert: Convert) -> Convert:
    """Return a converter that takes lines of a rejected-records file as they are.

    Where it refuses one, it suggests the mapping of the load that rejected the row.
    """

    def converted(chunk: Chunk) -> Records:
        records = convert(chunk)
        lines = {refusal.position for refusal in records.refusals if is_rejected_line(refusal.row)}
        return _with_hint(records, lines) if lines else records

    return converted


def is_rejected_line(row: Row) -> bool:
    """Return whether a row is a line of a rejected-records file."""
    return _inside(row) is not None


def _inside(row: Row) -> Row | None:
    """Return the row inside a line; ``None`` for any other row, whatever its class does."""
    try:
        return rejected_row(row)
    except MemoryError:
        raise
    except Exception:
        return None


def _innermost(line: Row) -> tuple[Row, bool, NumberStyle | None]:
    """Return the row inside a line, also one rejected more than once.

    Also whether ``line`` was a line, and the style of the row's numbers, if the line says it.
    """
    row, is_unwrapped, style = line, False, None
    while (inner := _inside(row)) is not None:
        row, is_unwrapped, style = inner, True, number_style_of(row) or style
    return row, is_unwrapped, style


def _is_text(row: Row) -> bool:
    return row.startswith(b'"') if isinstance(row, bytes) else isinstance(row, str)


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
