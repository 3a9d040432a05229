"""Makes the identities of records from the format strings of a mapping."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import itemgetter

from airflow_provider_cdf_records.mapping.column_check import (
    ColumnCheck,
    UniqueCheck,
    Where,
    with_parents,
)
from airflow_provider_cdf_records.mapping.reading import reading_of
from airflow_provider_cdf_records.mapping.record_bodies import encode_records
from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.spec import MappingSpec
from airflow_provider_cdf_records.mapping.table import Table, as_table
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.mapping.types import Problems
from airflow_provider_cdf_records.records.chunk import Chunk, Identity, Records
from airflow_provider_cdf_records.records.identifiers import (
    are_external_ids,
    check_external_id,
    check_space,
    identities_of,
)
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows
from airflow_provider_cdf_records.records.partition import RowIdentities, RowsOfPart
from airflow_provider_cdf_records.records.problems import problem_of

Check = Callable[[str], None]


class Identities:
    """Fills the templates of ``space`` and ``external_id``, and checks the results."""

    def __init__(self, spec: MappingSpec) -> None:
        self._space, self._external_id = Template(spec.space), Template(spec.external_id)
        self._missing = reading_of(spec, spec).missing

    def of_rows(self, table: Table) -> list[Identity | None]:
        """Return the identities of the rows, unchecked; ``None`` of rows that have none."""
        spaces, without_space = self._space.fill(table, self._missing)
        external_ids, without_id = self._external_id.fill(table, self._missing)
        found: list[Identity | None] = list(identities_of(spaces, external_ids))
        for index in without_space.keys() | without_id.keys():
            found[index] = None
        return found

    def fill(self, table: Table, problems: RowProblems) -> tuple[list[str], list[str]]:
        """Return the spaces and the external ids of the rows.

        :param problems: of the rows; problems with their identities are added.
        """
        spaces, unfilled = self._space.fill(table, self._missing)
        problems.add_of_identity(unfilled, "space: ")
        if any(problem_of(check_space, space) for space in set(spaces)):
            problems.add_of_identity(_problems_with(check_space, spaces, unfilled))
        external_ids, unfilled = self._external_id.fill(table, self._missing)
        problems.add_of_identity(unfilled, "external_id: ")
        if not are_external_ids(external_ids):
            problems.add_of_identity(_problems_with(check_external_id, external_ids, unfilled))
        return spaces, external_ids


class MappedIdentities:
    """Finds the identities of the rows of a chunk, whose other columns are not read.

    :param names_of_lines: the columns of a line of a rejected-records file.
    """

    def __init__(self, spec: MappingSpec, names_of_lines: Collection[str]) -> None:
        self._identities = Identities(spec)
        self._columns = sorted(with_parents(spec.identity_columns))
        roots = {name.partition(".")[0] for name in spec.identity_columns}
        self._all_may_be_lines = roots <= set(names_of_lines)

    def __call__(self, chunk: Chunk) -> RowIdentities:
        table = as_table(self._identifying(chunk), self._columns)
        identities = self._identities.of_rows(table)
        if len(table.positions) < len(chunk.positions):
            of_position = dict(zip(table.positions, identities, strict=True))
            identities = [of_position.get(position) for position in chunk.positions]
        if self._all_may_be_lines:
            return RowIdentities(identities, range(len(identities)))
        return RowIdentities(identities, [at for at, identity in enumerate(identities) if identity is None])

    def _identifying(self, chunk: Chunk) -> Chunk:
        """Return a chunk of a table with only the columns that identify its rows."""
        names = chunk.columns or ()
        kept = [number for number, name in enumerate(names) if name in self._columns]
        if not kept:
            return chunk
        rows = chunk.rows
        if isinstance(rows, ColumnRows):
            columns = [rows.columns[number] for number in kept]
        else:
            columns = [list(map(itemgetter(number), rows)) for number in kept]
        return chunk._replace(rows=ColumnRows(columns), columns=tuple(names[number] for number in kept))


class IdentityMapping:
    """Makes the identity of a record to delete of each row; the mapping's properties are ignored.

    :param rows_of_part: leaves out the rows of other parts.
    :param begun_file: the index of a file that an earlier load has begun; its rows may lack columns.
    :param where: a position of the source in words, for errors.
    :raises InvalidArgumentError: when called with the first rows of a file that lack a column that ``space``
        or ``external_id`` names.
    """

    def __init__(
        self,
        spec: MappingSpec,
        *,
        rows_of_part: RowsOfPart | None = None,
        begun_file: int | None = None,
        where: Where | None = None,
    ) -> None:
        self._rows_of_part = rows_of_part
        self._identities = Identities(spec)
        self._columns = sorted(with_parents(spec.identity_columns))
        self._check_unique = UniqueCheck(self._columns, where)
        self._check_columns = ColumnCheck(spec.identity_columns, begun_file=begun_file, where=where)

    def __call__(self, chunk: Chunk) -> Records:
        self._check_unique(chunk)
        if self._rows_of_part is not None:
            if self._check_columns.is_due(chunk):
                self._check_columns(as_table(chunk, self._columns), chunk)
            chunk = self._rows_of_part(chunk)
        table = as_table(chunk, self._columns)
        self._check_columns(table, chunk)
        problems = RowProblems()
        spaces, external_ids = self._identities.fill(table, problems)
        return encode_records(table, spaces, external_ids, None, problems)

    def check_columns(self, names: Sequence[str], rows: str) -> None:
        """Check the columns of a table.

        :param rows: which rows have them, in words.
        :raises InvalidArgumentError: naming the column that is not among them.
        """
        self._check_columns.check(names, rows, is_table=True)


def _problems_with(check: Check, values: list[str], unfilled: Problems) -> Problems:
    """Check the value of each row that has one."""
    return {
        index: problem
        for index, value in enumerate(values)
        if index not in unfilled and (problem := problem_of(check, value))
    }
