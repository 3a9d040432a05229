"""CSV and its kin: a row a record of text values, with their names in the first."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark, Refusal
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.iterables import some, taken
from airflow_provider_cdf_records.sources.source import FormatError

LONGEST_FIELD = 10_000_000  # characters, as many as bytes go into a request; Python's own limit is far lower
MARKS = {  # the byte order marks that Python does not pass over by itself
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV file is written.

    :param delimiter: one character; a comma by default, a tab for ``.tsv``.
    :param encoding: any that Python knows; a byte order mark is passed over.
    :param header: the names of the columns, for a file that does not have them in its first row.
    :param null_values: what stands for no value.
    :param quotechar: one character; ``None`` where quotes are characters like others.
    :param escapechar: one character that takes their meaning from quotes and delimiters.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    header: Sequence[str] | None = None
    null_values: Sequence[str] = field(default=("",))
    quotechar: str | None = '"'
    escapechar: str | None = None

    @staticmethod
    def of(given: Mapping[str, Any]) -> CsvOptions:
        """Return the options of a plain mapping.

        :raises InvalidArgumentError: naming the one that cannot be meant.
        """
        known = [option.name for option in fields(CsvOptions)]
        if unknown := sorted(set(given) - set(known)):
            msg = f"file_options: {unknown[0]!r} is not known; there are {', '.join(known)}."
            raise InvalidArgumentError(msg)
        given = {name: value for name, value in given.items() if value is not None or name == "quotechar"}
        for name in ("delimiter", "quotechar", "escapechar"):
            if given.get(name) is not None and not (isinstance(given[name], str) and len(given[name]) == 1):
                msg = f"file_options: {name} must be one character, and is {given[name]!r}."
                raise InvalidArgumentError(msg)
        for name in ("header", "null_values"):
            value = given.get(name, ())
            if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
                msg = f"file_options: {name} must be a list of texts, and is {value!r}."
                raise InvalidArgumentError(msg)
        options = CsvOptions(**given)
        if options.delimiter in (options.quotechar, "\r", "\n"):
            msg = f"file_options: delimiter cannot be {options.delimiter!r}."
            raise InvalidArgumentError(msg)
        try:
            "".encode(options.encoding)
        except (LookupError, TypeError, ValueError):
            msg = f"file_options: encoding {options.encoding!r} is not known."
            raise InvalidArgumentError(msg) from None
        return options


def read_csv(file: io.BufferedReader, options: CsvOptions) -> Iterator[Chunk]:
    """Yield the rows, numbered from 1, the header not counted.

    A row with more or fewer values than the header has is refused, and the others are read.
    """
    mark = MARKS.get(codecs.lookup(options.encoding).name, b"")
    if mark and file.peek(len(mark)).startswith(mark):
        file.read(len(mark))
    text = io.TextIOWrapper(file, encoding=options.encoding, newline="")
    csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
    try:
        yield from _chunks(text, options)
    finally:
        with suppress(ValueError):  # it may be closed already, when the reader has lost interest
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
        header = next(iter(taken(filter(None, rows), 1, failures)), [])
    if failures:
        raise _in_our_words(failures[0], 0, options)
    columns = checked_columns(_named(header), "header row")
    nulls = frozenset(options.null_values)
    position = 0
    while not failures and (values := some(rows, failures, _size)):
        if not all(values):
            values = [row for row in values if row]  # blank lines
        start, position = position + 1, position + len(values)
        yield _chunk(range(start, position + 1), values, columns, nulls)
    if failures:
        raise _in_our_words(failures[0], position, options)


def _named(header: Sequence[str]) -> list[str]:
    """Give a name to columns without one, which spreadsheets leave behind the others."""
    return [name or f"column {number}" for number, name in enumerate(header, start=1)]


def _size(row: list[str]) -> int:
    return sum(map(len, row))


def _chunk(positions: range, rows: list[list[str]], columns: Columns, nulls: frozenset[str]) -> Chunk:
    refusals: list[Refusal] = []
    kept: Sequence[int] = positions
    if set(map(len, rows)) - {len(columns)}:
        numbered = list(zip(positions, rows, strict=True))
        refusals = [
            Refusal(at, (columns, row, nulls), f"{len(row)} values, and the header has {len(columns)}")
            for at, row in numbered
            if len(row) != len(columns)
        ]
        kept = [at for at, row in numbered if len(row) == len(columns)]
        rows = [row for row in rows if len(row) == len(columns)]
    return Chunk(kept, rows, Mark(positions.stop - 1), columns, nulls, refusals)


def checked_columns(names: Iterable[object], where: str) -> Columns:
    """Return the names of a table's columns.

    :raises FormatError: when there are none, or when they cannot be told apart.
    """
    columns = tuple(map(str, names))
    if not columns:
        msg = f"has no {where}."
        raise FormatError(msg)
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        msg = f"names column {twice[0]!r} more than once in its {where}; each needs a name of its own."
        raise FormatError(msg)
    return columns


def _in_our_words(error: Exception, position: int, options: CsvOptions) -> Exception:
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
