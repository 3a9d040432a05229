"""Checks that the rows have the columns that a mapping names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches

from airflow_provider_cdf_records.mapping.table import Table
from airflow_provider_cdf_records.records.chunk import Chunk, Columns
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.problems import listed

Where = Callable[[int], str]
BEGINNING = 3  # letters, at least, that two names begin with
ALIKE = 0.75  # how much two names have in common, from 0 to 1, for one to be a misspelling of the other
DELIMITERS = (";", "\t", "|", ",")


def with_parents(columns: Iterable[str]) -> set[str]:
    """Return the columns, and for each path such as ``pump.id`` also the column that it starts with."""
    return {name for column in columns for name in (column, _parent(column))}


def rows_in_words(positions: Sequence[int], where: Where | None) -> str:
    """Return what errors call the rows of which these are the first.

    :param where: a position of their source in words.
    """
    if where is None:
        return "the rows"
    return f"the rows from {where(positions[0])} on"


class UniqueCheck:
    """Checks that no two columns of a table have the name of one that a mapping takes.

    :param mapped: the columns that it takes; ``None``: all.
    :param where: a position of the source in words, for the error.
    """

    def __init__(self, mapped: Collection[str] | None, where: Where | None = None) -> None:
        self._mapped = mapped
        self._where = where
        self._checked: Columns | None = None

    def __call__(self, chunk: Chunk) -> None:
        """Check the columns of a chunk, unless they are those of the one before.

        :raises InvalidArgumentError: naming the column.
        """
        if chunk.columns is None or chunk.columns is self._checked:
            return
        positions = chunk.positions or [refusal.position for refusal in chunk.refusals]
        self.check(chunk.columns, rows_in_words(positions or [chunk.end.position + 1], self._where))
        self._checked = chunk.columns

    def check(self, columns: Columns, rows: str) -> None:
        """Check the names of columns.

        :param rows: which rows have them, in words.
        :raises InvalidArgumentError: naming the column.
        """
        for name, count in Counter(columns).items():
            if count > 1 and (self._mapped is None or name in self._mapped):
                msg = (
                    f"mapping: {rows} have column {name!r} more than once; one that is mapped needs a name "
                    "of its own."
                )
                raise InvalidArgumentError(msg)


class ColumnCheck:
    """Compares the first rows of each file with the columns that a mapping names.

    :param required: the columns that the first rows must have.
    :param may_be_optional: those that the mapping could call optional instead.
    :param begun_file: the index of a file that an earlier load has begun; in its middle, rows need not have
        all columns.
    :param where: a position of the source in words, for the error.
    """

    def __init__(
        self,
        required: Iterable[str],
        may_be_optional: Collection[str] = (),
        *,
        begun_file: int | None = None,
        where: Where | None = None,
    ) -> None:
        self._required = list(required)
        self._may_be_optional = may_be_optional
        self._file = begun_file
        self._columns: Columns | None = None
        self._where = where

    def is_due(self, chunk: Chunk) -> bool:
        """Return whether rows may be the first of a file, or have other columns than those before."""
        columns = chunk.columns
        return chunk.end.file != self._file or (columns is not None and columns != self._columns)

    def __call__(self, table: Table, chunk: Chunk) -> str | None:
        """Check the rows if they are the first ones of a file or have other columns than those before.

        A header is checked without its rows, too.

        :returns: which rows they are, in words; ``None`` when they need no check.
        :raises InvalidArgumentError: naming the column that they lack.
        """
        if not self.is_due(chunk) or not (table.rows or _is_header(chunk)):
            return None
        if table.rows:
            self._file, self._columns = chunk.end.file, chunk.columns
        if chunk.is_retried:
            return None
        rows = rows_in_words(table.positions or [chunk.end.position + 1], self._where)
        self.check(table.names(), rows, is_table=chunk.columns is not None)
        return rows

    def check(self, names: Sequence[str], rows: str, *, is_table: bool) -> None:
        """Check the names of columns.

        :param rows: which rows have them, in words.
        :param is_table: whether every row has all of them.
        :raises InvalidArgumentError: naming the column that is not among them.
        """
        known = set(names)
        for column in self._required:
            if column in known or _parent(column) in known:
                continue
            hint = _hint(column, names, is_table=is_table)
            if not is_table and column in self._may_be_optional:
                hint += f" If only some rows have it, map {{'column': {column!r}, 'optional': true}}."
            msg = f"mapping: {rows} have no column {column!r}; they have {listed(names)}.{hint}"
            raise InvalidArgumentError(msg)


def _is_header(chunk: Chunk) -> bool:
    """Whether a chunk has columns alone."""
    return chunk.columns is not None and not (chunk.rows or chunk.refusals)


def _hint(column: str, names: Sequence[str], *, is_table: bool) -> str:
    """Return what to do about a column that is missing; empty where that is not known."""
    if is_table and len(names) == 1:
        found = next((delimiter for delimiter in DELIMITERS if delimiter in names[0]), None)
        if found is not None:
            return f" Is the delimiter {found!r}? Then set file_options={{'delimiter': {found!r}}}."
        if not names[0].replace(" ", "").isidentifier():
            return " Is the delimiter right (file_options)?"
    alike = {_normalized(name): name for name in reversed(names)}
    near = alike.get(_normalized(column))
    if near is None:
        near = next(iter(get_close_matches(column, names, 1, ALIKE)), None) or _longer(column, names)
    return "" if near is None else f" Did you mean {near!r}?"


def _longer(column: str, names: Sequence[str]) -> str | None:
    """Return the one name that begins like a column, or that it begins like: ``time`` and ``timestamp``."""
    normalized = _normalized(column)
    found = [
        name
        for name in names
        if len(min(normalized, _normalized(name), key=len)) >= BEGINNING
        and (_normalized(name).startswith(normalized) or normalized.startswith(_normalized(name)))
    ]
    return found[0] if len(found) == 1 and "." not in column else None  # not the path into a value


def _normalized(name: str) -> str:
    """Return a name without what people and programs change in it: case, spaces and underscores."""
    return "".join(filter(str.isalnum, name.casefold())) or name


def _parent(column: str) -> str:
    return column.partition(".")[0]
