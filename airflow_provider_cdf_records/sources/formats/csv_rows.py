"""The rows of a CSV file: many at a time where they are whole, else each by itself with its lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from airflow_provider_cdf_records.sources.formats.csv_dialect import Dialect
from airflow_provider_cdf_records.sources.formats.csv_held import HeldLines, LookCloserError
from airflow_provider_cdf_records.sources.formats.csv_lines import (
    LONGEST_LINE,
    MARKED_BYTE,
    UNCLEAN,
    CutLine,
    byte_in,
)
from airflow_provider_cdf_records.sources.formats.csv_shape import Shape, Values
from airflow_provider_cdf_records.sources.source import FormatError, rows_at_once

MOST_LINES = 100_000  # of a row: a quote that is open for longer was never meant to be
NOT_CLOSED = "has a quote that is not closed"


class CsvRow(NamedTuple):
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


class _RowError(Exception):
    """A row that is not read further."""


class CsvRowReader:
    """Reads the rows of a file.

    After a row that cannot be read it goes on with the line after the one on which that row began.

    :param comment: what lines begin with that are no rows.
    :param encoding: of the file, for messages.
    :ivar shape: what fits rows to the columns, once these are known.
    """

    def __init__(self, lines: HeldLines, dialect: Dialect, comment: str | None, encoding: str) -> None:
        self.shape: Shape | None = None
        self._lines = lines
        self._dialect = dialect
        self._comment = None if comment is None else dialect.marked(comment)
        self._encoding = encoding
        self._many: Any = None  # a reader of rows together
        self._many_from = 0  # the line on which it began
        self._are_plain = True  # the rows so far: one a line, and nothing quoted
        self._single: Any = None  # a reader of rows by themselves
        self._begin: int | None = None  # the line on which the row begins that it reads
        self._next = 0  # the line that it takes next
        self._broken = 0  # the line on which the last row begins that spans lines and cannot be read
        self._doubtful = 0  # the line up to which lines may belong to it
        self._belonging = 0  # the line up to which lines seem to belong to it
        self._cut: FormatError | None = None  # of a slice that ends inside of a row

    @property
    def line_number(self) -> int:
        """How many lines there are before the next row."""
        return self._lines.at

    @property
    def is_between_rows(self) -> bool:
        """Whether what follows can be read alone: no row that cannot be read may go on there."""
        return self._lines.at >= max(self._doubtful, self._belonging)

    def next_many(self, shape: Shape) -> list[Values] | None:
        """Return the next rows without blank ones; none at the end.

        ``None``: they have to be read by themselves.
        """
        lines = self._lines
        while lines.at >= max(lines.unclean, self._doubtful, self._belonging):
            try:
                rows, end = self._split_lines() or self._parsed_lines()
            except Exception:  # reading each row by itself shows which of them it is
                break
            fitting = shape.fit_all(self._dialect.with_delimiters(rows))
            if fitting is None:
                break
            is_end = end == lines.at
            lines.at = end
            if fitting or is_end:
                return fitting
        self._many = None
        return None

    def _split_lines(self) -> tuple[list[Values], int] | None:
        """Return the next rows and the line after them; ``None`` if they have to be parsed.

        :raises LookCloserError: when one of their lines is not clean.
        """
        lines = self._lines
        if not self._are_plain:
            return None
        some = lines.next_lines(rows_at_once(lines.line_size))
        if lines.at < lines.unclean:
            raise LookCloserError
        rows = self._dialect.split(some)
        if rows is None:
            self._are_plain = False
            return None
        self._single = None
        return rows, lines.at + len(some)

    def _parsed_lines(self) -> tuple[list[Values], int]:
        lines = self._lines
        if self._many is None:
            self._single = None
            self._many = self._dialect.reader(chain.from_iterable(lines.ahead()))
            self._many_from = lines.at
        lines.start_rows()
        rows = list(islice(self._many, rows_at_once(lines.line_size)))
        return rows, self._many_from + self._many.line_num

    def next_row(self) -> CsvRow | None:
        """Return the next row by itself, which may be a bad one, but no blank one; ``None`` at the end."""
        self._many = None
        if self._cut is not None:
            raise self._cut
        while True:
            row = self._belonging_line() or self._read_row()
            if row is None or row.problem:
                return row
            values = row.values or []
            if self.shape is None:
                if any(map(str.strip, values)):
                    return row
            elif not self.shape.is_blank(values):
                fitting = self.shape.fit(values)
                if fitting is None:
                    return row._replace(problem=self.shape.problem_of(values), is_whole=True)
                return row._replace(values=fitting)

    def _read_row(self) -> CsvRow | None:
        if self._single is None:
            self._single = self._dialect.reader(self._lines_ahead())
        self._begin = None
        values, problem = None, ""
        try:
            values = next(self._single, None)
        except csv.Error as error:
            problem = self._dialect.explain(error)
        except _RowError as error:
            problem = str(error)
        except Exception:  # of the file
            self._single = None
            raise
        if self._begin is None:
            return None
        begin, end = self._begin, self._next
        if values is None:
            self._judge(begin, end)
            self._check_end(begin, max(self._doubtful, self._belonging))
            return self._refuse_line(begin, problem)
        self._check_end(begin, end)
        [values] = self._dialect.with_delimiters([values])
        if self._has_swallowed_rows(values, begin, end):
            self._broken, self._doubtful = begin + 1, end
            return self._refuse_line(begin, NOT_CLOSED)
        text = "".join(self._lines.between(begin, end))
        if begin < self._doubtful and self._dialect.has_stray_quote(values, text):
            problem = f"may belong to the row that begins on line {self._broken:,} and cannot be read"
        elif begin < self._lines.unclean and UNCLEAN.search(text):
            problem = self._explain_unclean(values)
        elif escaped := self._dialect.problem_with_escapes(text):
            problem = escaped
        self._lines.at = end
        return CsvRow(values, problem, self._text(begin, end), begin + 1, end)

    def _lines_ahead(self) -> Iterator[str]:
        """Yield lines for the reader of rows by themselves, which takes no more than a row needs."""
        self._next = self._lines.at
        size = 0
        while (line := self._lines.line(self._next)) is not None:
            if self._begin is None and self._lines.is_beyond(self._next):
                return
            self._next += 1
            if self._begin is None:
                if self._comment and line.startswith(self._comment):
                    self._lines.at = self._next
                    continue
                self._begin = self._lines.at = self._next - 1
                size = 0
            size += len(line)
            if isinstance(line, CutLine):
                msg = f"is on a line of more than {LONGEST_LINE:,} characters"
                raise _RowError(msg)
            if size > LONGEST_LINE or self._next - self._begin > MOST_LINES:
                msg = f"{NOT_CLOSED} within {MOST_LINES:,} lines or {LONGEST_LINE:,} characters"
                raise _RowError(msg)
            yield line

    def _check_end(self, begin: int, end: int) -> None:
        """Refuse a slice that ends inside of a row.

        :raises FormatError: then.
        """
        if self._lines.is_beyond(end - 1):
            msg = (
                f"is cut inside of a row: that on line {begin + 1:,} of the slice goes on after its end. "
                "Slices of CSV end where rows do, which split_source finds."
            )
            self._cut = FormatError(msg)
            raise self._cut

    def _refuse_line(self, at: int, problem: str) -> CsvRow:
        """Return a line as a row that cannot be read, and go on after it."""
        row = CsvRow(None, problem, self._text(at, at + 1), at + 1, at + 1)
        self._single = None
        self._lines.at = at + 1
        return row

    def _text(self, begin: int, end: int) -> str:
        return self._dialect.unmarked(self._lines.text(begin, end))

    def _explain_unclean(self, values: Values) -> str:
        for number, value in enumerate(values):
            if found := MARKED_BYTE.search(value):
                column = self.shape.name_of(number) if self.shape else f"column {number + 1}"
                return (
                    f"has the byte 0x{byte_in(found[0]):02x} in {column}, which is not {self._encoding}; set "
                    "the right one in file_options={'encoding': ...}, or see encoding_errors"
                )
        return "holds a null byte"

    # What a row that spans several lines and cannot be read leaves behind: either its first line has a quote
    # too many, and rows follow; or it was meant to span these lines, which are none.

    def _judge(self, begin: int, end: int) -> None:
        """Look whether the further lines of a row that cannot be read are rows."""
        filled = [line for line in self._lines.between(begin + 1, end) if not line.isspace()]
        if not filled or self.shape is None:
            return
        if begin < self._doubtful:
            self._doubtful = max(self._doubtful, end)
            return
        self._broken = begin + 1
        if sum(map(self._is_row, filled)) + self._dialect.is_begun_by(filled[-1]) >= len(filled) / 2:
            self._doubtful = end
        else:
            self._belonging = end

    def _belonging_line(self) -> CsvRow | None:
        """Return the next line of a row that cannot be read, if one is left."""
        while (at := self._lines.at) < self._belonging:
            row = self._refuse_line(
                at, f"seems to belong to the row that begins on line {self._broken:,} and cannot be read"
            )
            if row.text.strip():
                return row
        return None

    def _has_swallowed_rows(self, values: Values, begin: int, end: int) -> bool:
        """Whether a row does not fit, while all lines between its first and its last do."""
        if end - begin < 3 or self.shape is None or self.shape.fit(values) is not None:  # noqa: PLR2004
            return False
        lines = [line for line in self._lines.between(begin + 1, end - 1) if not line.isspace()]
        return bool(lines) and all(map(self._is_row, lines))

    def _is_row(self, line: str) -> bool:
        values = self._dialect.values_of(line)
        return values is not None and self.shape is not None and self.shape.fit(values) is not None
