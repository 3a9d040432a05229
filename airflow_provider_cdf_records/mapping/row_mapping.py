"""Makes records of rows by a mapping, a chunk at a time and column by column."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from airflow_provider_cdf_records.mapping.column_check import (
    ColumnCheck,
    UniqueCheck,
    Where,
    with_parents,
)
from airflow_provider_cdf_records.mapping.identities import Identities
from airflow_provider_cdf_records.mapping.properties import ContainerProperties, SourceData
from airflow_provider_cdf_records.mapping.record_bodies import encode_records
from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.schema import Schema
from airflow_provider_cdf_records.mapping.spec import MappingSpec
from airflow_provider_cdf_records.mapping.table import Table, as_table
from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Records, name_of_unnamed
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.partition import RowsOfPart


class RowMapping:
    """Makes checked records of rows.

    :param schema: what is known of the containers; values are converted to the types of their properties.
    :param rows_of_part: leaves out the rows of other parts.
    :param begun_file: the index of a file that an earlier load has begun; its rows may lack columns.
    :param where: a position of the source in words, for errors.
    :raises InvalidArgumentError: when the mapping does not fit the containers, or (when called) the first
        rows of a file.
    """

    def __init__(
        self,
        spec: MappingSpec,
        schema: Schema,
        *,
        rows_of_part: RowsOfPart | None = None,
        begun_file: int | None = None,
        where: Where | None = None,
    ) -> None:
        self._rows_of_part = rows_of_part
        self._identities = Identities(spec)
        self._sources = [ContainerProperties(source, spec, schema) for source in spec.sources]
        self._named_columns = with_parents(spec.columns)
        self._takes_other_columns = any(source.takes_other_columns for source in spec.sources)
        optional = spec.optional_columns
        self._check_columns = ColumnCheck(
            [column for column in spec.columns if column not in optional],
            spec.property_columns,
            begun_file=begun_file,
            where=where,
        )
        mapped = None if self._takes_other_columns else self._named_columns
        self._check_unique = UniqueCheck(mapped, where)
        self._star_took: set[str] = set()  # columns of tables

    def __call__(self, chunk: Chunk) -> Records:
        self._check_unique(chunk)
        if self._rows_of_part is not None:
            if self._check_columns.is_due(chunk):
                self._checked_others(self._table_of(chunk), chunk)
            chunk = self._rows_of_part(chunk)
        table = self._table_of(chunk)
        others = self._checked_others(table, chunk)
        problems = RowProblems()
        spaces, external_ids = self._identities.fill(table, problems)
        sources = [source.fill(table, others, problems) for source in self._sources]
        records = list(map(_Record, spaces, external_ids, zip(*sources, strict=True)))
        return encode_records(table, spaces, external_ids, records, problems)

    def _table_of(self, chunk: Chunk) -> Table:
        return as_table(chunk, None if self._takes_other_columns else sorted(self._named_columns))

    def _checked_others(self, table: Table, chunk: Chunk) -> list[str]:
        """Check the columns of the first rows of a file, and return those that ``'*'`` stands for."""
        first_rows = self._check_columns(table, chunk)
        others = self._other_columns(table, chunk.columns or ())
        if first_rows is not None:
            self._check_other_columns(others, first_rows)
            if chunk.columns is not None and table.rows:
                self.check_star(self._star_took, chunk.columns, first_rows)
        self._star_took.update(others if chunk.columns is not None and table.rows else ())
        return others

    def check_columns(self, names: Sequence[str], rows: str) -> None:
        """Check the columns of a table.

        :param rows: which rows have them, in words.
        :raises InvalidArgumentError: naming the column that is missing, twice there, or that no property
            takes.
        """
        self._check_unique.check(tuple(names), rows)
        self._check_columns.check(names, rows, is_table=True)
        if self._takes_other_columns:
            self._check_other_columns(sorted(self.star_takes(names)), rows)

    def _check_other_columns(self, others: Sequence[str], rows: str) -> None:
        for source in self._sources:
            source.check_other_columns(others, rows)

    def star_takes(self, columns: Sequence[str]) -> set[str]:
        """Return the columns of a table that ``'*'`` takes, if any does.

        Whether those without a name hold values shows when they are read.
        """
        if not self._takes_other_columns:
            return set()
        return set(columns) - self._named_columns - _unnamed(columns)

    def check_star(self, took: set[str], columns: Sequence[str], rows: str) -> None:
        """Check that a table has the columns that ``'*'`` took of those before.

        Without them, records would lose the values that they have.

        :raises InvalidArgumentError: naming the column that is missing.
        """
        if missing := sorted(took.difference(columns)):
            name = missing[0]
            msg = (
                f"mapping: {rows} have no column {name!r}, which rows before them have, and '*' took; if it "
                f"may be missing, name it beside '*': {{'column': {name!r}, 'optional': true}}."
            )
            raise InvalidArgumentError(msg)

    def _other_columns(self, table: Table, columns: Columns) -> list[str]:
        """Return the columns that ``'*'`` stands for; one that has neither a name nor a value is none."""
        if not self._takes_other_columns:
            return []
        empty = {name for name in _unnamed(columns) if not any(table.column(name))}
        return sorted(set(table.names()) - self._named_columns - empty)


def _unnamed(columns: Sequence[str]) -> set[str]:
    return {name for number, name in enumerate(columns, start=1) if name == name_of_unnamed(number)}


class _Record(msgspec.Struct, gc=False):
    space: str
    externalId: str
    sources: tuple[SourceData, ...]
