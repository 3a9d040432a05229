"""Turns rows of any form into columns, from which a mapping takes values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types import parsed
from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Refusal
from airflow_provider_cdf_records.records.encoding import NOT_JSON, explain_decode_error

Column = list[Any]  # a value a row; ``None`` where there is none
Decode = Callable[[bytes], Any]


class Table:
    """The rows of a chunk that have columns.

    :ivar rows: as they were read.
    :ivar refusals: the rows that have no columns.
    """

    def __init__(
        self,
        chunk: Chunk,
        names: Callable[[], Iterable[str]],
        read: Callable[[str], Column],
    ) -> None:
        self.positions = chunk.positions
        self.rows = chunk.as_read()
        self.refusals = chunk.refusals
        self._names = names
        self._read = read

    def names(self) -> list[str]:
        """Return the names of all columns, in their order."""
        return list(dict.fromkeys(self._names()))

    def column(self, name: str, *, exact: bool = False) -> Column:  # noqa: ARG002
        """Return the values of a column, or of a path such as ``pump.id`` into one.

        :param exact: whether a number must keep all its digits, for a text, an id or an integer; else it may
            come as the nearest float.
        """
        column = self._read(name)
        root, dot, rest = name.partition(".")
        if not dot or all(value is not None for value in column):
            return column
        return [
            _value_at(outer, rest) if value is None else value
            for value, outer in zip(column, self._read(root), strict=True)
        ]


def _value_at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = parsed(value)
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def as_table(chunk: Chunk, wanted: Sequence[str] | None) -> Table:
    """Return the rows of a chunk as a table.

    :param wanted: the columns that will be read, with the first part of each path; ``None`` when they are
        not known yet.
    """
    if chunk.columns is not None:
        return _table_of_values(chunk, chunk.columns)
    if not set(map(type, chunk.rows)) <= {bytes}:
        return _table_of_mappings(*_only_mappings(chunk))
    if wanted is None or not all(map(_can_be_a_field, wanted)):
        return _table_of_mappings(*_decoded(chunk, _decode_object))
    return _table_of_structs(*_decoded(chunk, _struct_decoder(tuple(wanted))), wanted)


def _table_of_values(chunk: Chunk, names: Columns) -> Table:
    columns = dict(zip(names, zip(*chunk.rows, strict=True), strict=False))
    nulls = chunk.nulls

    def read(name: str) -> Column:
        column = columns.get(name)
        if column is None:
            return [None] * len(chunk.rows)
        if nulls and not nulls.isdisjoint(column):
            return [None if value in nulls else value for value in column]
        return list(column)

    return Table(chunk, lambda: names, read)


def _table_of_mappings(chunk: Chunk, mappings: list[Mapping[str, Any]]) -> Table:
    return Table(
        chunk,
        lambda: (name for mapping in mappings for name in mapping),
        lambda name: [mapping.get(name) for mapping in mappings],
    )


def _table_of_structs(chunk: Chunk, structs: list[Any], wanted: Sequence[str]) -> Table:
    values = {name: attrgetter(f"c{number}") for number, name in enumerate(wanted)}

    def read(name: str) -> Column:
        return list(map(values[name], structs))

    return Table(chunk, lambda: (name for row in chunk.rows for name in _decode_object(row)), read)


def _can_be_a_field(name: str) -> bool:
    """Whether a struct of msgspec can have a field of that name: not one that JSON has to escape."""
    return name.isprintable() and '"' not in name and "\\" not in name


@lru_cache(maxsize=32)
def _struct_decoder(wanted: tuple[str, ...]) -> Decode:
    """Return a decoder of the wanted fields of an object, which skips the others."""
    fields = [(f"c{number}", Any, None) for number in range(len(wanted))]
    names = {f"c{number}": name for number, name in enumerate(wanted)}
    return msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename=names, gc=False)).decode


_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def _decoded(chunk: Chunk, decode: Decode) -> tuple[Chunk, list[Any]]:
    """Return the chunk with only the rows that are JSON objects, and these decoded."""
    try:
        return chunk, list(map(decode, chunk.rows))
    except NOT_JSON:
        return _decoded_one_by_one(chunk, decode)


def _only_mappings(chunk: Chunk) -> tuple[Chunk, list[Mapping[str, Any]]]:
    if all(isinstance(row, Mapping) for row in chunk.rows):
        return chunk, chunk.rows
    return _decoded_one_by_one(chunk, lambda row: row if isinstance(row, Mapping) else _decode_row(row))


def _decode_row(row: Any) -> Any:
    if isinstance(row, bytes):
        return _decode_object(row)
    msg = f"expected a row (a dict), got {type(row).__name__}"
    raise msgspec.ValidationError(msg)


def _decoded_one_by_one(chunk: Chunk, decode: Callable[[Any], Any]) -> tuple[Chunk, list[Any]]:
    positions, rows, decoded, refusals = [], [], [], list(chunk.refusals)
    for position, row in zip(chunk.positions, chunk.rows, strict=True):
        try:
            decoded.append(decode(row))
        except NOT_JSON as error:
            refusals.append(Refusal(position, row, explain_decode_error(error)))
        else:
            positions.append(position)
            rows.append(row)
    return chunk._replace(positions=positions, rows=rows, refusals=refusals), decoded
