"""Parquet and Arrow files, read a few rows at a time; needs ``pyarrow``."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources.column_names import checked_columns
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.source import FormatError, rows_at_once

READ_BUFFER = 1 << 16  # bytes of a column read at a time
ARROW_FILE_MAGIC = b"ARROW1"


def read_parquet(file: io.BufferedReader, *_: object) -> Iterator[Chunk]:
    """Yield the rows, numbered from 1."""
    pa = _pyarrow()
    from pyarrow import parquet  # noqa: PLC0415 (an extra)

    try:
        table = parquet.ParquetFile(file, buffer_size=READ_BUFFER, pre_buffer=False)
        names = table.schema_arrow.names
        groups = [table.metadata.row_group(number) for number in range(table.num_row_groups)]
        row_size = max((group.total_byte_size / max(1, group.num_rows) for group in groups), default=0)
        yield from _chunks(names, table.iter_batches(batch_size=rows_at_once(row_size), use_threads=False))
    except (pa.ArrowException, OSError) as error:
        raise _as_format_error("Parquet", error) from error


def read_arrow(file: io.BufferedReader, *_: object) -> Iterator[Chunk]:
    """Yield the rows of an Arrow IPC file or stream, numbered from 1."""
    pa = _pyarrow()
    try:
        if file.peek(len(ARROW_FILE_MAGIC)).startswith(ARROW_FILE_MAGIC):
            whole = pa.ipc.open_file(file)
            batches = (whole.get_batch(number) for number in range(whole.num_record_batches))
            names = whole.schema.names
        else:
            batches = pa.ipc.open_stream(file)
            names = batches.schema.names
        yield from _chunks(names, chain.from_iterable(map(_slices, batches)))
    except (pa.ArrowException, OSError) as error:
        raise _as_format_error("Arrow", error) from error


def _slices(batch: Any) -> Iterator[Any]:
    size = rows_at_once(batch.nbytes / max(1, batch.num_rows))
    return (batch.slice(start, size) for start in range(0, batch.num_rows, size))


def _chunks(names: list[str], batches: Iterator[Any]) -> Iterator[Chunk]:
    columns = checked_columns(names, "schema")
    position = 0
    for batch in batches:
        values = [_values(column) for column in batch.columns]
        rows = list(zip(*values, strict=True))
        start, position = position + 1, position + len(rows)
        yield Chunk(range(start, position + 1), rows, Mark(position), columns)


class Unreadable:
    """A value that Python cannot represent. Only rows whose record needs it are rejected."""

    def __init__(self, reason: Exception) -> None:
        self._reason = reason

    def __repr__(self) -> str:
        return f"an unreadable value ({self._reason})"


def _values(column: Any) -> list[Any]:
    """Return the values of a column; timestamps as texts, which pyarrow makes faster than objects."""
    import pyarrow as pa  # noqa: PLC0415 (an extra)

    try:
        if pa.types.is_timestamp(column.type):
            return _timestamps(column)
        values = list(column.to_pylist())
    except (ValueError, ArithmeticError, LookupError):
        return list(map(_value, column))
    if pa.types.is_map(column.type):  # pyarrow returns lists of pairs
        return [None if pairs is None else dict(pairs) for pairs in values]
    return values


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, ArithmeticError, LookupError) as error:
        return Unreadable(error)


def _timestamps(column: Any) -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415 (an extra)
    import pyarrow.compute as pc  # noqa: PLC0415

    texts = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.timestamp("ms"))
    if column.type.unit in ("us", "ns"):  # an external id may hold them, though no property does
        precise = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.timestamp("us"))
        if pc.any(pc.not_equal(precise, texts.cast(precise.type))).as_py():
            texts = pc.replace_substring_regex(
                precise.cast(pa.string()), pattern=r"(\.\d{3})000$", replacement=r"\1"
            )
    texts = pc.utf8_replace_slice(texts.cast(pa.string()), start=10, stop=11, replacement="T")
    if column.type.tz is not None:
        texts = pc.binary_join_element_wise(texts, "Z", "")
    return list(texts.to_pylist())


def _pyarrow() -> Any:
    try:
        import pyarrow  # noqa: PLC0415 (an extra)
        import pyarrow.ipc  # noqa: PLC0415
    except ImportError:
        msg = "needs pyarrow: pip install 'airflow-provider-cdf-records[parquet]'."
        raise FormatError(msg) from None
    return pyarrow


def _as_format_error(what: str, error: Exception) -> Exception:
    if isinstance(error, OSError) and type(error) is not OSError:
        return error  # of the storage, not of its content
    why = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    msg = f"is not a whole {what} file: {why}. Was it still being written?"
    return FormatError(msg)


PARQUET = Format(
    name="parquet",
    suffixes=(".parquet",),
    position_name="row",
    reader=read_parquet,
    options=Options,
    is_compressed_inside=True,
)
ARROW = Format(
    name="arrow",
    suffixes=(".arrow", ".feather"),
    position_name="row",
    reader=read_arrow,
    options=Options,
    is_compressed_inside=True,
)
