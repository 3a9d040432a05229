"""Finds how delimited text is written: delimiter, quotes, header, and what stands around the table."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.commands.columns import NULL_TEXTS
from airflow_provider_cdf_records.commands.moments import Moments
from airflow_provider_cdf_records.commands.numbers import Numbers

DELIMITERS = (",", ";", "\t", "||", "|", "~", "^", "\x1f", "\x01")
UNIT = "\x1e"  # stands for a delimiter of several characters while the text is looked at
COMMENTS = ("#", "//", "%", "--")
ROWS = 500  # that are looked at
NOT_SPLIT = 0.3  # what counts a delimiter by which the header still holds another one
TITLED = 3  # columns, at least, of a table whose title may be filled up with delimiters
LEAST_SHARE = 0.5  # of rows that have as many values as the header
SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n])", re.MULTILINE)
SPACE_AND_QUOTE = re.compile(r'[,;|] +"')
UNIT_CELL = re.compile(r"\[.*\]|\(.*\)|[^\W\d]{1,6}|[^\w\s]{1,3}\w{0,4}|\w{1,6}[/·*^][\w²³]{1,8}|")


@dataclass
class Dialect:
    """How a file is written.

    :ivar options: ``file_options`` that differ from the defaults.
    :ivar notes: what was found, for the user.
    """

    options: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def dialect_of(text: str, *, is_all: bool, default: str, given: dict[str, Any]) -> Dialect:
    """Return how a text is written.

    :param text: the start of the file, without a byte order mark.
    :param is_all: whether that is the whole file.
    :param default: the delimiter of the format.
    :param given: options that the user gave, which are not guessed.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not is_all:
        text = text[: text.rfind("\n") + 1]
    found = Dialect()
    named = re.match(r"sep=([^\n]+)\n", text)
    if named:
        text = "\n" + text[named.end() :]  # so that lines keep their numbers
    comment = given.get("comment") or _comment_in(text)
    if comment:
        lines = text.splitlines(keepends=True)
        text = "".join("\n" if line.startswith(comment) else line for line in lines)
        found.options["comment"] = comment
    quotechar = given.get("quotechar", _quotechar_of(text))
    escapechar = given.get("escapechar") or ("\\" if '\\"' in text else None)
    if quotechar != '"':
        found.options["quotechar"] = quotechar
    if escapechar and "escapechar" not in given:
        found.options["escapechar"] = escapechar
    skip_space = SPACE_AND_QUOTE.search(text) is not None
    if skip_space:
        found.options["skip_initial_space"] = True
    reading = {"quotechar": quotechar, "escapechar": escapechar, "skipinitialspace": skip_space}
    choice = [given["delimiter"]] if "delimiter" in given else [named[1]] if named else list(DELIMITERS)
    tables = [_Table(text, delimiter, reading) for delimiter in choice]
    table = max(tables, key=lambda table: table.score)
    if table.score <= 0 or not table.width:
        table = _Table(text, default, reading)
    if table.delimiter != default:
        found.options["delimiter"] = table.delimiter
    _look_around(table, found, is_all=is_all and not comment)
    _look_at_header(table, found)
    return found


class _Table:
    """The rows of a text, split at a delimiter.

    :ivar width: how many values most rows have.
    :ivar first: the index of the first row that has as many.
    """

    def __init__(self, text: str, delimiter: str, reading: dict[str, Any]) -> None:
        self.delimiter = delimiter
        if len(delimiter) > 1:
            text = text.replace(delimiter, UNIT)
            delimiter = UNIT
        rows = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, quoting=_quoting(reading), **reading
        )
        self.rows: list[list[str]] = []
        self.lines: list[int] = []  # before each row, blank ones included
        before = 0
        try:
            for row in rows:
                if row:
                    self.rows.append(row)
                    self.lines.append(before)
                before = rows.line_num
                if len(self.rows) >= ROWS:
                    break
        except csv.Error:
            pass
        self.is_cut = len(self.rows) >= ROWS
        widths = Counter(map(len, self.rows))
        self.width = max(widths, key=lambda width: (widths[width], width), default=0)
        self.first = self._after_titles(
            next((at for at, row in enumerate(self.rows) if len(row) == self.width), 0)
        )

    def _after_titles(self, first: int) -> int:
        """Return where the header is after rows of few values, filled up with delimiters as Excel does."""
        at = first
        while at < len(self.rows) and 2 * _filled(self.rows[at]) < self.width:
            at += 1
        if at in (first, len(self.rows)) or self.width < TITLED:
            return first
        header = self.rows[at]
        is_header = all(header[: _filled(header)]) and not any(_is_typed([cell]) for cell in header)
        return at if is_header else first

    @property
    def score(self) -> float:
        """How likely the delimiter is the right one; 0 where it splits nothing."""
        fitting = sum(len(row) == self.width for row in self.rows)
        share = fitting / len(self.rows) if self.rows else 0
        if self.width <= 1 or share < LEAST_SHARE:
            return 0
        others = [other for other in ";,\t|" if other != self.delimiter[0]]
        header = self.rows[self.first]
        is_split = not any(other in cell for cell in header for other in others)
        return sum(map(bool, header)) * share**2 * (1 if is_split else NOT_SPLIT)

    @property
    def body(self) -> list[list[str]]:
        """The rows after the first one that are as wide."""
        return [row for row in self.rows[self.first + 1 :] if len(row) == self.width]


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _quoting(reading: dict[str, Any]) -> Any:
    return csv.QUOTE_NONE if reading["quotechar"] is None else csv.QUOTE_MINIMAL


