"""Parquet's old timestamps of 96 bits, a day and the nanoseconds in it.

pyarrow reads them as nanoseconds, which wrap outside of the years 1678 to 2261, or as milliseconds, which
lose digits. The two together have all.

Before 23, Arrow wrote moments before 1970, but for those at midnight, with nanoseconds of the day below 0,
which are read as 2**64 more: 1969 comes back as 2554. What is read in those years may be either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources.arrow import nested
from airflow_provider_cdf_records.sources.arrow.values import Reader

COARSE_UNIT = "ms"
FINE_PER_COARSE = 10**6
LAST_FINE = 2**63 // FINE_PER_COARSE  # the milliseconds whose nanoseconds do not wrap
WRAP = 2**64
EPOCH = datetime(1970, 1, 1)
END_OF_COARSE = 23  # characters of a text with milliseconds
DIGITS = 9  # of nanoseconds
MIDNIGHT = "T00:00:00.000"
OLD_ARROW = re.compile(r"parquet-cpp(?:-\w+)? version (?:1?\d|2[0-2])\.")
DOUBT = (
    "a timestamp of 96 bits that Arrow before 23 may have written wrong, as it did most before 1970; "
    "write the file again without use_deprecated_int96_timestamps or flavor='spark'"
)


def is_by_old_arrow(created_by: str | None) -> bool:
    """Whether a file's writer, as its metadata names it, wrote most moments before 1970 wrong."""
    return OLD_ARROW.match(created_by or "") is not None


def values_of(
    batches: Iterable[tuple[Any, Any]],
    readers: list[Reader],
    numbers: Collection[int],
    *,
    by_old_arrow: bool,
) -> Iterator[list[list[Any]]]:
    """Yield the values of the columns of each batch.

    :param batches: a batch with nanoseconds, and one of the same rows with milliseconds, which has all
        columns or only those with timestamps of 96 bits.
    :param numbers: of the columns with timestamps of 96 bits.
    """
    first = 0 if by_old_arrow else 1 - LAST_FINE
    merge = _merged_unless_in_doubt if by_old_arrow else _merged_texts
    for fine, coarse in batches:
        if coarse.num_columns == fine.num_columns:
            twins = {number: coarse.column(number) for number in numbers}
        else:
            twins = dict(zip(numbers, coarse.columns, strict=True))
        yield [
            _combined(reader, column, twins[number], first, merge) if number in twins else reader.read(column)
            for number, (reader, column) in enumerate(zip(readers, fine.columns, strict=True))
        ]


def _combined(reader: Reader, fine: Any, coarse: Any, first: int, merge: Merge) -> list[Any]:
    """Return the values of a column.

    :param first: the first milliseconds at which nanoseconds alone tell the moment.
    """
    if pa.types.is_timestamp(coarse.type) and _are_within(coarse, first):
        return reader.read(fine)
    pairs = zip(reader.read(fine), reader.read(coarse), strict=True)
    return [_merged(coarse.type, merge, *pair) for pair in pairs]


def _are_within(coarse: Any, first: int) -> bool:
    bounds = pc.min_max(coarse.view(pa.int64()))
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    return least is None or (least >= first and most < LAST_FINE)


def _merged(kind: Any, merge: Merge, fine: Any, coarse: Any) -> Any:
    """Return a value of which one side has too few digits, and the other wraps."""
    inner = [field.type for field in nested.fields_of(getattr(kind, "storage_type", kind))]
    if pa.types.is_timestamp(kind) and isinstance(fine, str) and isinstance(coarse, str):
        return merge(fine, coarse)
    if isinstance(coarse, list):
        return [_merged(inner[0], merge, *pair) for pair in zip(fine, coarse, strict=True)]
    if not isinstance(coarse, Mapping):
        return coarse
    if not isinstance(fine, Mapping):  # keys wrap to the same one
        return fine
    entries = zip(fine.items(), coarse.items(), strict=True)
    if pa.types.is_map(kind):
        return {
            _merged(inner[0], merge, name, its_name): _merged(inner[1], merge, value, its_value)
            for (name, value), (its_name, its_value) in entries
        }
    return {
        name: _merged(its_kind, merge, value, its_value)
        for its_kind, ((name, value), (_, its_value)) in zip(inner, entries, strict=True)
    }


def _merged_texts(fine: str, coarse: str) -> str:
    if fine == coarse or fine.startswith(coarse):
        return fine
    lost = (_nanoseconds(fine) - _nanoseconds(coarse)) % WRAP
    return coarse if lost == 0 else f"{coarse}{lost:06}".removesuffix("000")


def _merged_unless_in_doubt(fine: str, coarse: str) -> str | Unreadable:
    text = _merged_texts(fine, coarse)
    since = _nanoseconds(coarse)
    is_clear = 0 <= since < WRAP // 2 or since >= WRAP or text.endswith(MIDNIGHT)
    return text if is_clear else Unreadable(DOUBT, text)


Merge = Callable[[str, str], "str | Unreadable"]


def _nanoseconds(text: str) -> int:
    """Return the nanoseconds since 1970 of a text without a time zone."""
    whole = (datetime.fromisoformat(text[:END_OF_COARSE]) - EPOCH) // timedelta(milliseconds=1)
    return whole * FINE_PER_COARSE + int(text[END_OF_COARSE:].ljust(DIGITS - 3, "0"))
