"""The rows of a CSV file: many at a time where they are whole, else each by itself with its lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from airflow_provider_cdf_records.sources.formats.csv_lines import (
    DELIMITER_MARK,
    LONGEST_LINE,
    LONGEST_SHOWN,
    MARKED_BYTE,
    UNCLEAN,
    Block,
    CutLine,
    byte_in,
    shown,
)
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions
from airflow_provider_cdf_records.sources.formats.csv_shape import Shape, Values
from airflow_provider_cdf_records.sources.source import SIZE_AT_ONCE, rows_at_once

LONGEST_FIELD = 10_000_000  # characters, as many as bytes go into a request; Python's own limit is far lower
MOST_LINES = 100_000  # of a row: a quote that is open for longer was never meant to be
READ_AHEAD = 2 * SIZE_AT_ONCE  # characters that may be read for rows together
NOT_ENDED = "unexpected end of data"  # an error of the csv module


class Row(NamedTuple):
    """A row with its place in the file.

    :param values: what it consists of; ``None`` when that cannot be told.
    :param problem: why it is no row of the table; empty for a good one.
    :param text: as it stands in the file; the beginning of a long one.
    :param first: the number of its first line, counted from 1.
    :param last: the number of its last line.
    :param is_whole: whether it is good but for the number of its values.
    """

    values: Values | None
    problem: str
    text: str
    first: int
    last: int
    is_whole: bool = False

    @property
    def lines(self) -> str:
        """Return its lines in words."""
        return f"line {self.first:,}" if self.first >= self.last else f"lines {self.first:,} to {self.last:,}"


class _LookCloserError(Exception):
    """Lines that cannot be read many at a time."""


class _RowError(Exception):
    """A row that is not read further."""


class Rows:
    """Reads the rows of a file.

    After a row that cannot be read it goes on with the line after the one on which that row began.

    :param blocks: the lines of the file.
    :param delimiter: what separates values, in place of which the lines may have ``DELIMITER_MARK``.
    :param encoding: of the file, for messages.
    :param skipped: how many lines to skip at the start, or the numbers of the lines to skip.
    :ivar shape: what fits rows to the columns, once these are known.
    """

    def __init__(
        self,
        blocks: Iterator[Block],
        options: CsvOptions,
        delimiter: str,
        encoding: str,
    ) -> None:
        self.shape: Shape | None = None
        self.delimiter = delimiter
        self._blocks = blocks
        self._encoding = encoding
        self._quote = options.quotechar
        self._doubled = options.escapechar or (options.quotechar or "") * 2
        self._is_marked = len(delimiter) > 1
        self._comment = options.comment and options.comment.replace(
            delimiter, DELIMITER_MARK if self._is_marked else delimiter
        )
        self._dialect: dict[str, Any] = {
            "delimiter": DELIMITER_MARK if self._is_marked else delimiter,
            "quotechar": options.quotechar,
            "quoting": csv.QUOTE_NONE if options.quotechar is None else csv.QUOTE_MINIMAL,
            "escapechar": options.escapechar,
            "skipinitialspace": options.skip_initial_space,
            "strict": True,
        }
        csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
        self._held: list[str] = []  # lines, from the next row on
        self._before = 0  # lines before those that are held
        self._at = 0  # lines before the next row
        self._unclean = 0  # lines up to the last one that has to be looked at by itself
        self._line_size = 1.0  # characters of a line, on average
        self._read_ahead = 0  # characters read since the last rows
        self._failure: Exception | None = None  # of the file
        self._many: Any = None  # a reader of rows together
        self._many_from = 0  # lines before it
        self._single: Any = None  # a reader of rows by themselves
        self._begin: int | None = None  # lines before the row that it reads
        self._next = 0  # lines that it has taken
        self._broken = 0  # the line of the last row that spans lines and cannot be read
        self._doubtful = 0  # lines up to the last one that may belong to it
        self._belonging = 0  # lines up to the last one that seems to belong to it

    def next_many(self, shape: Shape) -> list[Values] | None:
        """Return the next rows without blank ones; none at the end.

        ``None``: they have to be read by themselves.
        """
        while self._at >= self._unclean and self._at >= max(self._doubtful, self._belonging):
            if self._many is None:
                self._single = None
                self._many = csv.reader(chain.from_iterable(self._blocks_ahead()), **self._dialect)
                self._many_from = self._at
            self._read_ahead = 0
            try:
                rows = list(islice(self._many, rows_at_once(self._line_size)))
            except Exception:  # each row by itself shows which of them it is
                break
            fitting = shape.fit_all(self._with_delimiters(rows))
            if fitting is None:
                break
            self._at = self._many_from + self._many.line_num
            if fitting or not rows:
                return fitting
        self._many = None
        return None

    def next_row(self) -> Row | None:
        """Return the next row by itself, which may be a bad one, but no blank one; ``None`` at the end."""
        self._many = None
        while True:
            row = self._belonging_line() or self._read_row()
            if row is None or row.problem:
                return row
            values = row.values or []
            if self.shape is None:
                if any(map(str.strip, values)):
                    return row
            elif not self.shape.is_blank(values):
                return self._fitted(row, values, self.shape)

    def _blocks_ahead(self) -> Iterator[list[str]]:
        yield self._held[self._at - self._before :]
        while (block := self._read_block()) is not None:
            self._read_ahead += block.size
            if not block.is_clean or self._read_ahead > READ_AHEAD:
                raise _LookCloserError
            yield block.lines

    def _read_block(self) -> Block | None:
        if self._failure is not None:
            raise self._failure
        try:
            block = next(self._blocks, None)
        except Exception as error:
            self._failure = error
            raise
        if block is None:
            return None
        del self._held[: self._at - self._before]
        self._before = self._at
        self._held += block.lines
        if not block.is_clean:
            self._unclean = self._before + len(self._held)
        self._line_size = block.size / len(block.lines)
        return block

    def _with_delimiters(self, rows: list[Values]) -> list[Values]:
        """Put delimiters of several characters back into the values."""
        if not self._is_marked:
            return rows
        return [[value.replace(DELIMITER_MARK, self.delimiter) for value in row] for row in rows]

    def _read_row(self) -> Row | None:
        if self._single is None:
            self._single = csv.reader(self._lines_ahead(), **self._dialect)
        self._begin = None
        values, problem = None, ""
        try:
            values = next(self._single, None)
        except csv.Error as error:
            problem = self._explained(error)
        except _RowError as error:
            problem = str(error)
        except Exception:  # of the file
            self._single = None
            raise
        if self._begin is None:
            return None
        begin, end = self._begin, self._next
        if values is None:
            self._go_back_to(begin + 1)
            self._judge(begin, end)
            return Row(None, problem, self._text(begin, begin + 1), begin + 1, begin + 1)
        [values] = self._with_delimiters([values])
        text = "".join(self._held[begin - self._before : end - self._before])
        if begin < self._doubtful and self._has_stray_quote(values, text):
            problem = f"may belong to the row that begins on line {self._broken:,} and cannot be read"
        elif begin < self._unclean and UNCLEAN.search(text):
            problem = self._unclean_in(values)
        elif self._has_swallowed_rows(values, begin, end):
            self._go_back_to(begin + 1)
            self._broken, self._doubtful = begin + 1, end
            problem = "has a quote that is not closed"
            return Row(None, problem, self._text(begin, begin + 1), begin + 1, begin + 1)
        self._at = end
        return Row(values, problem, self._text(begin, end), begin + 1, end)

    def _lines_ahead(self) -> Iterator[str]:
        self._next = self._at
        size = 0
        while True:
            if self._next - self._before >= len(self._held):
                if self._read_block() is None:
                    return
                continue
            line = self._held[self._next - self._before]
            self._next += 1
            if self._begin is None:
                if self._comment and line.startswith(self._comment):
                    self._at = self._next
                    continue
                self._begin = self._at = self._next - 1
                size = 0
            size += len(line)
            if isinstance(line, CutLine):
                msg = f"is on a line of more than {LONGEST_LINE:,} characters"
                raise _RowError(msg)
            if size > LONGEST_LINE or self._next - self._begin > MOST_LINES:
                msg = (
                    f"has a quote that is not closed within {MOST_LINES:,} lines or "
                    f"{LONGEST_LINE:,} characters"
                )
                raise _RowError(msg)
            yield line

    def _go_back_to(self, at: int) -> None:
        self._single = None
        self._at = at

    def _fitted(self, row: Row, values: Values, shape: Shape) -> Row:
        fitting = shape.fit(values)
        if fitting is None:
            return row._replace(problem=shape.problem_of(values), is_whole=True)
        return row._replace(values=fitting)

    def _text(self, begin: int, end: int) -> str:
        """Return lines as they stand in the file."""
        text = "".join(self._held[begin - self._before : end - self._before])
        if len(text) > LONGEST_SHOWN:
            text = f"{text[:LONGEST_SHOWN]}..."
        if self._is_marked:
            text = text.replace(DELIMITER_MARK, self.delimiter)
        return shown(text).rstrip("\r\n")

    def _explained(self, error: csv.Error) -> str:
        what = str(error)
        if what == NOT_ENDED:
            return "has a quote that is not closed"
        if what.startswith("field larger"):
            return f"has a value of more than {LONGEST_FIELD:,} characters"
        if "NUL" in what:
            return "holds a null byte"
        what = what.replace(DELIMITER_MARK, self.delimiter)
        return f"is not CSV: {what}. Is a quote left open, or not doubled?"

    def _unclean_in(self, values: Values) -> str:
        for number, value in enumerate(values, start=1):
            if found := MARKED_BYTE.search(value):
                return (
                    f"has the byte 0x{byte_in(found[0]):02x} in value {number}, not {self._encoding}; "
                    "set the right encoding in file_options={'encoding': ...}, or encoding_errors"
                )
        return "holds a null byte"

    # What a row that spans several lines and cannot be read leaves behind: either its first line has a quote
    # too many, and rows follow; or it was meant to span these lines, which are none.

    def _judge(self, begin: int, end: int) -> None:
        """Look whether the other lines of a row that cannot be read are rows."""
        lines = self._held[begin + 1 - self._before : end - self._before]
        filled = [line for line in lines if not line.isspace()]
        if not filled or self.shape is None:
            return
        if begin < self._doubtful:
            self._doubtful = max(self._doubtful, end)
            return
        self._broken = begin + 1
        if sum(map(self._is_row, filled)) + self._begins_row(filled[-1]) >= len(filled) / 2:
            self._doubtful = end
        else:
            self._belonging = end

    def _belonging_line(self) -> Row | None:
        while self._at < self._belonging:
            at = self._at
            line = self._held[at - self._before]
            self._go_back_to(at + 1)
            if not line.isspace():
                problem = (
                    f"seems to belong to the row that begins on line {self._broken:,} and cannot be read"
                )
                return Row(None, problem, self._text(at, at + 1), at + 1, at + 1)
        return None

    def _has_swallowed_rows(self, values: Values, begin: int, end: int) -> bool:
        """Whether a row does not fit, and all lines between its first and its last do."""
        lines = [
            line for line in self._held[begin + 1 - self._before : end - 1 - self._before] if line.strip()
        ]
        if not lines or self.shape is None or self.shape.fit(values) is not None:
            return False
        return all(map(self._is_row, lines))

    def _is_row(self, line: str) -> bool:
        try:
            [values] = self._with_delimiters(list(csv.reader([line], **self._dialect)))
        except (csv.Error, ValueError):
            return False
        fits = self.shape is not None and self.shape.fit(values) is not None
        return fits and not self._has_stray_quote(values, line)

    def _begins_row(self, line: str) -> bool:
        try:
            list(csv.reader([line], **self._dialect))
        except csv.Error as error:
            return str(error) == NOT_ENDED
        return False

    def _has_stray_quote(self, values: Values, text: str) -> bool:
        """Whether a value holds a quote that is neither doubled nor escaped."""
        if self._quote is None or self._doubled in text:
            return False
        return any(self._quote in value for value in values)
