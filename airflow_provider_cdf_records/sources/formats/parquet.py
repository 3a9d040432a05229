"""Parquet files, read a few rows at a time; needs ``pyarrow``."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.formats.damage import DamageGuard
from airflow_provider_cdf_records.sources.formats.slicing import Slicing, size_of
from airflow_provider_cdf_records.sources.slices import ROW_GROUPS, Slice
from airflow_provider_cdf_records.sources.source import FormatError, rows_at_once

READ_BUFFER = 1 << 16  # bytes of a column read at a time


@dataclass(frozen=True)
class ParquetOptions(Options):
    """Options of Parquet files.

    :param binary_as_string: take bytes as texts in UTF-8, as some old writers mean them.
    """

    binary_as_string: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ParquetOptions:
        """Return options from a mapping, in which ``None`` stands for the default.

        :raises InvalidArgumentError: when ``binary_as_string`` is something else than true or false.
        """
        options = super().of(given)
        if not isinstance(options.binary_as_string, bool):
            msg = f"file_options: binary_as_string must be True or False, got {options.binary_as_string!r}."
            raise InvalidArgumentError(msg)
        return options


DEFAULT_OPTIONS = ParquetOptions()


def read_parquet(
    file: io.BufferedReader, options: ParquetOptions = DEFAULT_OPTIONS, *_: object
) -> Iterator[Chunk]:
    """Yield the rows, numbered from 1."""
    with DamageGuard("Parquet", file) as guard:
        table = _open(guard)
        yield from _rows_of(guard, table, options, range(table.metadata.num_row_groups), 1)


def read_row_groups(
    file: io.BufferedReader, options: ParquetOptions, part: Slice, after: Mark
) -> Iterator[Chunk]:
    """Yield the rows of a slice after a mark, or a few before it; their numbers are those in the file."""
    with DamageGuard("Parquet", file) as guard:
        table = _open(guard)
        first = 1 + sum(_row_counts(table.metadata, range(part.first)))
        groups = _groups_in(table.metadata, part)
        while groups and first + table.metadata.row_group(groups[0]).num_rows <= after.position + 1:
            first += table.metadata.row_group(groups[0]).num_rows
            groups = groups[1:]
        yield from _rows_of(guard, table, options, groups, first)


def cut_row_groups(file: io.BufferedReader, _: ParquetOptions, offsets: Sequence[int]) -> list[int | None]:
    """Return the row groups that begin nearest to some offsets."""
    with DamageGuard("Parquet", file) as guard:
        begins = [*_begins_of(_open(guard).metadata), size_of(file)]
        count = len(begins) - 1
        nearest = [min(range(count + 1), key=lambda group: abs(begins[group] - at)) for at in offsets]
        return [group if group < count else None for group in nearest]


def span_of_row_groups(file: io.BufferedReader, part: Slice) -> tuple[int, int]:
    """Return between which offsets in bytes the row groups of a slice are."""
    with DamageGuard("Parquet", file) as guard:
        metadata = _open(guard).metadata
        begins = [*_begins_of(metadata), size_of(file)]
        groups = _groups_in(metadata, part)
        return begins[groups.start], begins[groups.stop]


def _begins_of(metadata: Any) -> list[int]:
    """Return the offsets at which row groups begin."""
    return [
        min(map(_begin_of, map(group.column, range(group.num_columns))), default=0)
        for group in map(metadata.row_group, range(metadata.num_row_groups))
    ]


def _begin_of(column: Any) -> int:
    return int(column.dictionary_page_offset or column.data_page_offset)


def _groups_in(metadata: Any, part: Slice) -> range:
    """Return the row groups of a slice.

    :raises FormatError: when there are fewer.
    """
    count = metadata.num_row_groups
    end = max(part.first, count) if part.last is None else part.last + 1
    if end <= count and (part.first < count or part.first == 0):
        return range(part.first, end)
    has = f"row groups 0 to {count - 1:,}" if count else "no row groups"
    msg = f"has {has}, and not all of the slice {part}. Has it been written again since it was cut?"
    raise FormatError(msg)


def _row_counts(metadata: Any, groups: Sequence[int]) -> list[int]:
    return [metadata.row_group(number).num_rows for number in groups]


def _rows_of(
    guard: DamageGuard, table: Any, options: ParquetOptions, groups: Sequence[int], first: int
) -> Iterator[Chunk]:
    """Yield the rows of row groups.

    :param first: the number of the first row.
    """
    from airflow_provider_cdf_records.sources.arrow import batches  # noqa: PLC0415 (needs an extra)

    expected = sum(_row_counts(table.metadata, groups))
    columns = batches.columns_named(table.schema_arrow.names, expected)
    if columns:
        found = 0
        for chunk in guard.rows(batches.chunks_of(columns, _values(guard, table, options, groups), first)):
            found += len(chunk.rows)
            yield chunk
        if found != expected:
            msg = f"is not a whole Parquet file: it has {found:,} of {expected:,} rows."
            raise FormatError(msg)


def read_parquet_columns(file: io.BufferedReader, *_: object) -> Columns:
    """Return the names of the columns."""
    with DamageGuard("Parquet", file) as guard:
        from airflow_provider_cdf_records.sources.arrow import batches  # noqa: PLC0415 (needs an extra)

        return batches.columns_named(_open(guard).schema_arrow.names)


def _open(guard: DamageGuard, unit_of_int96: str = "ns") -> Any:
    from pyarrow import parquet  # noqa: PLC0415 (an extra)

    return parquet.ParquetFile(
        guard.file,
        buffer_size=READ_BUFFER,
        pre_buffer=False,
        coerce_int96_timestamp_unit=unit_of_int96,
        page_checksum_verification=True,
    )


def _values(
    guard: DamageGuard, table: Any, options: ParquetOptions, groups: Sequence[int]
) -> Iterator[list[list[Any]]]:
    """Yield the values of the columns, some rows at a time."""
    from airflow_provider_cdf_records.sources.arrow import batches, int96, leaves  # noqa: PLC0415

    fields = leaves.by_field(table)
    readers = [
        leaves.reader_of(field, its_leaves, binary_as_string=options.binary_as_string)
        for field, its_leaves in zip(table.schema_arrow, fields, strict=True)
    ]
    size = _rows_at_once(table.metadata)
    numbers = [number for number, its_leaves in enumerate(fields) if leaves.has_int96(its_leaves)]
    if not numbers:
        yield from batches.values_of(_batches(table, groups, size), readers)
        return
    coarse = _open(guard, int96.COARSE_UNIT)
    pairs = zip(
        _batches(table, groups, size), _batches(coarse, groups, size, _names(table, numbers)), strict=True
    )
    yield from int96.values_of(pairs, readers, int96.merges(table, numbers))


def _batches(
    table: Any, groups: Sequence[int], size: int, names: Sequence[str] | None = None
) -> Iterator[Any]:
    batches: Iterator[Any] = table.iter_batches(
        batch_size=size, row_groups=list(groups), columns=names, use_threads=False
    )
    return batches


def _names(table: Any, numbers: Sequence[int]) -> list[str] | None:
    """Return the names by which pyarrow reads exactly those columns; ``None`` when it would read others."""
    every = table.schema_arrow.names
    names = [every[number] for number in numbers]
    is_clear = not any("." in name for name in every) and len(set(every)) == len(every)
    return names if is_clear else None


def _rows_at_once(metadata: Any) -> int:
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return rows_at_once(max((group.total_byte_size / max(1, group.num_rows) for group in groups), default=0))


PARQUET = Format(
    name="parquet",
    suffixes=(".parquet",),
    position_in_words="row {}",
    reader=read_parquet,
    options=ParquetOptions,
    read_columns=read_parquet_columns,
    is_compressed_inside=True,
    slicing=Slicing(
        unit=ROW_GROUPS,
        read=read_row_groups,
        cut=cut_row_groups,
        span=span_of_row_groups,
        position_in_words=lambda _: "row {}",
    ),
)
