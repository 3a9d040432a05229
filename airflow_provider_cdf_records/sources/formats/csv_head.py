"""The beginning of a CSV file: how it is written, and the names of its columns."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from airflow_provider_cdf_records.records.chunk import Columns, name_of_unnamed
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.formats.csv_dialect import Dialect
from airflow_provider_cdf_records.sources.formats.csv_held import HeldLines
from airflow_provider_cdf_records.sources.formats.csv_lines import (
    LOOKED_AT,
    Block,
    blocks_of_lines,
    shown,
    start_of_text,
    without_lines,
)
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions
from airflow_provider_cdf_records.sources.formats.csv_rows import CsvRowReader
from airflow_provider_cdf_records.sources.source import FormatError

SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n\0])"?(?=[\r\n]|$)', re.IGNORECASE)  # Excel's first line


class Start(NamedTuple):
    """How a file is written, by its options and its first bytes.

    :param delimiter: what separates values.
    :param skipped: how many lines are skipped at the start, or the numbers of the lines.
    """

    options: CsvOptions
    encoding: str
    delimiter: str
    skipped: int | Sequence[int]

    def blocks(self, file: io.BufferedReader) -> Iterator[Block]:
        """Yield the lines of a file from where it is."""
        return blocks_of_lines(
            file,
            self.encoding,
            self.options.encoding_errors,
            comment=self.options.comment,
            long_delimiter=self.delimiter if len(self.delimiter) > 1 else None,
            escapes=Dialect(self.options, self.delimiter).escapes,
        )

    def rows(self, blocks: Iterator[Block]) -> CsvRowReader:
        """Return the rows in lines, the header too."""
        dialect = Dialect(self.options, self.delimiter)
        return CsvRowReader(HeldLines(blocks), dialect, self.options.comment, self.encoding)

    def rows_from_start(self, blocks: Iterator[Block]) -> CsvRowReader:
        """Return the rows in all lines of a file, without those that are skipped."""
        return self.rows(without_lines(blocks, self.skipped))


def start_of(file: io.BufferedReader, options: CsvOptions) -> Start:
    """Return how a file is written; it is after its byte order mark then, if it has one."""
    encoding = start_of_text(file, options.encoding)
    delimiter, skipped = options.delimiter, options.skip_rows
    start = file.peek(LOOKED_AT)[:LOOKED_AT].decode(encoding, "ignore")
    if found := SEPARATOR_LINE.match(start):
        delimiter = delimiter or found[1]
        skipped = max(1, skipped) if isinstance(skipped, int) else [1, *skipped]
    return Start(options, encoding, delimiter or options.default_delimiter, skipped)


def names_in(rows: CsvRowReader, options: CsvOptions) -> Sequence[str]:
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


def columns_of(names: Sequence[str]) -> Columns:
    """Return names of columns; those without one, which spreadsheets add after the others, get one."""
    return checked_columns(
        (name if name.strip() else name_of_unnamed(number) for number, name in enumerate(names, start=1)),
        "header row",
    )
