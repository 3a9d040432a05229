"""Arrow's columns of lists, objects, maps and unions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from airflow_provider_cdf_records.records.json_types import to_exact_json_type
from airflow_provider_cdf_records.records.unreadable import Unreadable

Read = Callable[[Any], list[Any]]
Range = tuple[int, int]


def fields_of(kind: Any) -> list[Any]:
    """Return the fields of a nested type."""
    if pa.types.is_map(kind):
        return [kind.key_field, kind.item_field]
    if pa.types.is_struct(kind) or pa.types.is_union(kind):
        return [kind.field(number) for number in range(kind.num_fields)]
    return [kind.value_field] if hasattr(kind, "value_field") else []


def is_native(kind: Any) -> bool:
    """Whether pyarrow's own values of a type are right if those in it are."""
    if pa.types.is_struct(kind):
        names = [field.name for field in fields_of(kind)]
        return len(set(names)) == len(names)
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def reader_of(kind: Any, readers: Sequence[Read]) -> Read | None:
    """Return the reader of a nested type, given those of its fields; ``None`` for one that is not known."""
    if pa.types.is_struct(kind):
        names = [field.name for field in fields_of(kind)]
        return lambda column: _read_structs(column, names, readers)
    if pa.types.is_map(kind):
        return lambda column: _read_maps(column, *readers)
    if pa.types.is_union(kind):
        return lambda column: _read_unions(column, readers)
    if pa.types.is_fixed_size_list(kind):
        return lambda column: _read_lists(column, _ranges_of_fixed_size(column), *readers)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return lambda column: _read_lists(column, _ranges(column), *readers)
    if hasattr(kind, "value_field"):  # a view, in which lists can overlap
        return lambda column: _read_lists(column, _ranges_of_view(column), *readers)
    return None


def _read_structs(column: Any, names: list[str], readers: Sequence[Read]) -> list[Any]:
    children = [read(column.field(number)) for number, read in enumerate(readers)]
    rows = zip(*children, strict=True) if children else iter([()] * len(column))
    valid = column.is_valid().to_pylist()
    if (twice := _first_double(names)) is not None:
        return [
            Unreadable(f"an object with more than one field {twice!r}", row) if is_valid else None
            for row, is_valid in zip(rows, valid, strict=True)
        ]
    return [
        dict(zip(names, row, strict=True)) if is_valid else None
        for row, is_valid in zip(rows, valid, strict=True)
    ]


def _read_lists(column: Any, ranges: list[Range], read: Read) -> list[Any]:
    items, start = _items(column.values, ranges, read)
    valid = column.is_valid().to_pylist()
    return [
        items[first - start : last - start] if is_valid else None
        for (first, last), is_valid in zip(ranges, valid, strict=True)
    ]


def _read_maps(column: Any, read_keys: Read, read_items: Read) -> list[Any]:
    ranges = _ranges(column)
    keys, start = _items(column.keys, ranges, read_keys)
    items, _ = _items(column.items, ranges, read_items)
    names = list(map(_as_name, keys))
    valid = column.is_valid().to_pylist()
    return [
        _object(names[first - start : last - start], items[first - start : last - start])
        if is_valid
        else None
        for (first, last), is_valid in zip(ranges, valid, strict=True)
    ]


def _object(names: list[Any], items: list[Any]) -> Any:
    if len(found := dict(zip(names, items, strict=True))) < len(names):
        why = f"more than one key {_first_double(names)!r}"
    elif wrong := next((name for name in names if not isinstance(name, str)), None):
        why = f"the key {wrong!r}, which is no text"
    else:
        return found
    return Unreadable(f"a map with {why}", list(zip(names, items, strict=True)))


def _first_double(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _as_name(key: Any) -> Any:
    """Return a key of a map as text, where it has one form as text."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return str(key)
    if isinstance(key, date | Decimal):
        return to_exact_json_type(key)
    return key if isinstance(key, str) else _Key(key)


class _Key:
    """A key of a map that is not a text; each differs from all others."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __repr__(self) -> str:
        return repr(self._key)


def _read_unions(column: Any, readers: Sequence[Read]) -> list[Any]:
    offset, count = column.offset, len(column)
    if not count:
        return []
    buffers = column.buffers()
    # pyarrow's own type_codes and offsets leave out that the column may be a slice.
    codes = memoryview(buffers[1]).cast("b")[offset : offset + count].tolist()
    numbers = {code: number for number, code in enumerate(column.type.type_codes)}
    children = [numbers[code] for code in codes]
    if column.type.mode == "sparse":
        values = [read(column.field(number)) for number, read in enumerate(readers)]
        return [values[child][index] for index, child in enumerate(children)]
    places = memoryview(buffers[2]).cast("i")[offset : offset + count].tolist()
    result: list[Any] = [None] * count
    for number, read in enumerate(readers):
        mine = [index for index, child in enumerate(children) if child == number]
        values, start = _items(
            column.field(number), [(places[index], places[index] + 1) for index in mine], read
        )
        for index in mine:
            result[index] = values[places[index] - start]
    return result


def read_runs(column: Any, read: Read) -> list[Any]:
    """Return the values of a column of runs of equal values."""
    position, stop = column.offset, column.offset + len(column)
    result: list[Any] = []
    for end, value in zip(column.run_ends.to_pylist(), read(column.values), strict=True):
        result += [value] * (min(end, stop) - position)
        position = max(position, min(end, stop))
    return result


def _ranges(column: Any) -> list[Range]:
    offsets = column.offsets.to_pylist()
    return list(pairwise(offsets))


def _ranges_of_fixed_size(column: Any) -> list[Range]:
    size, offset = column.type.list_size, column.offset
    return [(start * size, (start + 1) * size) for start in range(offset, offset + len(column))]


def _ranges_of_view(column: Any) -> list[Range]:
    offsets, sizes = column.offsets.to_pylist(), column.sizes.to_pylist()
    return [(start, start + size) for start, size in zip(offsets, sizes, strict=True)]


def _items(values: Any, ranges: list[Range], read: Read) -> tuple[list[Any], int]:
    """Return the items of a column of lists, and the number of the first of them."""
    used = [(first, last) for first, last in ranges if first < last]
    if not used:
        return [], 0
    start = min(first for first, _ in used)
    return read(values.slice(start, max(last for _, last in used) - start)), start
