"""What a Parquet file says of the leaves of its columns, beyond what Arrow's types say."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.sources.arrow import nested, values

Leaves = list[Any]  # of a column: itself, or what is nested in it
TEXT_KINDS = {"ENUM", "STRING", "JSON"}


def by_field(table: Any) -> list[Leaves]:
    """Return the leaves of each column of a file."""
    schema = table.metadata.schema
    every = iter([schema.column(number) for number in range(table.metadata.num_columns)])
    return [[next(every) for _ in range(_count(field.type))] for field in table.schema_arrow]


def _count(kind: Any) -> int:
    if hasattr(kind, "storage_type"):
        return _count(kind.storage_type)
    return sum(_count(field.type) for field in nested.fields_of(kind)) or 1


def has_int96(leaves: Leaves) -> bool:
    """Whether there are timestamps of 96 bits in a column."""
    return any(leaf.physical_type == "INT96" for leaf in leaves)


def reader_of(field: Any, leaves: Leaves, *, binary_as_string: bool) -> values.Reader:
    """Return the reader of a column; enums are texts, though pyarrow has them as bytes."""
    kinds = [leaf.logical_type.type for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    has_enums = "ENUM" in kinds and set(kinds) <= TEXT_KINDS
    return values.reader_of(field, binary_as_string=binary_as_string or has_enums)
