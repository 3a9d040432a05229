"""Makes records of rows by a mapping, a chunk at a time and column by column."""

from __future__ import annotations

import msgspec

from airflow_provider_cdf_records.mapping.column_check import ColumnCheck, UniqueCheck, with_parents
from airflow_provider_cdf_records.mapping.identities import Identities
from airflow_provider_cdf_records.mapping.properties import ContainerProperties, SourceData
from airflow_provider_cdf_records.mapping.record_bodies import encode_records
from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.schema import Schema
from airflow_provider_cdf_records.mapping.spec import MappingSpec
from airflow_provider_cdf_records.mapping.table import Table, as_table
from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Records, name_of_unnamed


class RowMapping:
    """Makes checked records of rows.

    :param schema: what is known of the containers; values are converted to the types of their properties.
    :param check_columns: whether the first rows must have the columns that the mapping names; rows from the
        middle of a source need not.
    :raises InvalidArgumentError: when the mapping does not fit the containers, or (when called) the first
        rows.
    """

    def __init__(self, spec: MappingSpec, schema: Schema, *, check_columns: bool = True) -> None:
        self._identities = Identities(spec)
        self._sources = [ContainerProperties(source, spec, schema) for source in spec.sources]
        self._named_columns = with_parents(spec.columns)
        self._takes_other_columns = any(source.takes_other_columns for source in spec.sources)
        optional = spec.optional_columns
        self._check_columns = ColumnCheck(
            [column for column in spec.columns if column not in optional],
            spec.property_columns,
            enabled=check_columns,
        )

        self._check_unique = UniqueCheck(None if self._takes_other_columns else self._named_columns)

    def __call__(self, chunk: Chunk) -> Records:
        self._check_unique(chunk.columns)
        table = as_table(chunk, None if self._takes_other_columns else sorted(self._named_columns))
        is_start = self._check_columns(table, chunk)
        others = self._other_columns(table, chunk.columns or ())
        if is_start:
            for source in self._sources:
                source.check_other_columns(others)
        problems = RowProblems()
        spaces, external_ids = self._identities.fill(table, problems)
        sources = [source.fill(table, others, problems) for source in self._sources]
        records = list(map(_Record, spaces, external_ids, zip(*sources, strict=True)))
        return encode_records(table, spaces, external_ids, records, problems)

    def _other_columns(self, table: Table, columns: Columns) -> list[str]:
        """Return the columns that ``'*'`` stands for; one that has neither a name nor a value is none."""
        if not self._takes_other_columns:
            return []
        unnamed = {name for number, name in enumerate(columns, start=1) if name == name_of_unnamed(number)}
        empty = {name for name in unnamed if not any(table.column(name))}
        return sorted(set(table.names()) - self._named_columns - empty)


class _Record(msgspec.Struct, gc=False):
    space: str
    externalId: str
    sources: tuple[SourceData, ...]
