"""Chunks of rows, and the records made of them; a chunk at a time, little Python runs for each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any, NamedTuple

from airflow_provider_cdf_records.records.decoding import (
    NOT_JSON,
    decode_leniently,
    decode_object_exactly,
)

Identity = str  # "space/externalId"; unique, because a space holds no slash
WITHOUT_A_NAME = "values without a column"  # key of the surplus values of a row
WITHOUT_A_VALUE = "columns without a value"  # key of the columns for which a row has no values
Columns = tuple[str, ...]
# JSON as bytes, a mapping, or a table's row: (columns, values, texts that mean null); JSON or a mapping in
# which texts mean null is (row, texts that mean null). Any of them may come with the style of its numbers:
# (row, style).
Row = Any


class NumberStyle(NamedTuple):
    """How the numbers in the texts of a file are written; ``None`` stands for the usual way.

    :param decimal: before the fraction, by default a point.
    :param thousands: between groups of three digits, by default nothing.
    """

    decimal: str | None = None
    thousands: str | None = None


NUMBER_STYLE_KEYS = tuple(NumberStyle.__annotations__)


def name_of_unnamed(number: int) -> str:
    """Return the name of a table's column that has none.

    :param number: of the column, counted from 1.
    """
    return f"column {number}"


class Mark(NamedTuple):
    """How far a source has been read, or how far a load has come.

    :param position: of the last row before the mark.
    :param offset: bytes of the file before it, where the file can be read from there on.
    :param file: index of the file, where the source has several.
    :param before: positions in the files before that one.
    :param read: rows that the load has read before it.
    :param rejected: how many of them were rejected.
    :param superseded: for how many of them a later row of the same identity stands.
    """

    position: int
    offset: int = 0
    file: int = 0
    before: int = 0
    read: int = 0
    rejected: int = 0
    superseded: int = 0


class Refusal(NamedTuple):
    """A row that cannot become a record, and why."""

    position: int
    row: Row
    message: str


class Chunk(NamedTuple):
    """Rows as a source delivers them.

    :param positions: of each row.
    :param rows: JSON as bytes, mappings, or (with ``columns``) sequences of values.
    :param end: the mark after the last row.
    :param columns: the names of the values, where the rows are those of a table.
    :param nulls: texts that mean that there is no value in a column.
    :param refusals: rows that the source itself cannot read.
    :param is_retried: whether the rows come from a rejected-records file; they need not have all columns.
    """

    positions: Sequence[int]
    rows: list[Any]
    end: Mark
    columns: Columns | None = None
    nulls: frozenset[str] = frozenset()
    refusals: Sequence[Refusal] = ()
    is_retried: bool = False

    def as_read(self) -> list[Row]:
        """Return the rows as they were read, with their columns and what means null, if they have any."""
        if self.columns is None:
            return list(zip(self.rows, repeat(self.nulls), strict=False)) if self.nulls else self.rows
        return list(zip(repeat(self.columns), self.rows, repeat(self.nulls), strict=False))


class Records(NamedTuple):
    """Checked records, column by column.

    :param bodies: their JSON, as it goes to CDF.
    :param rows: as they were read.
    :param refusals: the rows that cannot become records.
    :param request: the body of a request with all records, where the checks needed one.
    """

    positions: Sequence[int]
    identities: list[Identity]
    bodies: list[bytes]
    rows: list[Row]
    refusals: Sequence[Refusal] = ()
    request: bytes | None = None


def split_number_style(row: Row) -> tuple[Row, NumberStyle | None]:
    """Return a row, and the style of its numbers if it comes with one."""
    if type(row) is tuple and row and type(row[-1]) is NumberStyle:
        return row
    return row, None


Convert = Callable[[Chunk], Records]  # makes a record or a refusal of every row


def with_number_style(convert: Convert, style: NumberStyle) -> Convert:
    """Return a converter whose rows come with the style of their numbers, as a rejected row needs it."""

    def converted(chunk: Chunk) -> Records:
        records = convert(chunk)
        return records._replace(
            rows=list(zip(records.rows, repeat(style), strict=False)),
            refusals=[refusal._replace(row=(refusal.row, style)) for refusal in records.refusals],
        )

    return converted


def as_mapping(row: Row) -> Mapping[str, Any] | None:
    """Return a mapping, or a row of a table as one; ``None`` for any other row."""
    if type(row) is not tuple or not row or type(row[-1]) is not frozenset:
        return row if isinstance(row, Mapping) else None
    *given, values, nulls = row
    if not given:
        mapping = _object_of(values)
        return None if mapping is None else {name: _nulled(value, nulls) for name, value in mapping.items()}
    columns = _told_apart(*given)
    named = {name: _nulled(value, nulls) for name, value in zip(columns, values, strict=False)}
    if more := values[len(columns) :]:
        named[WITHOUT_A_NAME] = list(more)
    if missing := columns[len(values) :]:
        named[WITHOUT_A_VALUE] = list(missing)
    return named


def as_given(row: Row) -> Row:
    """Return a row without the texts that mean null, if it is no row of a table."""
    is_marked = type(row) is tuple and len(row) == 2 and type(row[-1]) is frozenset  # noqa: PLR2004
    return row[0] if is_marked else row


def _nulled(value: Any, nulls: frozenset[str]) -> Any:
    return None if isinstance(value, str) and value in nulls else value


def _object_of(row: Row) -> Mapping[str, Any] | None:
    if isinstance(row, bytes):
        for decode in (decode_object_exactly, decode_leniently):
            with suppress(*NOT_JSON):
                return decode(row)
        return None
    return row if isinstance(row, Mapping) else None


def _told_apart(columns: Columns) -> Columns:
    """Return the names of columns, those that several have with the number of the column."""
    if len(set(columns)) == len(columns):
        return columns
    return tuple(
        name if columns.count(name) == 1 else f"{name} (column {number})"
        for number, name in enumerate(columns, start=1)
    )
