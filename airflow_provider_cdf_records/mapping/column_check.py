"""Checks that the rows have the columns that a mapping names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from airflow_provider_cdf_records.mapping.table import Table
from airflow_provider_cdf_records.records.chunk import Chunk, Columns
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.problems import listed


def with_parents(columns: Iterable[str]) -> set[str]:
    """Return the columns, and for each path such as ``pump.id`` also the column that it starts with."""
    return {name for column in columns for name in (column, _parent(column))}


class UniqueCheck:
    """Checks that no two columns of a table have the name of one that a mapping takes.

    :param mapped: the columns that it takes; ``None``: all.
    """

    def __init__(self, mapped: Collection[str] | None) -> None:
        self._mapped = mapped
        self._checked: Columns | None = None

    def __call__(self, columns: Columns | None) -> None:
        """Check the columns of a chunk, unless they are those of the one before.

        :raises InvalidArgumentError: naming the column.
        """
        if columns is None or columns is self._checked:
            return
        for name, count in Counter(columns).items():
            if count > 1 and (self._mapped is None or name in self._mapped):
                msg = (
                    f"mapping: the rows have column {name!r} more than once; one that is mapped needs a name "
                    "of its own."
                )
                raise InvalidArgumentError(msg)
        self._checked = columns


class ColumnCheck:
    """Compares the first rows of a source with the columns that a mapping names.

    :param required: the columns that the first rows must have.
    :param may_be_optional: those that the mapping could call optional instead.
    :param enabled: whether to check at all; in the middle of a source, rows need not have all columns.
    """

    def __init__(
        self, required: Iterable[str], may_be_optional: Collection[str] = (), *, enabled: bool = True
    ) -> None:
        self._required = list(required)
        self._may_be_optional = may_be_optional
        self._is_done = not enabled

    def __call__(self, table: Table, chunk: Chunk) -> bool:
        """Check the rows if they are the first ones, and return whether they are.

        :raises InvalidArgumentError: naming the column that they lack.
        """
        is_due = not self._is_done and bool(table.rows) and not chunk.is_retried
        self._is_done = self._is_done or bool(table.rows)
        if is_due:
            self._check(table.names(), is_table=chunk.columns is not None)
        return is_due

    def _check(self, names: list[str], *, is_table: bool) -> None:
        for column in self._required:
            if column in names or _parent(column) in names:
                continue
            hint = ""
            if is_table and len(names) == 1:
                hint = " Is the delimiter right (file_options)?"
            elif not is_table and column in self._may_be_optional:
                hint = f" If only some rows have it, map {{'column': {column!r}, 'optional': true}}."
            msg = f"mapping: the rows have no column {column!r}; they have {listed(names)}.{hint}"
            raise InvalidArgumentError(msg)


def _parent(column: str) -> str:
    return column.partition(".")[0]
