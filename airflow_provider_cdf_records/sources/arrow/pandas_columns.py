"""The columns of a frame of pandas as lists of Python values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from airflow_provider_cdf_records.sources.arrow.values import reader_of
from airflow_provider_cdf_records.sources.iterables import text_size
from airflow_provider_cdf_records.sources.source import rows_at_once

ReadRows = Callable[[int, int], list[Any]]  # returns the values of a column between two rows

FIRST_ROWS = 10  # read first, to see how large rows are


def tables_of(frame: Any) -> tuple[list[Any], Iterator[list[list[Any]]]]:
    """Return the names of the columns, and their values some rows at a time.

    A level of the index that has a name is a column too, before the others. Missing values are ``None``.
    """
    levels = [
        (name, frame.index.get_level_values(number).to_series())
        for number, name in enumerate(frame.index.names)
        if name is not None and name not in frame.columns
    ]
    columns = [(name, frame.iloc[:, number]) for number, name in enumerate(frame.columns)]
    readers = [_read_rows(series) for _, series in levels + columns]
    return [name for name, _ in levels + columns], _tables(readers, len(frame))


def _tables(readers: list[ReadRows], count: int) -> Iterator[list[list[Any]]]:
    start, size = 0, FIRST_ROWS
    while start < count:
        values = [read(start, start + size) for read in readers]
        yield values
        start += size
        size = rows_at_once(text_size([column[-1] for column in values]))


def _read_rows(series: Any) -> ReadRows:
    """Return the function that reads a column: by Arrow, or the objects in it as they are."""
    if series.dtype == object:  # Arrow would convert objects of several types to one
        return lambda start, stop: _objects(series.iloc[start:stop])
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):  # a type that Arrow does not have
        return lambda start, stop: _objects(series.iloc[start:stop])
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    read = reader_of(pa.field("", array.type)).read
    return lambda start, stop: read(array.slice(start, stop - start))


def _objects(series: Any) -> list[Any]:
    missing = series.isna().tolist()
    values = series.tolist()
    if not any(missing):
        return list(values)
    return [None if is_missing else value for value, is_missing in zip(values, missing, strict=True)]
