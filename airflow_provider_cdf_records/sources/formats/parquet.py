"""Parquet files, read a few rows at a time; needs ``pyarrow``."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Columns
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.formats.damage import DamageGuard
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
        from airflow_provider_cdf_records.sources.arrow import batches  # noqa: PLC0415 (needs an extra)

        table = _open(guard)
        expected = table.metadata.num_rows
        columns = batches.columns_named(table.schema_arrow.names, expected)
        if not columns:
            return
        found = 0
        for chunk in guard.rows(batches.chunks_of(columns, _values(guard, table, options))):
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


def _values(guard: DamageGuard, table: Any, options: ParquetOptions) -> Iterator[list[list[Any]]]:
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
        yield from batches.values_of(_batches(table, size), readers)
        return
    coarse = _open(guard, int96.COARSE_UNIT)
    pairs = zip(_batches(table, size), _batches(coarse, size, _names(table, numbers)), strict=True)
    yield from int96.values_of(pairs, readers, numbers)


def _batches(table: Any, size: int, names: Sequence[str] | None = None) -> Iterator[Any]:
    batches: Iterator[Any] = table.iter_batches(batch_size=size, columns=names, use_threads=False)
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
)
