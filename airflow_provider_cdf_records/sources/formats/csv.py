"""CSV and TSV: rows of text values, with the names of their columns in the first."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark, Refusal
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.iterables import next_rows, take_until_failure
from airflow_provider_cdf_records.sources.source import FormatError

LONGEST_FIELD = 10_000_000  # characters, as many as bytes go into a request; Python's own limit is far lower
BYTE_ORDER_MARKS = {  # those that Python does not skip by itself
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


CHARACTERS = ("delimiter", "quotechar", "escapechar")  # options that are one character each


@dataclass(frozen=True)
class CsvOptions(Options):
    """How a CSV file is written.

    :param delimiter: one character; a comma by default, a tab for ``.tsv``.
    :param encoding: any that Python knows; a byte order mark is skipped.
    :param header: the names of the columns, for a file that does not have them in its first row.
    :param null_values: what stands for no value.
    :param quotechar: one character; ``None`` where quotes are characters like others.
    :param escapechar: one character; after it, quotes and delimiters are characters like others.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    header: Sequence[str] | None = None
    null_values: Sequence[str] = ("",)
    quotechar: str | None = '"'
    escapechar: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> CsvOptions:
        """Return options from a mapping, in which ``None`` stands for the default.

        :raises InvalidArgumentError: naming the option that makes no sense.
        """
        given = {name: value for name, value in given.items() if value is not None or name == "quotechar"}
        for name in CHARACTERS:
            if given.get(name) is not None and not _is_character(given[name]):
                msg = (
                    f"file_options: {name} must be one character, neither a line end nor null, "
                    f"got {given[name]!r}."
                )
                raise InvalidArgumentError(msg)
        for name in ("header", "null_values"):
            value = given.get(name, ())
            if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
                msg = f"file_options: {name} must be a list of texts, got {value!r}."
                raise InvalidArgumentError(msg)
        if "header" in given and not given["header"]:
            msg = "file_options: header must name the columns, got an empty list; leave it out to read them."
            raise InvalidArgumentError(msg)
        options = cls(**given)
        for one, other in combinations(CHARACTERS, 2):
            if (character := getattr(options, one)) is not None and character == getattr(options, other):
                msg = f"file_options: {one} and {other} must differ, got {character!r} for both."
                raise InvalidArgumentError(msg)
        try:
            "".encode(options.encoding)
        except (LookupError, TypeError, ValueError):
            msg = f"file_options: encoding must be one that Python knows, got {options.encoding!r}."
            raise InvalidArgumentError(msg) from None
        return options


def _is_character(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in "\r\n\0"


def read_csv(file: io.BufferedReader, options: CsvOptions, *_: object) -> Iterator[Chunk]:
    """Yield the rows, numbered from 1, the header not counted.

    A row with more or fewer values than the header has is refused, and the others are read.
    """
    bom = BYTE_ORDER_MARKS.get(codecs.lookup(options.encoding).name, b"")
    if bom and file.peek(len(bom)).startswith(bom):
        file.read(len(bom))
    text = io.TextIOWrapper(file, encoding=options.encoding, newline="")
    csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
    try:
        yield from _chunks(text, options)
    finally:
        with suppress(ValueError):  # it may be closed already, when the rows are not read to the end
            text.detach()


def _chunks(text: io.TextIOWrapper, options: CsvOptions) -> Iterator[Chunk]:
    rows = csv.reader(
        text,
        delimiter=options.delimiter,
        quotechar=options.quotechar,
        quoting=csv.QUOTE_NONE if options.quotechar is None else csv.QUOTE_MINIMAL,
        escapechar=options.escapechar,
        strict=True,
    )
    failures: list[Exception] = []
    header = options.header
    if header is None:
        header = next(iter(take_until_failure(filter(None, rows), 1, failures)), [])
    if failures:
        raise _as_format_error(failures[0], 0, options)
    columns = checked_columns(_with_all_names(header), "header row")
    nulls = frozenset(options.null_values)
    position = 0
    while not failures and (values := next_rows(rows, failures, _size)):
        if not all(values):
            values = [row for row in values if row]  # blank lines
        start, position = position + 1, position + len(values)
        yield _chunk(range(start, position + 1), values, columns, nulls)
    if failures:
        raise _as_format_error(failures[0], position, options)


def _with_all_names(header: Sequence[str]) -> list[str]:
    """Give a name to columns without one, which spreadsheets add after the others."""
    return [name or f"column {number}" for number, name in enumerate(header, start=1)]


def _size(row: list[str]) -> int:
    return sum(map(len, row))


def _chunk(positions: range, rows: list[list[str]], columns: Columns, nulls: frozenset[str]) -> Chunk:
    refusals: list[Refusal] = []
    kept: Sequence[int] = positions
    if set(map(len, rows)) - {len(columns)}:
        numbered = list(zip(positions, rows, strict=True))
        refusals = [
            Refusal(
                at,
                (columns, row, nulls),
                f"must have {len(columns)} values, as the header has, got {len(row)}",
            )
            for at, row in numbered
            if len(row) != len(columns)
        ]
        kept = [at for at, row in numbered if len(row) == len(columns)]
        rows = [row for row in rows if len(row) == len(columns)]
    return Chunk(kept, rows, Mark(positions.stop - 1), columns, nulls, refusals)


def _as_format_error(error: Exception, position: int, options: CsvOptions) -> Exception:
    if isinstance(error, UnicodeDecodeError):
        msg = (
            f"is not {options.encoding} after row {position:,} ({error.reason}); "
            "set the right one in file_options={'encoding': ...}."
        )
        return FormatError(msg)
    if isinstance(error, csv.Error):
        msg = (
            f"is not CSV after row {position:,}: {error}. Is a quote left open? "
            "file_options has quotechar (None: quotes mean nothing) and escapechar."
        )
        return FormatError(msg)
    return error


CSV = Format(
    name="csv",
    suffixes=(".csv",),
    position_name="row",
    reader=read_csv,
    options=CsvOptions,
)
TSV = replace(CSV, name="tsv", suffixes=(".tsv",), default_options={"delimiter": "\t"})
