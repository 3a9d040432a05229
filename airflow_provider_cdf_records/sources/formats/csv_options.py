"""The options of CSV and TSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.number_style import (
    POINT,
    NumberStyle,
    is_decimal_sign,
    is_separator,
)
from airflow_provider_cdf_records.sources.formats.text_options import TextOptions, check_text_options

CHARACTERS = ("delimiter", "quotechar", "escapechar")  # what separates and quotes values; all must differ


@dataclass(frozen=True)
class CsvOptions(TextOptions):
    """How a CSV file is written, besides what all formats of text have.

    :param null_values: what stands for no value: by default, only an empty value.
    :param delimiter: one or more characters, such as ``;`` or ``||``; a comma by default (a tab for
        ``.tsv``), or what a first line such as ``sep=;`` says.
    :param header: the names of the columns, for a file that does not have them in its first row.
    :param skip_rows: how many lines to skip at the start, before the header; or the numbers of the lines to
        skip, counted from 1 as editors do: ``[2]`` leaves out a row of units below the header.
    :param skip_footer: how many rows to leave out at the end; blank ones are not counted.
    :param comment: what lines begin with that are no rows.
    :param quotechar: one character; ``None`` where quotes are characters like others.
    :param escapechar: one character; after it, quotes and delimiters are characters like others. A row in
        which it stands before a letter is rejected, but for a value that is ``\\N`` alone, which
        ``null_values`` may name.
    :param skip_initial_space: whether spaces after a delimiter are left out.
    :param decimal: the decimal sign of numbers, for the mapping.
    :param thousands: what separates the thousands of numbers, for the mapping.
    """

    null_values: Sequence[str] = ("",)
    delimiter: str | None = None
    header: Sequence[str] | None = None
    skip_rows: int | Sequence[int] = 0
    skip_footer: int = 0
    comment: str | None = None
    quotechar: str | None = '"'
    escapechar: str | None = None
    skip_initial_space: bool = False
    decimal: str | None = None
    thousands: str | None = None

    default_delimiter: ClassVar[str] = ","

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> CsvOptions:
        """Return options from a mapping, in which ``None`` stands for the default.

        :raises InvalidArgumentError: naming the option that makes no sense.
        """
        given = {name: value for name, value in given.items() if value is not None or name == "quotechar"}
        check_text_options(given)
        for name, value in given.items():
            if value is not None and (problem := _problem_of(name, value)):
                msg = f"file_options: {name} must be {problem}, got {value!r}."
                raise InvalidArgumentError(msg)
        if "header" in given:
            _check_header(given["header"])
        options = cls(**given)
        options.check_together()
        return options

    def check_together(self) -> None:
        """Compare options with each other.

        :raises InvalidArgumentError: for two that contradict each other.
        """
        delimiter = self.delimiter or self.default_delimiter
        signs = {"delimiter": delimiter, "quotechar": self.quotechar, "escapechar": self.escapechar}
        for one, other in combinations(CHARACTERS, 2):
            first, second = signs[one], signs[other]
            if first is None or second is None or second not in first:
                continue
            msg = f"file_options: {one} and {other} must differ, got {second!r} for both."
            if first != second:
                msg = f"file_options: {one} must not hold the {other}, got {first!r} and {second!r}."
            raise InvalidArgumentError(msg)
        if self.comment is not None and self.comment == delimiter:
            msg = f"file_options: comment and delimiter must differ, got {delimiter!r} for both."
            raise InvalidArgumentError(msg)
        if self.comment is not None and self.comment == self.quotechar:
            msg = f"file_options: comment and quotechar must differ, got {self.comment!r} for both."
            raise InvalidArgumentError(msg)
        escape = self.escapechar
        escaped = [text for text in self.null_values if escape and escape in text and text != f"{escape}N"]
        if escaped:
            msg = (
                f"file_options: null_values must not hold the escapechar {self.escapechar!r}, got "
                f"{escaped[0]!r}: values are compared without it, but for '{escape}N' alone."
            )
            raise InvalidArgumentError(msg)
        if NumberStyle(self.decimal, self.thousands).has_one_sign_for_both:
            hint = "" if self.decimal else f"; decimal is {POINT!r} unless it is given, such as decimal=','"
            msg = f"file_options: thousands and decimal must differ, got {self.thousands!r} for both{hint}."
            raise InvalidArgumentError(msg)
        for name, sign in (("decimal", self.decimal), ("thousands", self.thousands)):
            if sign == delimiter and self.quotechar is None and self.escapechar is None:
                msg = (
                    f"file_options: {name} and delimiter must differ where values are not quoted, "
                    f"got {sign!r} for both."
                )
                raise InvalidArgumentError(msg)


class TsvOptions(CsvOptions):
    """How a TSV file is written: as CSV, but with tabs."""

    default_delimiter: ClassVar[str] = "\t"


def _problem_of(name: str, value: object) -> str | None:
    """Return what an option must be, if its value is something else."""
    if name in ("quotechar", "escapechar") and not (_is_text(value) and len(str(value)) == 1):
        return "one character, neither a line end nor null"
    if name == "delimiter" and not _is_text(value):
        return "one or more characters, neither a line end nor null"
    if name == "delimiter" and len(str(value)) > 1 and "\\" in str(value):
        return "the characters themselves (a tab is '\\t' in Python, or a real tab in JSON)"
    if name == "comment" and not (_is_text(value) and str(value).strip()):
        return "the text with which comment lines begin, without line ends"
    if name == "header" and not _is_list_of(value, str):
        return "a list of texts"
    if name == "skip_rows" and not (_is_count(value) or _is_list_of(value, int, minimum=1)):
        return "how many lines to skip at the start, or a list of line numbers (counted from 1)"
    if name == "skip_footer" and not _is_count(value):
        return "how many rows to leave out at the end"
    if name == "skip_initial_space" and not isinstance(value, bool):
        return "true or false"
    if name == "decimal" and not is_decimal_sign(value):
        return "one character, such as ','"
    if name == "thousands" and not is_separator(value):
        return "one character, such as '.', a space or an apostrophe"
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and not set(value) & set("\r\n\0")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of(value: object, kind: type, minimum: int | None = None) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(item, kind)
        and not isinstance(item, bool)
        and (minimum is None or (isinstance(item, int) and item >= minimum))
        for item in value
    )


def _check_header(header: Sequence[str]) -> None:
    if not header:
        msg = "file_options: header must name the columns, got an empty list; leave it out to read them."
        raise InvalidArgumentError(msg)
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        msg = f"file_options: header names column {twice[0]!r} more than once; each needs a name of its own."
        raise InvalidArgumentError(msg)