def _quotechar_of(text: str) -> str | None:
    singles = len(SINGLE_QUOTED.findall(text))
    return "'" if singles > 1 and singles > text.count('"') else '"'


def _comment_in(text: str) -> str | None:
    """Return what comment lines begin with: those before the header, or between rows."""
    lines = [line for line in text.splitlines()[:ROWS] if line.strip()]
    for mark in COMMENTS:
        marked = [line for line in lines if line.startswith(mark)]
        others = [line for line in lines if not line.startswith(mark)]
        if not marked or len(marked) >= len(others):
            continue
        header = others[0] if others else ""
        if marked == [lines[0]] and any(
            lines[0].count(delimiter) == header.count(delimiter) > 0 for delimiter in DELIMITERS
        ):
            continue  # a header whose first name begins so
        return mark
    return None


def _look_around(table: _Table, found: Dialect, *, is_all: bool) -> None:
    """Find the lines before and after the table."""
    if table.first and table.width > 1:
        before = table.lines[table.first]
        found.options["skip_rows"] = before
        found.notes.append(f"{before} line{'s' * (before > 1)} before the header skipped")
        table.rows, table.lines = table.rows[table.first :], table.lines[table.first :]
        table.first = 0
    if is_all and not table.is_cut and table.width > 1:
        footer = 0
        while footer < len(table.rows) - 1 and len(table.rows[-1 - footer]) < table.width:
            footer += 1
        if footer:
            found.options["skip_footer"] = footer
            found.notes.append(f"{footer} row{'s' * (footer > 1)} after the table skipped")
            del table.rows[-footer:]


def _look_at_header(table: _Table, found: Dialect) -> None:
    """Find out whether the first row names the columns, and whether the second one holds their units."""
    body = table.body
    if not table.rows or not body:
        return
    header = table.rows[table.first]
    typed = [_is_typed([row[number] for row in body[1:] or body]) for number in range(table.width)]
    if any(typed) and all(_is_typed([header[number]]) for number, is_typed in enumerate(typed) if is_typed):
        found.options["header"] = [f"column_{number}" for number in range(1, table.width + 1)]
        found.notes.append("no header: the first row looks like the others; name the columns in 'header'")
        return
    if len(set(header)) < len([name for name in header if name]) + ("" in header):
        line = table.lines[table.first] + 1
        found.options |= {"header": _all_different(header), "skip_rows": line}
        found.notes.append("columns of one name are numbered: see 'header'")
    if len(body) > 1 and _are_units(body[0], typed):
        units = table.lines[table.first + 1] + 1
        found.options["skip_rows"] = [*range(1, found.options.get("skip_rows", 0) + 1), units]
        found.notes.append(f"line {units} looks like units: skipped")


def _all_different(names: Sequence[str]) -> list[str]:
    result: list[str] = []
    for number, name in enumerate(names, start=1):
        again, base = 1, name.strip() or f"column {number}"
        unique = base
        while unique in result:
            again += 1
            unique = f"{base}_{again}"
        result.append(unique)
    return result


def _are_units(row: Sequence[str], typed: Sequence[bool]) -> bool:
    cells = [cell.strip() for cell, is_typed in zip(row, typed, strict=True) if is_typed]
    return (
        any(cells)
        and all(UNIT_CELL.fullmatch(cell) for cell in cells)
        and not any(_is_typed([cell]) or cell in NULL_TEXTS - {"-"} for cell in cells)
    )


def _is_typed(cells: Sequence[str]) -> bool:
    """Whether all cells with a value are numbers or points in time."""
    texts = [cell.strip() for cell in cells if cell.strip() and cell.strip() not in NULL_TEXTS]
    numbers, moments = Numbers(), Moments("")
    numbers.add(texts)
    moments.add(texts)
    return bool(texts) and (bool(numbers.styles) or moments.kind is not None)
