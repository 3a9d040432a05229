"""CSV and TSV: rows of text values, with the names of their columns in the first."""

from __future__ import annotations

import io
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from airflow_provider_cdf_records.records.chunk import (
    Chunk,
    Columns,
    Mark,
    Refusal,
    RowContext,
    name_of_unnamed,
)
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.formats.base import Format
from airflow_provider_cdf_records.sources.formats.csv_dialect import Dialect
from airflow_provider_cdf_records.sources.formats.csv_held import HeldLines
from airflow_provider_cdf_records.sources.formats.csv_lines import (
    LOOKED_AT,
    blocks_of_lines,
    shown,
    start_of_text,
    without_lines,
)
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions, TsvOptions
from airflow_provider_cdf_records.sources.formats.csv_rows import CsvRow, CsvRowReader
from airflow_provider_cdf_records.sources.formats.csv_shape import Shape, Values
from airflow_provider_cdf_records.sources.formats.csv_start import check_start
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, SIZE_AT_ONCE, FormatError

log = logging.getLogger(__name__)

SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n\0])"?(?=[\r\n]|$)', re.IGNORECASE)  # Excel's first line


def read_csv(file: io.BufferedReader, options: CsvOptions, *_: object) -> Iterator[Chunk]:
    """Yield the rows, numbered from 1; the header and blank rows are not counted.

    A row that cannot be read, or has more or fewer values than the header, is refused, and the others are
    read. The first chunk has the columns alone, unless the header has one name, as a text such as "No data
    found" has.
    """
    rows, delimiter = _rows_in(file, options)
    names = _names(rows, options)
    columns = _columns(names)
    nulls = frozenset(options.null_values)
    is_given = options.header is not None
    rows.shape = shape = Shape(names, nulls, is_given=is_given)
    batches = _without_last(_batches(rows, shape), options.skip_footer)
    if not is_given and sum(1 for name in names if name.strip()) > 1:
        yield Chunk([], [], Mark(0), columns, nulls)  # without rows the columns have to fit, too
    if first := next(batches, None):
        check_start(names, first, delimiter, is_given=is_given)
        batches = chain([first], batches)
    position = 0
    for batch in batches:
        start, position = position + 1, position + len(batch)
        yield _chunk(range(start, position + 1), batch, columns, nulls)


def read_columns(file: io.BufferedReader, options: CsvOptions) -> Columns:
    """Return the names of the columns, and read no more than the header.

    :raises FormatError: when there is none.
    """
    rows, _ = _rows_in(file, options)
    return _columns(_names(rows, options))


def _rows_in(file: io.BufferedReader, options: CsvOptions) -> tuple[CsvRowReader, str]:
    """Return the rows of a file with the header, and what separates their values."""
    encoding = start_of_text(file, options.encoding)
    delimiter, skipped = options.delimiter, options.skip_rows
    start = file.peek(LOOKED_AT)[:LOOKED_AT].decode(encoding, "ignore")
    if found := SEPARATOR_LINE.match(start):
        delimiter = delimiter or found[1]
        skipped = max(1, skipped) if isinstance(skipped, int) else [1, *skipped]
    delimiter = delimiter or options.default_delimiter
    dialect = Dialect(options, delimiter)
    blocks = blocks_of_lines(
        file,
        encoding,
        options.encoding_errors,
        comment=options.comment,
        long_delimiter=delimiter if len(delimiter) > 1 else None,
        escapes=dialect.escapes,
    )
    lines = HeldLines(without_lines(blocks, skipped))
    return CsvRowReader(lines, dialect, options.comment, encoding), delimiter


def _names(rows: CsvRowReader, options: CsvOptions) -> Sequence[str]:
    """Return the names of the columns as they are written, those that have none too."""
    if options.header is not None:
        return options.header
    header = rows.next_row()
    if header is None:
        msg = "has no header row."
        raise FormatError(msg)
    if header.values is None:
        msg = f"has a header row that cannot be read: it {header.problem} ({header.lines})."
        raise FormatError(msg)
    if "\0" in header.text:
        msg = f"has a header row with null bytes ({header.lines}). Is it a file of text?"
        raise FormatError(msg)
    return list(map(shown, header.values))


def _columns(names: Sequence[str]) -> Columns:
    """Return names of columns; those without one, which spreadsheets add after the others, get one."""
    return checked_columns(
        (name if name.strip() else name_of_unnamed(number) for number, name in enumerate(names, start=1)),
        "header row",
    )


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


def _chunk(positions: range, rows: list[Values | CsvRow], columns: Columns, nulls: frozenset[str]) -> Chunk:
    end = Mark(positions.stop - 1)
    if CsvRow not in set(map(type, rows)):
        return Chunk(positions, rows, end, columns, nulls)
    context = RowContext(columns, nulls)
    kept, values, refusals = [], [], []
    for at, row in zip(positions, rows, strict=True):
        if isinstance(row, CsvRow):
            as_read = (row.values, context) if row.is_whole else row.text
            refusals.append(Refusal(at, as_read, f"{row.problem} ({row.lines})"))
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
)
TSV = replace(CSV, name="tsv", suffixes=(".tsv",), options=TsvOptions)
