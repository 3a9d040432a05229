"""How the values of a CSV row are separated and quoted, for Python's ``csv``."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any

from airflow_provider_cdf_records.sources.formats.csv_escapes import Escapes
from airflow_provider_cdf_records.sources.formats.csv_lines import DELIMITER_MARK
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions
from airflow_provider_cdf_records.sources.formats.csv_shape import Values

LONGEST_FIELD = 10_000_000  # characters, as many as bytes go into a request; Python's own limit is far lower
NOT_ENDED = "unexpected end of data"  # an error of the csv module


class Dialect:
    """Reads lines as rows of values.

    :param delimiter: what separates values. Lines have ``DELIMITER_MARK`` in place of one of several
        characters, as the csv module takes but one.
    """

    def __init__(self, options: CsvOptions, delimiter: str) -> None:
        self.delimiter = delimiter
        self._is_marked = len(delimiter) > 1
        self._quote = options.quotechar
        self._escaped_quotes = [options.quotechar * 2] if options.quotechar else []
        if options.escapechar:
            self._escaped_quotes.append(options.escapechar)
        self.escapes = Escapes(options.escapechar, delimiter) if options.escapechar else None
        self._parameters: dict[str, Any] = {
            "delimiter": DELIMITER_MARK if self._is_marked else delimiter,
            "quotechar": options.quotechar,
            "quoting": csv.QUOTE_NONE if options.quotechar is None else csv.QUOTE_MINIMAL,
            "escapechar": options.escapechar,
            "skipinitialspace": options.skip_initial_space,
            "strict": True,
        }
        self._is_plain = not (options.escapechar or options.skip_initial_space)
        csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))

    def reader(self, lines: Iterable[str]) -> Any:
        """Return a reader of the csv module, whose rows are completed by :meth:`with_delimiters`."""
        return csv.reader(lines, **self._parameters)

    def split(self, lines: list[str]) -> list[Values] | None:
        """Return lines as rows, without the blank ones, if each is one and nothing in it is quoted.

        That takes a fraction of the time that the csv module takes for the same rows. ``None``: it has to
        read them.
        """
        text = "".join(lines)
        if not self._is_plain or len(text) > LONGEST_FIELD or (self._quote and self._quote in text):
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        found = text.removesuffix("\n").split("\n")
        if len(found) != len(lines):
            return None
        delimiter = self._parameters["delimiter"]
        return [line.split(delimiter) for line in found if line]

    def with_delimiters(self, rows: list[Values]) -> list[Values]:
        """Put delimiters of several characters back into the values."""
        if not self._is_marked:
            return rows
        return [[value.replace(DELIMITER_MARK, self.delimiter) for value in row] for row in rows]

    def marked(self, text: str) -> str:
        """Return a text as lines hold it."""
        return text.replace(self.delimiter, DELIMITER_MARK) if self._is_marked else text

    def unmarked(self, text: str) -> str:
        """Return a text of lines as it stands in the file."""
        return text.replace(DELIMITER_MARK, self.delimiter) if self._is_marked else text

    def values_of(self, line: str) -> Values | None:
        """Return the values of a line that is a row; ``None`` for any other line."""
        try:
            [values] = self.with_delimiters(list(self.reader([line])))
        except (csv.Error, ValueError):
            return None
        return None if self.has_stray_quote(values, line) else values

    def is_begun_by(self, line: str) -> bool:
        """Whether a line is the first one of a row that spans several."""
        try:
            list(self.reader([line]))
        except csv.Error as error:
            return str(error) == NOT_ENDED
        return False

    def has_stray_quote(self, values: Values, text: str) -> bool:
        """Whether a value holds a quote that is neither doubled nor escaped.

        :param text: of the whole row.
        """
        if self._quote is None or any(escaped in text for escaped in self._escaped_quotes):
            return False
        return any(self._quote in value for value in values)

    def problem_with_escapes(self, text: str) -> str | None:
        """Return why the escapes in a row would not be read as they are meant; ``None`` if they would.

        :param text: of the whole row.
        """
        escape = self.escapes.letter_in(text) if self.escapes else None
        if escape is None:
            return None
        return (
            f"has {escape!r}, of which escapechar would leave {escape[1:]!r} alone; if {escape[:1]!r} is a "
            "character like others here, write it twice, or leave escapechar out"
        )

    def explain(self, error: csv.Error) -> str:
        """Return why a row cannot be read."""
        what = str(error)
        if what == NOT_ENDED:
            return "has a quote that is not closed"
        if what.startswith("field larger"):
            return f"has a value of more than {LONGEST_FIELD:,} characters"
        if "NUL" in what:
            return "holds a null byte"
        return f"is not CSV: {self.unmarked(what)}. Is a quote left open, or not doubled?"
