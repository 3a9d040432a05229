"""Turns rows of any form into columns, from which a mapping takes values."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from types import NoneType
from typing import Any

import msgspec
from msgspec.structs import astuple

from airflow_provider_cdf_records.mapping.types import NotAnObject, is_not_a_number, parsed
from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Refusal, row_and_context
from airflow_provider_cdf_records.records.decoding import (
    NOT_JSON,
    decode_exactly,
    decode_leniently,
    decode_object,
    decode_object_exactly,
    exact_number,
    keys_of,
)
from airflow_provider_cdf_records.records.encoding import explain_decode_error, explain_line
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows
from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.records.row_keys import with_names_only, with_surplus_named

Column = list[Any]  # a value a row; ``None`` where there is none
Decode = Callable[[Any], Any]
Read = Callable[[str, bool], Column]  # the values of a column, and whether numbers must keep all their digits
EMPTY = frozenset({""})
NUMBERS = frozenset({float, int, NoneType})
MAY_LACK_DIGITS = frozenset({float, dict, list})  # types of values that may be or hold rounded numbers


class Table:
    """The rows of a chunk that have columns.

    :ivar rows: as they were read.
    :ivar refusals: the rows that have no columns.
    """

    def __init__(self, chunk: Chunk, names: Callable[[], Iterable[str]], read: Read) -> None:
        self.positions = chunk.positions
        self.rows = chunk.as_read()
        self.refusals = chunk.refusals
        self._nulls = chunk.nulls
        self._names = names
        self._read = read

    def names(self) -> list[str]:
        """Return the names of all columns, in their order."""
        return list(dict.fromkeys(self._names()))

    def column(self, name: str, *, exact: bool = False) -> Column:
        """Return the values of a column, or of a path such as ``pump.id`` into one.

        Where the path leads into a value that is no object, the value is a :class:`NotAnObject`.

        :param exact: whether a number must keep all its digits, for a text, an id or an integer; else it may
            come as the nearest float. One with a fraction or an exponent is then a ``Decimal``, or a float
            whose ``repr`` has all its digits.
        """
        column = self._read(name, exact)
        root, dot, rest = name.partition(".")
        if dot and any(value is None for value in column):
            decode = decode_exactly if exact else parsed
            column = [
                _value_at(outer, rest, decode, self._nulls) if value is None else value
                for value, outer in zip(column, self._read(root, exact), strict=True)
            ]
            if NotAnObject in set(map(type, column)):
                column = [
                    None if type(value) is NotAnObject and self._has(index, name) else value
                    for index, value in enumerate(column)
                ]
        nulls = self._nulls
        return _without(nulls, column) if nulls else column

    def _has(self, index: int, name: str) -> bool:
        """Whether a row has a column of that very name."""
        row, _ = row_and_context(self.rows[index])
        return name in (keys_of(row) if isinstance(row, bytes) else as_mapping(row) or ())


def _without(texts: frozenset[str], column: Column) -> Column:
    """Return a column with ``None`` in place of some texts."""
    if texts == EMPTY and set(map(type, column)) <= {str}:  # as in most CSV files
        return column if all(column) else [value or None for value in column]
    with suppress(Exception):  # of a value that has no hash, such as a list
        if texts.isdisjoint(column):
            return column
    return [None if isinstance(value, str) and value in texts else value for value in column]


def _value_at(value: Any, path: str, decode: Decode, nulls: Container[str]) -> Any:
    for part in path.split("."):
        if isinstance(value, str) and value.lstrip().startswith("{"):
            with suppress(*NOT_JSON):
                value = decode(value)
        if not isinstance(value, Mapping):
            is_nothing = value is None or (isinstance(value, str) and value in nulls)
            return None if is_nothing or _is_empty(value) else NotAnObject(value, part)
        value = value.get(part)
    return value


def _is_empty(value: Any) -> bool:
    """Whether a value is what some programs write for an object without fields."""
    if isinstance(value, str):
        return not value.strip()
    return not value if isinstance(value, list | tuple) else is_not_a_number(value)


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
        return _table_of_objects(*_decoded(chunk, decode_object))
    fields = tuple(wanted)
    return _table_of_structs(*_decoded(chunk, _struct_decoder(fields), _struct_of(fields)), wanted)


def _table_of_values(chunk: Chunk, names: Columns) -> Table:
    rows = chunk.rows
    values = rows.columns if isinstance(rows, ColumnRows) else list(map(list, zip(*rows, strict=True)))
    columns: dict[str, Column] = dict(zip(names, values, strict=False))

    def read(name: str, _exact: bool) -> Column:
        column = columns.get(name)
        return [None] * len(rows) if column is None else column

    return Table(chunk, lambda: names, read)


def _table_of_mappings(chunk: Chunk, mappings: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        chunk,
        lambda: (name for mapping in mappings for name in mapping),
        lambda name, _exact: [mapping.get(name) for mapping in mappings],
    )


def _table_of_objects(chunk: Chunk, objects: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table of decoded rows, which are decoded again once a column has to be exact."""
    exactly = lru_cache(maxsize=1)(lambda: list(map(_leniently(decode_object_exactly), chunk.rows)))

    def read(name: str, exact: bool) -> Column:
        column = [fields.get(name) for fields in objects]
        if exact and _may_lack_digits(column):
            return [fields.get(name) for fields in exactly()]
        return column

    return Table(chunk, lambda: (name for fields in objects for name in fields), read)


