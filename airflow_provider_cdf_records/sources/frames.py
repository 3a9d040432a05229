"""Frames as rows: those of pandas, and all that hand on their columns by Arrow's protocol.

These are polars, pyarrow, DuckDB and many more. Needs ``pyarrow``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.arrow.library import MissingLibraryError, import_pyarrow
from airflow_provider_cdf_records.sources.source import FormatError

PROTOCOL = ("__arrow_c_stream__", "__arrow_c_array__")
UNKNOWN_TYPE = "format string"  # in what pyarrow says of a type that it does not have
ADDRESSES = "Object"  # polars' type of Python objects, of which it hands on the places in memory
CONVERT_IT = "convert the column first, such as to text"


def is_frame(value: object) -> bool:
    """Whether a value is a table that :func:`chunks_of` reads."""
    kind = type(value)
    return any(hasattr(kind, name) for name in PROTOCOL) or is_of_pandas(value)


def is_of_pandas(value: object) -> bool:
    """Whether a value is a ``DataFrame`` of pandas; older versions do not have the protocol."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas"
        for kind in type(value).__mro__
    )


def row_count(frame: Any) -> int | None:
    """Return the number of rows, where it is known without reading them."""
    if is_of_pandas(frame):
        return len(frame)
    for name in ("num_rows", "height"):  # of pyarrow and of polars
        count = getattr(frame, name, None)
        if isinstance(count, int):
            return count
    return None


def chunks_of(frame: Any, first: int) -> Iterator[Chunk]:
    """Yield the rows of a frame.

    :param first: the position of the first one.
    :raises SourceError: when it is no table, or when ``pyarrow`` is not installed.
    """
    with _source_errors(frame):
        pa = import_pyarrow()
        from airflow_provider_cdf_records.sources.arrow import batches, pandas_columns  # noqa: PLC0415

        if is_of_pandas(frame):
            names, tables = pandas_columns.tables_of(frame)
            columns = batches.columns_named(names, len(frame))
        else:
            reader = _record_batches(pa, frame)
            columns = batches.columns_named(reader.schema.names, row_count(frame) or 0)
            tables = batches.values_of(batches.slices_of(reader), batches.readers_of(reader.schema))
    if columns:
        yield from batches.chunks_of(columns, tables, first)


def _record_batches(pa: Any, frame: Any) -> Any:
    if _is_of_polars(frame):
        _check_types(frame)
    try:
        if hasattr(frame, PROTOCOL[0]):
            return pa.RecordBatchReader.from_stream(frame)
        batch = pa.record_batch(frame)
        return pa.RecordBatchReader.from_batches(batch.schema, [batch])
    except (TypeError, pa.ArrowException) as error:
        if UNKNOWN_TYPE in str(error):
            column = _column_of_unknown_type(pa, frame)
            msg = (
                f"has {column} of a type that pyarrow {pa.__version__} does not have ({error}); {CONVERT_IT}."
            )
            raise FormatError(msg) from None
        msg = f"is no table ({error}); give a frame, or rows (dicts)."
        raise FormatError(msg) from None


def _check_types(frame: Any) -> None:
    for name, kind in zip(frame.columns, frame.dtypes, strict=True):
        if str(kind) == ADDRESSES:
            msg = f"has a column {name!r} of Python objects, which polars does not hand on; {CONVERT_IT}."
            raise FormatError(msg)


def _column_of_unknown_type(pa: Any, frame: Any) -> str:
    """Return the first column that pyarrow does not take, in words."""
    for name in frame.columns if _is_of_polars(frame) else ():
        try:
            pa.RecordBatchReader.from_stream(frame.select(name))
        except pa.ArrowException:
            return f"a column {name!r}"
    return "a column"


def _is_of_polars(frame: object) -> bool:
    return _type_name(frame) == "polars.DataFrame"


@contextmanager
def _source_errors(frame: object) -> Iterator[None]:
    try:
        yield
    except (FormatError, MissingLibraryError) as error:
        msg = f"records: {_type_name(frame)} {error}"
        raise SourceError(msg) from None


def _type_name(value: object) -> str:
    """Return the name of a value's type with its package, such as ``polars.Series``."""
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
