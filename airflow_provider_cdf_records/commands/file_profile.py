"""Reads the rows of a file for ``suggest``, and keeps what is known of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.commands.arguments import SAMPLE
from airflow_provider_cdf_records.commands.columns import Column
from airflow_provider_cdf_records.commands.console import progress
from airflow_provider_cdf_records.commands.unique_columns import RowKeys
from airflow_provider_cdf_records.load.first_rows import FirstRows
from airflow_provider_cdf_records.mapping.table import as_table
from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources import FileSource

TOTALS = re.compile(
    r"(?:grand |sub-?|sum )?total(?:s|e)?\b|sum\b|summe|gesamt|insgesamt|summa|suma\b|somme|totaal|i alt\b",
    re.IGNORECASE,
)
API_SHAPED = {"space", "externalId", "sources"}


@dataclass
class FileProfile:
    """What is known of the rows of a file: its columns, and what tells its rows apart.

    :ivar count: how many rows were read.
    :ivar is_whole: whether these are certainly all rows.
    :ivar unreadable: how many rows could not be read.
    :ivar reason: why the first of them could not.
    :ivar absent: the columns that some of the files do not have.
    :ivar last: the last row that was read.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    keys: RowKeys = field(default_factory=RowKeys)
    count: int = 0
    is_whole: bool = True
    unreadable: int = 0
    reason: str = ""
    absent: set[str] = field(default_factory=set)
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def are_records(self) -> bool:
        """Whether the rows have the form that CDF takes, and need no mapping."""
        return self.columns.keys() >= API_SHAPED

    @property
    def may_end_in_totals(self) -> bool:
        """Whether the last row says that it is a sum, and alone lacks a value that all others have."""
        first = next((value for value in self.last.values() if value), None)
        if not self.is_whole or not isinstance(first, str) or not TOTALS.match(first.strip()):
            return False
        return any(not value and self.columns[name].nulls == 1 for name, value in self.last.items())


def read_profile(source: FileSource, *, read_all: bool, also: Iterable[str] = ()) -> FileProfile:
    """Read the first rows of a source, or all, and return what is known of them.

    :param also: paths into columns, such as ``pump.id``, to look at as if they were columns.
    """
    profile = FileProfile()
    with progress("Reading", source.share) as update:
        for chunk in source if read_all else FirstRows(source, SAMPLE):
            _add(profile, chunk, also)
            update(profile.count)
    profile.is_whole = read_all or profile.count + profile.unreadable < SAMPLE
    return profile


def _add(profile: FileProfile, chunk: Chunk, also: Iterable[str]) -> None:
    table = as_table(chunk, None)
    profile.unreadable += len(table.refusals)
    if table.refusals and not profile.reason:
        profile.reason = table.refusals[0].message
    names = list(dict.fromkeys([*table.names(), *also]))
    values = {name: table.column(name) for name in names}
    height = len(table.rows)
    if height:
        profile.last = {name: values[name][-1] for name in table.names()}
    for name in names:
        if name not in profile.columns:
            profile.columns[name] = Column(name)
            if profile.count:
                profile.columns[name].add([None] * profile.count)
                profile.absent.add(name)
    profile.absent |= profile.columns.keys() - values.keys()
    for name, column in profile.columns.items():
        column.add(values.get(name) or [None] * height, table.positions)
    profile.keys.add({name: values.get(name) or [None] * height for name in profile.columns})
    profile.count += height