def _table_of_structs(chunk: Chunk, structs: Sequence[Any], wanted: Sequence[str]) -> Table:
    columns: dict[str, Column] = {name: [] for name in wanted}
    columns.update(zip(wanted, map(list, zip(*map(astuple, structs), strict=True)), strict=False))

    def read(name: str, exact: bool) -> Column:
        column = columns[name]
        if exact and _may_lack_digits(column) and not _is_as_written(name, column, chunk.rows):
            decode = _leniently(_struct_decoder((name,), exact=True), _struct_of((name,)))
            return [fields.c0 for fields in map(decode, chunk.rows)]
        return column

    return Table(chunk, lambda: (name for row in chunk.rows for name in keys_of(row)), read)


def _is_as_written(name: str, column: Column, rows: list[bytes]) -> bool:
    """Whether the rows write a column of numbers as its texts are made, so that none lacks a digit."""
    if not NUMBERS.issuperset(map(type, column)) or any(map(_is_whole_float, column)):
        return False
    try:
        texts = [bytes(fields.c0) for fields in map(_raw_decoder(name), rows)]
    except NOT_JSON:
        return False
    return b" ".join(texts) == " ".join(map(repr, column)).replace("None", "null").encode()


def _is_whole_float(value: Any) -> bool:
    return type(value) is float and value.is_integer()


def _may_lack_digits(column: Column) -> bool:
    try:
        "".join(column)  # the fastest way to see that all are texts
    except TypeError:
        return not MAY_LACK_DIGITS.isdisjoint(map(type, column))
    return False


def _can_be_a_field(name: str) -> bool:
    """Whether a struct of msgspec can have a field of that name: not one that JSON has to escape."""
    return name.isprintable() and '"' not in name and "\\" not in name


@lru_cache(maxsize=32)
def _struct_of(wanted: tuple[str, ...]) -> type[Any]:
    """Return a struct of the wanted fields of an object."""
    fields = [(f"c{number}", Any, None) for number in range(len(wanted))]
    names = {f"c{number}": name for number, name in enumerate(wanted)}
    return msgspec.defstruct("Row", fields, rename=names, gc=False)


@lru_cache(maxsize=128)
def _struct_decoder(wanted: tuple[str, ...], *, exact: bool = False) -> Decode:
    """Return a decoder of the wanted fields of an object, which skips the others."""
    return msgspec.json.Decoder(_struct_of(wanted), float_hook=exact_number if exact else None).decode


@lru_cache(maxsize=128)
def _raw_decoder(name: str) -> Decode:
    """Return a decoder of one field of an object, which leaves its value as it is written."""
    fields = [("c0", msgspec.Raw, msgspec.Raw(b"null"))]
    return msgspec.json.Decoder(msgspec.defstruct("RawRow", fields, rename={"c0": name}, gc=False)).decode


def _leniently(decode: Decode, struct: type[Any] | None = None) -> Decode:
    """Return a function that also decodes a row that is JSON but for NaN and the like.

    :param struct: what the function returns, with fields ``c0``, ``c1``...; by default a dict.
    """

    def decode_row(row: bytes) -> Any:
        try:
            return decode(row)
        except NOT_JSON as error:
            try:
                fields = decode_leniently(row)
            except NOT_JSON:
                raise error from None
        return fields if struct is None else struct(*map(fields.get, struct.__struct_encode_fields__))

    return decode_row


def _decoded(chunk: Chunk, decode: Decode, struct: type[Any] | None = None) -> tuple[Chunk, list[Any]]:
    """Return the chunk with only the rows that are JSON objects, and these decoded."""
    try:
        return chunk, list(map(decode, chunk.rows))
    except NOT_JSON:
        return _decoded_one_by_one(chunk, _leniently(decode, struct))


def _only_mappings(chunk: Chunk) -> tuple[Chunk, list[Mapping[str, Any]]]:
    """Return the chunk with only the rows that are mappings with names as keys, and these."""
    rows = chunk.rows
    if set(map(type, rows)) == {dict} and set(map(type, chain.from_iterable(rows))) <= {str}:
        return chunk, rows
    return _decoded_one_by_one(chunk, _as_mapping)


def _as_mapping(row: Any) -> Mapping[str, Any]:
    if isinstance(row, bytes):
        fields: dict[str, Any] = _leniently(decode_object_exactly)(row)
        return fields
    if isinstance(row, Mapping):
        return with_names_only(row)
    msg = f"expected a row (a dict), got {type(row).__name__}"
    raise InvalidRecordError(msg)


def _decoded_one_by_one(chunk: Chunk, decode: Decode) -> tuple[Chunk, list[Any]]:
    positions, rows, decoded, refusals = [], [], [], list(chunk.refusals)
    for position, row in zip(chunk.positions, chunk.rows, strict=True):
        try:
            decoded.append(decode(row))
        except NOT_JSON as error:
            why = explain_line(row, error) if isinstance(row, bytes) else explain_decode_error(error)
            refusals.append(Refusal(position, with_surplus_named(row), why))
        else:
            positions.append(position)
            rows.append(decoded[-1] if isinstance(row, Mapping) else row)
    return chunk._replace(positions=positions, rows=rows, refusals=refusals), decoded
