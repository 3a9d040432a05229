"""Chunks of rows, and the records made of them; a chunk at a time, little Python runs for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from airflow_provider_cdf_records.records.lazy_lists import PairedRows
from airflow_provider_cdf_records.records.number_style import NumberStyle

Identity = str  # "space/externalId"; unique, because a space holds no slash
WITHOUT_A_NAME = "values without a column"  # key of the surplus values of a row
WITHOUT_A_VALUE = "columns without a value"  # key of the columns for which a row has no values
LEFTOVER_KEYS = (WITHOUT_A_NAME, WITHOUT_A_VALUE)
Columns = tuple[str, ...]
# JSON as bytes, a mapping, or the values of a table's row; where these do not say it all, a pair of them
# and a RowContext (a plain pair, so that no Python runs for each row of a chunk).
Row = Any
Rows = Any  # a list of them, or the ColumnRows of a table


class RowContext(NamedTuple):
    """What a row needs besides its values, to be read alone.

    :param columns: the names of the values, for a row of a table.
    :param nulls: texts that mean that there is no value.
    :param number_style: how the numbers in its texts are written.
    """

    columns: Columns | None = None
    nulls: frozenset[str] = frozenset()
    number_style: NumberStyle | None = None


NO_CONTEXT = RowContext()


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
    """A row that cannot become a record, and why.

    :param identity: that of the record, where a mapping has made it and only properties are bad.
    """

    position: int
    row: Row
    message: str
    identity: Identity | None = None


class Chunk(NamedTuple):
    """Rows as a source delivers them.

    :param positions: of each row.
    :param rows: JSON as bytes, mappings, or (with ``columns``) sequences of values.
    :param end: the mark after the last row.
    :param columns: the names of the values, where the rows are those of a table.
    :param nulls: texts that mean that there is no value in a column.
    :param refusals: rows that the source itself cannot read.
    :param is_retried: whether the rows come from a rejected-records file; they need not have all columns.
    :param number_style: how the numbers in the texts of the rows are written, where the source says so.
    :param size: bytes that the rows take in memory, as far as the source knows.
    """

    positions: Sequence[int]
    rows: Rows
    end: Mark
    columns: Columns | None = None
    nulls: frozenset[str] = frozenset()
    refusals: Sequence[Refusal] = ()
    is_retried: bool = False
    number_style: NumberStyle | None = None
    size: int = 0

    def as_read(self) -> Sequence[Row]:
        """Return the rows as they were read, with the context that they have, if any."""
        context = RowContext(self.columns, self.nulls, self.number_style)
        return self.rows if context == NO_CONTEXT else PairedRows(self.rows, context)

    def in_number_style(self, style: NumberStyle | None) -> Chunk:
        """Return the chunk with the style of the numbers in its rows, also the refused ones."""
        if style is None:
            return self
        return self._replace(number_style=style, refusals=_refusals_in_number_style(self.refusals, style))


class Records(NamedTuple):
    """Checked records, column by column.

    :param bodies: their JSON, as it goes to CDF.
    :param rows: as they were read.
    :param refusals: the rows that cannot become records.
    :param request: the body of a request with all records, where the checks needed one.
    """

    positions: Sequence[int]
    identities: list[Identity]
    bodies: Sequence[bytes]
    rows: Sequence[Row]
    refusals: Sequence[Refusal] = ()
    request: bytes | None = None


def joined(parts: Sequence[Records], refusals: Iterable[Refusal] = ()) -> Records:
    """Return the records of several parts of a chunk.

    :param refusals: more of them, which come first.
    """
    return Records(
        positions=[position for part in parts for position in part.positions],
        identities=[identity for part in parts for identity in part.identities],
        bodies=[body for part in parts for body in part.bodies],
        rows=[row for part in parts for row in part.rows],
        refusals=[*refusals, *(refusal for part in parts for refusal in part.refusals)],
    )


Convert = Callable[[Chunk], Records]  # makes a record or a refusal of every row


def with_number_style(convert: Convert, style: NumberStyle) -> Convert:
    """Return a converter whose rows come with the style of their numbers, as a rejected row needs it."""

    def converted(chunk: Chunk) -> Records:
        records = convert(chunk._replace(number_style=style))
        return records._replace(refusals=_refusals_in_number_style(records.refusals, style))

    return converted


def in_number_style(row: Row, style: NumberStyle | None) -> Row:
    """Return a row with the style of its numbers, if there is one."""
    if style is None:
        return row
    given, context = row_and_context(row)
    return given, context._replace(number_style=style)


def _refusals_in_number_style(refusals: Iterable[Refusal], style: NumberStyle) -> list[Refusal]:
    return [refusal._replace(row=in_number_style(refusal.row, style)) for refusal in refusals]


def row_and_context(row: Row) -> tuple[Row, RowContext]:
    """Return the row of a pair and its context; any other row has none."""
    if type(row) is tuple and len(row) == 2 and type(row[1]) is RowContext:  # noqa: PLR2004
        return row
    return row, NO_CONTEXT
