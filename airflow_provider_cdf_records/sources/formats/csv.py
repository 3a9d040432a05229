"""CSV and TSV: rows of text values, with the names of their columns in the first."""

from __future__ import annotations

import io
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark, Refusal, RowContext
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.sources.formats.base import Format
from airflow_provider_cdf_records.sources.formats.csv_head import Start, columns_of, names_in, start_of
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions, TsvOptions
from airflow_provider_cdf_records.sources.formats.csv_rows import CsvRow, CsvRowReader
from airflow_provider_cdf_records.sources.formats.csv_shape import Shape, Values
from airflow_provider_cdf_records.sources.formats.csv_slices import cut_rows, slice_of
from airflow_provider_cdf_records.sources.formats.csv_start import check_start
from airflow_provider_cdf_records.sources.formats.slicing import Slicing, span_of_bytes
from airflow_provider_cdf_records.sources.slices import BYTES, Slice
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, SIZE_AT_ONCE

log = logging.getLogger(__name__)


def read_csv(file: io.BufferedReader, options: CsvOptions, *_: object) -> Iterator[Chunk]:
    """Yield the rows, numbered from 1; the header and blank rows are not counted.

    A row that cannot be read, or has more or fewer values than the header, is refused, and the others are
    read. The first chunk has the columns alone, unless the header has one name, as a text such as "No data
    found" has.
    """
    start = start_of(file, options)
    rows = start.rows_from_start(start.blocks(file))
    yield from _chunks(rows, names_in(rows, options), start, begins_file=True)


def read_slice(file: io.BufferedReader, options: CsvOptions, part: Slice, _: Mark) -> Iterator[Chunk]:
    """Yield the rows of a slice, which begins and ends where rows do, numbered from 1."""
    found = slice_of(file, options, part)
    where = f" after byte {part.first:,}" if part.first else ""
    yield from _chunks(found.rows, found.names, found.start, begins_file=not part.first, where=where)


def read_columns(file: io.BufferedReader, options: CsvOptions) -> Columns:
    """Return the names of the columns, and read no more than the header.

    :raises FormatError: when there is none.
    """
    start = start_of(file, options)
    return columns_of(names_in(start.rows_from_start(start.blocks(file)), options))


def _chunks(
    rows: CsvRowReader, names: Sequence[str], start: Start, *, begins_file: bool, where: str = ""
) -> Iterator[Chunk]:
    """Yield the rows after the header.

    :param begins_file: whether the rows are the first ones of the file.
    :param where: after which byte of the file its lines are counted, in words.
    """
    options = start.options
    columns = columns_of(names)
    nulls = frozenset(options.null_values)
    is_given = options.header is not None
    rows.shape = shape = Shape(names, nulls, is_given=is_given)
    batches = _without_last(_batches(rows, shape), options.skip_footer)
    if not is_given and sum(1 for name in names if name.strip()) > 1:
        yield Chunk([], [], Mark(0), columns, nulls)  # without rows the columns have to fit, too
    if begins_file and (first := next(batches, None)):
        check_start(names, first, start.delimiter, is_given=is_given)
        batches = chain([first], batches)
    position = 0
    for batch in batches:
        first_position, position = position + 1, position + len(batch)
        yield _chunk(range(first_position, position + 1), batch, columns, nulls, where)


def _batches(rows: CsvRowReader, shape: Shape) -> Iterator[list[Values | CsvRow]]:
    while batch := _next_batch(rows, shape):
        yield batch


def _next_batch(rows: CsvRowReader, shape: Shape) -> list[Values | CsvRow]:
    """Return the next rows: values, or a row that cannot be read."""
    many = rows.next_many(shape)
    if many is not None:
        return list(many)
    batch: list[Values | CsvRow] = []
    size = 0
    while len(batch) < ROWS_AT_ONCE and size < SIZE_AT_ONCE:
        try:
            row = rows.next_row()
        except Exception:  # of the file, which comes again: deliver what came before
            if not batch:
                raise
            break
        if row is None:
            break
        batch.append(row if row.problem or row.values is None else row.values)
        size += len(row.text) + sum(map(len, row.values or ()))
    return batch


def _without_last(batches: Iterable[list[Values | CsvRow]], count: int) -> Iterator[list[Values | CsvRow]]:
    """Yield all rows but the last ones, which the log tells: a row of data may be among them."""
    held: deque[Values | CsvRow] = deque()
    for batch in batches:
        if not count:
            yield batch
            continue
        held += batch
        if len(held) > count:
            yield [held.popleft() for _ in range(len(held) - count)]
    for row in held:
        text = row.text if isinstance(row, CsvRow) else ", ".join(row)
        log.info("A row at the end is left out (skip_footer): %s", shortened(text))


def _chunk(
    positions: range, rows: list[Values | CsvRow], columns: Columns, nulls: frozenset[str], where: str
) -> Chunk:
    end = Mark(positions.stop - 1)
    if CsvRow not in set(map(type, rows)):
        return Chunk(positions, rows, end, columns, nulls)
    context = RowContext(columns, nulls)
    kept, values, refusals = [], [], []
    for at, row in zip(positions, rows, strict=True):
        if isinstance(row, CsvRow):
            as_read = (row.values, context) if row.is_whole else row.text
            refusals.append(Refusal(at, as_read, f"{row.problem} ({row.lines}{where})"))
        else:
            kept.append(at)
            values.append(row)
    return Chunk(kept, values, end, columns, nulls, refusals)


CSV = Format(
    name="csv",
    suffixes=(".csv",),
    position_in_words="row {}",
    reader=read_csv,
    options=CsvOptions,
    read_columns=read_columns,
    slicing=Slicing(
        unit=BYTES,
        read=read_slice,
        cut=cut_rows,
        span=span_of_bytes,
        position_in_words=lambda part: f"row {{}} after byte {part.first:,}" if part.first else "row {}",
    ),
)
TSV = replace(CSV, name="tsv", suffixes=(".tsv",), options=TsvOptions)
