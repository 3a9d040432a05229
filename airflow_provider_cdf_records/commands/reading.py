"""Reads the rows of a file for `suggest`: what is known of its columns, and what tells its rows apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider_cdf_records.commands.arguments import SAMPLE
from airflow_provider_cdf_records.commands.columns import Column
from airflow_provider_cdf_records.commands.console import progress
from airflow_provider_cdf_records.commands.unique_columns import RowKeys
from airflow_provider_cdf_records.load.first_rows import FirstRows
from airflow_provider_cdf_records.mapping.table import as_table
from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources import FileSource

API_SHAPED = {"space", "externalId", "sources"}


@dataclass
class Rows:
    """What was seen of the rows of a file.

    :ivar is_whole: whether there are certainly no others.
    :ivar unreadable: how many rows could not be read, and the first reason.
    :ivar absent: the columns that some of the files do not have.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    keys: RowKeys = field(default_factory=RowKeys)
    count: int = 0
    is_whole: bool = True
    unreadable: int = 0
    reason: str = ""
    absent: set[str] = field(default_factory=set)

    @property
    def are_records(self) -> bool:
        """Whether the rows have the form that CDF takes, and need no mapping."""
        return self.columns.keys() >= API_SHAPED


def read_rows(source: FileSource, *, read_all: bool, also: Iterable[str] = ()) -> Rows:
    """Read the first rows of a source, or all.

    :param also: paths into columns, such as ``pump.id``, to look at as if they were columns.
    """
    rows = Rows()
    with progress("Reading", source.share) as update:
        for chunk in source if read_all else FirstRows(source, SAMPLE):
            _add(rows, chunk, also)
            update(rows.count)
    rows.is_whole = read_all or rows.count + rows.unreadable < SAMPLE
    return rows


def _add(rows: Rows, chunk: Chunk, also: Iterable[str]) -> None:
    table = as_table(chunk, None)
    rows.unreadable += len(table.refusals)
    if table.refusals and not rows.reason:
        rows.reason = table.refusals[0].message
    names = list(dict.fromkeys([*table.names(), *also]))
    values = {name: table.column(name) for name in names}
    height = len(table.rows)
    for name in names:
        if name not in rows.columns:
            rows.columns[name] = Column(name)
            if rows.count:
                rows.columns[name].add([None] * rows.count)
                rows.absent.add(name)
    rows.absent |= rows.columns.keys() - values.keys()
    for name, column in rows.columns.items():
        column.add(values.get(name) or [None] * height)
    rows.keys.add({name: values.get(name) or [None] * height for name in rows.columns})
    rows.count += height
