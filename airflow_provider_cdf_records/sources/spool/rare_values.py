"""Kinds of values that few databases give: enums, named tuples, arrays, and objects of a driver's own."""

from __future__ import annotations

from collections import namedtuple
from enum import Enum, IntEnum
from functools import lru_cache
from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.records.encoding import display


def to_enum(value: Enum) -> list[Any]:
    """Return the name of an enum, the name and value of a member, and whether it is a number or text."""
    return [type(value).__name__, value.name, value.value, isinstance(value, int), isinstance(value, str)]


def from_enum(content: Any) -> Any:
    """Return the member of an enum that has no other."""
    name, member, value, is_number, is_text = content
    make: Any = IntEnum if is_number else Enum
    mixed_in = {"type": str} if isinstance(value, str) and is_text else {}
    return make(name, {member: value}, **mixed_in)[member]


def to_named_tuple(value: Any) -> list[Any]:
    """Return the name of a named tuple, the names of its fields, and its values."""
    return [type(value).__name__, list(value._fields), list(value)]


def from_named_tuple(content: Any) -> Any:
    """Return a named tuple with the same names."""
    name, fields, values = content
    return _named_tuple(name, tuple(fields))(*values)


@lru_cache(maxsize=64)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields, rename=True)


def to_array(value: Any) -> list[Any]:
    """Return the type, the shape and the content of a value of numpy, an array or a scalar."""
    array = import_module("numpy").asarray(value)
    is_array = type(value) is type(array)
    content = [*array.flat] if array.dtype.hasobject else array.tobytes()
    return [
        array.dtype.str if array.dtype.names is None else array.dtype.descr,
        array.shape,
        content,
        is_array,
    ]


def from_array(content: Any) -> Any:
    """Return a value of numpy."""
    numpy = import_module("numpy")
    kind, shape, values, is_array = content
    dtype = numpy.dtype(kind if isinstance(kind, str) else [tuple(field) for field in kind])
    if dtype.hasobject:
        array = numpy.empty(len(values), dtype)
        for number, value in enumerate(values):
            array[number] = value
    else:
        array = numpy.frombuffer(bytearray(values), dtype)
    array = array.reshape(shape)
    return array if is_array else array[()]


def to_other(value: object) -> list[Any]:
    """Return what messages say of a value that no conversion takes: its type's name, and its texts."""
    return [type(value).__name__, display(value), display(value, str)]


def from_other(content: Any) -> Any:
    """Return a value of which messages say the same, and that no conversion takes either."""
    name, shown, text = content
    return _other(name)(shown, text)


class _Other:
    def __init__(self, shown: str, text: str) -> None:
        self._shown, self._text = shown, text

    def __repr__(self) -> str:
        return self._shown

    def __str__(self) -> str:
        return self._text


@lru_cache(maxsize=64)
def _other(name: str) -> type[_Other]:
    return type(name, (_Other,), {})
