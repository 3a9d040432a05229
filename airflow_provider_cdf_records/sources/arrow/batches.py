"""Arrow's record batches as chunks of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows
from airflow_provider_cdf_records.sources.arrow.values import Reader, reader_of
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.source import FormatError, rows_at_once

Values = list[Any]  # of a column


def readers_of(schema: Any, *, binary_as_string: bool = False) -> list[Reader]:
    """Return the reader of each column.

    :param binary_as_string: take bytes as texts.
    """
    return [reader_of(field, binary_as_string=binary_as_string) for field in schema]


def columns_named(names: Sequence[object], row_count: int = 0) -> Columns:
    """Return the names of columns; none for a table of nothing, which an empty extraction writes.

    :raises FormatError: when there are rows and no columns, or when the names are not those of a table.
    """
    if names:
        return checked_columns(names, "schema")
    if row_count:
        msg = f"has {row_count:,} rows and no columns."
        raise FormatError(msg)
    return ()


def slices_of(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the rows of batches of any size in batches of the size of a chunk."""
    for batch in batches:
        size = rows_at_once(_size_of(batch) / max(1, batch.num_rows))
        yield from (batch.slice(start, size) for start in range(0, batch.num_rows, size))


def _size_of(batch: Any) -> int:
    """Return the size of a batch in bytes."""
    try:
        return int(batch.nbytes)
    except pa.ArrowTypeError:  # pyarrow before 24 does not tell of views
        # Too much where several batches are in the same buffers: chunks are then smaller than they might be.
        return int(batch.get_total_buffer_size())


def values_of(batches: Iterable[Any], readers: list[Reader]) -> Iterator[list[Values]]:
    """Yield the values of the columns of each batch."""
    for batch in batches:
        yield [reader.read(column) for reader, column in zip(readers, batch.columns, strict=True)]


def chunks_of(columns: Columns, tables: Iterable[list[Values]], first: int = 1) -> Iterator[Chunk]:
    """Yield chunks of rows.

    :param tables: the values of the columns, some rows at a time.
    :param first: the position of the first row.
    """
    for values in tables:
        end = first + len(values[0])
        if end > first:
            yield Chunk(range(first, end), ColumnRows(values), Mark(end - 1), columns)
            first = end
