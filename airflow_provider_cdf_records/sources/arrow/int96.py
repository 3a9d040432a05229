"""Parquet's old timestamps of 96 bits, a day and the nanoseconds in it.

pyarrow reads them as nanoseconds, which wrap outside of the years 1678 to 2261, or as milliseconds, which
lose digits. The two together have all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_cdf_records.sources.arrow.values import Reader

COARSE_UNIT = "ms"
FINE_PER_COARSE = 10**6
LAST_FINE = 2**63 // FINE_PER_COARSE  # the milliseconds whose nanoseconds do not wrap
WRAP = 2**64
EPOCH = datetime(1970, 1, 1)
END_OF_COARSE = 23  # characters of a text with milliseconds
DIGITS = 9  # of nanoseconds


def values_of(
    batches: Iterable[tuple[Any, Any]], readers: list[Reader], numbers: Collection[int]
) -> Iterator[list[list[Any]]]:
    """Yield the values of the columns of each batch.

    :param batches: a batch with nanoseconds, and one of the same rows with milliseconds, which has all
        columns or only those with timestamps of 96 bits.
    :param numbers: of the columns with timestamps of 96 bits.
    """
    for fine, coarse in batches:
        if coarse.num_columns == fine.num_columns:
            twins = {number: coarse.column(number) for number in numbers}
        else:
            twins = dict(zip(numbers, coarse.columns, strict=True))
        yield [
            _combined(reader, column, twins[number]) if number in twins else reader.read(column)
            for number, (reader, column) in enumerate(zip(readers, fine.columns, strict=True))
        ]


def _combined(reader: Reader, fine: Any, coarse: Any) -> list[Any]:
    if pa.types.is_timestamp(coarse.type) and _fits(coarse):
        return reader.read(fine)
    return list(map(_merged, reader.read(fine), reader.read(coarse)))


def _fits(coarse: Any) -> bool:
    bounds = pc.min_max(coarse.view(pa.int64()))
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    return least is None or (least > -LAST_FINE and most < LAST_FINE)


def _merged(fine: Any, coarse: Any) -> Any:
    """Return a value of which one side has too few digits, and the other wraps."""
    if isinstance(coarse, Mapping):
        if not isinstance(fine, Mapping):  # keys wrap to the same one
            return fine
        return {
            _merged(name, its_name): _merged(value, its_value)
            for (name, value), (its_name, its_value) in zip(fine.items(), coarse.items(), strict=True)
        }
    if isinstance(coarse, list):
        return list(map(_merged, fine, coarse))
    if fine == coarse or not (isinstance(fine, str) and isinstance(coarse, str)):
        return coarse
    if fine.startswith(coarse):
        return fine
    lost = (_nanoseconds(fine) - _nanoseconds(coarse)) % WRAP
    return coarse if lost == 0 else f"{coarse}{lost:06}".removesuffix("000")


def _nanoseconds(text: str) -> int:
    """Return the nanoseconds since 1970 of a text without a time zone."""
    whole = (datetime.fromisoformat(text[:END_OF_COARSE]) - EPOCH) // timedelta(milliseconds=1)
    return whole * FINE_PER_COARSE + int(text[END_OF_COARSE:].ljust(DIGITS - 3, "0"))
