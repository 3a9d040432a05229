"""Arrow's columns as lists of Python values, none of which means something else than in the column."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

import pyarrow as pa

from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources.arrow import moments, nested

Read = Callable[[Any], list[Any]]

EXTENSION_NAME = b"ARROW:extension:name"  # in the metadata of a field whose extension type is not known here
SAME_AS_STORAGE = {"arrow.json"}


class Reader(NamedTuple):
    """Returns the values of the columns of one type.

    :param read: takes a column.
    :param is_native: whether pyarrow makes the same values, but for texts that are not UTF-8.
    """

    read: Read
    is_native: bool = False


def reader_of(field: Any, *, binary_as_string: bool = False) -> Reader:
    """Return the reader of a field of a schema.

    :param binary_as_string: take bytes as texts.
    """
    kind, name = field.type, (field.metadata or {}).get(EXTENSION_NAME, b"").decode(errors="replace")
    if isinstance(kind, pa.BaseExtensionType):
        storage = _extension_reader(kind.extension_name, kind.storage_type, binary_as_string)
        return Reader(lambda column: storage(column.storage))
    if name:
        return Reader(_extension_reader(name, kind, binary_as_string))
    return _reader_of_type(kind, binary_as_string)


def _reader_of_type(kind: Any, binary_as_string: bool) -> Reader:
    for is_kind, read in moments.READERS.items():
        if is_kind(kind):
            return Reader(read)
    if _is_text(kind) or (binary_as_string and _is_binary(kind)):
        return Reader(_read_texts, is_native=not _is_binary(kind))
    if pa.types.is_float16(kind):
        return Reader(_read_half_floats)
    if any(map(kind.equals, NATIVE)) or pa.types.is_decimal(kind) or _is_binary(kind):
        return Reader(_read_native, is_native=True)
    if pa.types.is_dictionary(kind):
        values = reader_of(pa.field("value", kind.value_type), binary_as_string=binary_as_string).read
        return Reader(_Dictionaries(values).read)
    if is_type("run_end_encoded", kind):
        values = reader_of(pa.field("value", kind.value_type), binary_as_string=binary_as_string).read
        return Reader(lambda column: nested.read_runs(column, values))
    if pa.types.is_nested(kind):
        return _nested_reader(kind, binary_as_string)
    return Reader(_read_strange)


def _nested_reader(kind: Any, binary_as_string: bool) -> Reader:
    readers = [reader_of(inner, binary_as_string=binary_as_string) for inner in nested.fields_of(kind)]
    general = nested.reader_of(kind, [reader.read for reader in readers])
    if general is None:
        return Reader(_read_strange)
    if not nested.is_native(kind) or not all(reader.is_native for reader in readers):
        return Reader(general)

    def read(column: Any) -> list[Any]:
        try:
            return list(column.to_pylist())
        except UnicodeDecodeError:
            return general(column)

    return Reader(read, is_native=True)


def is_type(name: str, kind: Any) -> bool:
    """Whether pyarrow calls a type so; older versions do not have all types."""
    is_kind = getattr(pa.types, f"is_{name}", None)
    return is_kind is not None and bool(is_kind(kind))


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or is_type("string_view", kind)


def _is_binary(kind: Any) -> bool:
    return any(is_type(name, kind) for name in BINARY)


NATIVE = [
    *(pa.null(), pa.bool_(), pa.float32(), pa.float64()),
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
]
BINARY = ("binary", "large_binary", "fixed_size_binary", "binary_view")


def _read_native(column: Any) -> list[Any]:
    return list(column.to_pylist())


def _read_half_floats(column: Any) -> list[Any]:
    return [None if value is None else float(value) for value in column.to_pylist()]


def _read_texts(column: Any) -> list[Any]:
    if _is_binary(column.type):
        return list(map(_decoded, column.to_pylist()))
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        is_view = is_type("string_view", column.type)
        column = column.view(pa.binary_view()) if is_view else column.cast(pa.large_binary())
        return list(map(_decoded, column.to_pylist()))


def _decoded(value: bytes | None) -> Any:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError as error:
        return Unreadable(f"not UTF-8: {error.reason} at byte {error.start}", value)


class _Dictionaries:
    """Reads columns whose values are in a dictionary, which many rows share."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._dictionary: Any = None
        self._values: list[Any] = []

    def read(self, column: Any) -> list[Any]:
        if len(column.dictionary) > len(column):
            taken = None
            with suppress(pa.ArrowNotImplementedError):  # there are types of which it cannot take some
                taken = column.dictionary.take(column.indices)
            if taken is not None:
                return self._read(taken)
        values = self._values_of(column.dictionary)
        return [None if index is None else values[index] for index in column.indices.to_pylist()]

    def _values_of(self, dictionary: Any) -> list[Any]:
        if self._dictionary is None or not _is_same(dictionary, self._dictionary):
            self._dictionary, self._values = dictionary, self._read(dictionary)
        return self._values


def _is_same(array: Any, other: Any) -> bool:
    """Whether two arrays are the same place in memory."""
    return (array.offset, len(array), _addresses(array)) == (other.offset, len(other), _addresses(other))


def _addresses(array: Any) -> list[int | None]:
    return [None if buffer is None else buffer.address for buffer in array.buffers()]


def _extension_reader(name: str, storage: Any, binary_as_string: bool) -> Read:
    """Return the reader of the storage of an extension type.

    The numbers of an unknown type may mean anything: pandas' periods are numbers of months, days or years.
    """
    if name == "arrow.uuid" and pa.types.is_fixed_size_binary(storage):
        return lambda column: [
            None if value is None else str(UUID(bytes=value)) for value in column.to_pylist()
        ]
    if name == "arrow.bool8":
        return lambda column: [None if value is None else value != 0 for value in column.to_pylist()]
    if name not in SAME_AS_STORAGE and (pa.types.is_primitive(storage) or pa.types.is_decimal(storage)):
        return lambda column: [
            None
            if value is None
            else Unreadable(f"{value} of the type {name!r}, which is not known here", value)
            for value in column.to_pylist()
        ]
    return reader_of(pa.field("storage", storage), binary_as_string=binary_as_string).read


def _read_strange(column: Any) -> list[Any]:
    """Return values of a type that has no counterpart, such as intervals of months, days and nanoseconds."""
    return [
        Unreadable(f"of Arrow's type {column.type}", scalar) if scalar.is_valid else None for scalar in column
    ]
