"""What a Parquet file says of the leaves of its columns, beyond what Arrow's types say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_cdf_records.sources.arrow import nested, values

Leaves = list[Any]  # of a column: itself, or what is nested in it
TEXT_KINDS = {"ENUM", "STRING", "JSON"}


def by_field(table: Any) -> list[Leaves]:
    """Return the leaves of each column of a file."""
    schema = table.metadata.schema
    every = iter([schema.column(number) for number in range(table.metadata.num_columns)])
    return [[next(every) for _ in _kinds_in(field.type)] for field in table.schema_arrow]


def _kinds_in(kind: Any) -> Iterator[Any]:
    """Yield the types of the leaves of a type."""
    if hasattr(kind, "storage_type"):
        yield from _kinds_in(kind.storage_type)
    elif fields := nested.fields_of(kind):
        for field in fields:
            yield from _kinds_in(field.type)
    else:
        yield kind


def has_int96(leaves: Leaves) -> bool:
    """Whether there are timestamps of 96 bits in a column."""
    return any(leaf.physical_type == "INT96" for leaf in leaves)


def has_int96_only_in(unit: str, kind: Any, leaves: Leaves) -> bool:
    """Whether all timestamps of 96 bits in a column are read in the unit that pyarrow was told.

    It heeds that inside of other types only from 23 on.
    """
    kinds = zip(leaves, _kinds_in(kind), strict=True)
    return all(getattr(its, "unit", None) == unit for leaf, its in kinds if leaf.physical_type == "INT96")


def reader_of(field: Any, leaves: Leaves, *, binary_as_string: bool) -> values.Reader:
    """Return the reader of a column; enums are texts, though pyarrow has them as bytes."""
    kinds = [leaf.logical_type.type for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    has_enums = "ENUM" in kinds and set(kinds) <= TEXT_KINDS
    return values.reader_of(field, binary_as_string=binary_as_string or has_enums)
