"""Parquet's old timestamps of 96 bits, a day and the nanoseconds in it.

pyarrow reads them as nanoseconds, which wrap outside of the years 1678 to 2261, or as milliseconds, which
lose digits. The two together have all.

Before 23, Arrow wrote moments before 1970, but for those at midnight, with nanoseconds of the day below 0.
They are read as 2**64 nanoseconds later: 1969 comes back as 2554.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
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
OF_MICROSECONDS = WRAP % 1000  # the nanoseconds that a moment without any has when it is 2**64 later
DOUBT = (
    "a timestamp of 96 bits that Arrow before 23 may have written wrong, as it did most before 1970; "
    "write the file again without use_deprecated_int96_timestamps or flavor='spark'"
)

Merge = Callable[[Any, Any], Any]  # of a value with too few digits on one side, and wrapped on the other


def is_by_old_arrow(created_by: str | None) -> bool:
    """Whether a file's writer, as its metadata names it, wrote most moments before 1970 wrong."""
    return OLD_ARROW.match(created_by or "") is not None


def merges(table: Any, numbers: Iterable[int]) -> dict[int, Merge]:
    """Return what merges the values of some columns of a Parquet file, by their numbers."""
    fields = {number: table.schema_arrow.field(number) for number in numbers}
    if not is_by_old_arrow(table.metadata.created_by):
        return {number: _merge_of(field.type, _merged) or _coarse for number, field in fields.items()}
    stored = (table.metadata.metadata or {}).get(b"ARROW:schema")
    written = [] if stored is None else pa.ipc.read_schema(pa.py_buffer(b64decode(stored)))
    fine = {field.name for field in written if "timestamp[ns" in str(field.type)}
    return {
        number: _merge_of(field.type, _merged_if_clear_ns if field.name in fine else _merged_if_clear)
        or _coarse
        for number, field in fields.items()
    }


def values_of(
    batches: Iterable[tuple[Any, Any]], readers: list[Reader], merges: Mapping[int, Merge]
) -> Iterator[list[list[Any]]]:
    """Yield the values of the columns of each batch.

    :param batches: a batch with nanoseconds, and one of the same rows with milliseconds, which has all
        columns or only those with timestamps of 96 bits.
    :param merges: what merges the values of the columns with timestamps of 96 bits, by their numbers.
    """
    for fine, coarse in batches:
        if coarse.num_columns == fine.num_columns:
            twins = {number: coarse.column(number) for number in merges}
        else:
            twins = dict(zip(merges, coarse.columns, strict=True))
        yield [
            _combined(reader, column, twins[number], merges[number])
            if number in twins
            else reader.read(column)
            for number, (reader, column) in enumerate(zip(readers, fine.columns, strict=True))
        ]


def _combined(reader: Reader, fine: Any, coarse: Any, merge: Merge) -> list[Any]:
    if pa.types.is_timestamp(coarse.type) and _are_right(fine, coarse, merge):
        return reader.read(fine)
    return list(map(merge, reader.read(fine), reader.read(coarse)))


def _are_right(fine: Any, coarse: Any, merge: Merge) -> bool:
    """Whether the nanoseconds of a column are all right, which is told faster than by merging."""
    bounds = pc.min_max(coarse.view(pa.int64()))
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    if least is None:
        return True
    if most >= LAST_FINE or least <= (-LAST_FINE if merge is _merged else -1):
        return False
    if merge is not _merged_if_clear:
        return True
    numbers = fine.view(pa.int64())
    digits = pc.subtract(numbers, pc.multiply(pc.divide(numbers, 1000), 1000))
    return not pc.any(pc.equal(digits, OF_MICROSECONDS)).as_py()


def _merge_of(kind: Any, merge: Merge) -> Merge | None:
    """Return what merges the values of a type; ``None`` where it has no timestamps."""
    kind = getattr(kind, "storage_type", kind)
    if pa.types.is_timestamp(kind):
        return merge
    inner = [_merge_of(field.type, merge) for field in nested.fields_of(kind)]
    if not any(inner):
        return None
    each = [its_merge or _coarse for its_merge in inner]
    if pa.types.is_map(kind):
        return partial(_merged_map, *each)
    return partial(_merged_struct, each) if pa.types.is_struct(kind) else partial(_merged_list, *each)


def _coarse(_: Any, coarse: Any) -> Any:
    return coarse


def _merged_list(merge: Merge, fine: Any, coarse: Any) -> Any:
    return list(map(merge, fine, coarse)) if isinstance(coarse, list) else coarse


def _merged_struct(merges: list[Merge], fine: Any, coarse: Any) -> Any:
    if not isinstance(coarse, Mapping):
        return coarse
    values = zip(merges, fine.values(), coarse.values(), strict=True)
    return dict(zip(coarse, [merge(value, its_value) for merge, value, its_value in values], strict=True))


def _merged_map(merge_keys: Merge, merge_items: Merge, fine: Any, coarse: Any) -> Any:
    if not isinstance(coarse, Mapping):
        return coarse
    if not isinstance(fine, Mapping):  # keys wrap to the same one
        return fine
    keys = list(map(merge_keys, fine, coarse))
    for key in keys:
        if isinstance(key, Unreadable):
            return Unreadable(f"a map with the key {key}, {key.reason}", dict(coarse))
    return dict(zip(keys, map(merge_items, fine.values(), coarse.values()), strict=True))


def _merged(fine: Any, coarse: Any) -> Any:
    if fine == coarse or not (isinstance(fine, str) and isinstance(coarse, str)):
        return coarse
    if fine.startswith(coarse):
        return fine
    lost = (_nanoseconds(fine) - _nanoseconds(coarse)) % WRAP
    return coarse if lost == 0 else f"{coarse}{lost:06}".removesuffix("000")


def _merged_if_clear_ns(fine: Any, coarse: Any, digits: int | None = None) -> Any:
    """Return the moment unless it may be one before 1970: 2262 to 2554, and all before 1970."""
    text = _merged(fine, coarse)
    if not isinstance(text, str) or text.endswith(MIDNIGHT):
        return text
    since = _nanoseconds(text)
    is_clear = since >= WRAP or (0 <= since < WRAP // 2 and since % 1000 != digits)
    return text if is_clear else Unreadable(DOUBT, text)


# 1385 to 1677, which nanoseconds do not reach, come back as 1970 to 2262.
_merged_if_clear = partial(_merged_if_clear_ns, digits=OF_MICROSECONDS)


def _nanoseconds(text: str) -> int:
    """Return the nanoseconds since 1970 of a text without a time zone."""
    whole = (datetime.fromisoformat(text[:END_OF_COARSE]) - EPOCH) // timedelta(milliseconds=1)
    return whole * FINE_PER_COARSE + int(text[END_OF_COARSE:].ljust(DIGITS - 3, "0"))
