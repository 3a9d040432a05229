"""The base of all types of properties: converts a value, or a whole column of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import NoneType
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.json_texts import JsonTexts, written
from airflow_provider_cdf_records.mapping.types.missing import is_not_a_number
from airflow_provider_cdf_records.mapping.types.not_an_object import NotAnObject
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError, shortened
from airflow_provider_cdf_records.records.json_types import to_json_type
from airflow_provider_cdf_records.records.unreadable import Unreadable

JSON_TYPES = frozenset({str, int, float, bool, list, dict, NoneType})
USUAL_ERRORS = (TypeError, ValueError, msgspec.MsgspecError, ArithmeticError, RecursionError)
NAN_HINT = "to take it as missing, set 'nan': 'null' in the mapping"

Types = set[type]
Problems = dict[int, str]  # what is wrong with values or rows, by their index in the chunk
ConvertValue = Callable[[Any], Any]
ConvertAll = Callable[[list[Any], Types], "list[Any] | None"]
WriteAll = Callable[[list[Any], Types], "JsonTexts | None"]


class InvalidValueError(ValueError):
    """A value that a property does not take."""


def _convert_none(_values: list[Any], _types: Types) -> None:
    """Return ``None``, so that all values are converted one by one."""


@dataclass(frozen=True)
class PropertyType:
    """Converts values to what a property takes.

    :param name: for messages, such as ``float64`` or ``text[]``.
    :param convert_value: converts one value that is not ``None``, or raises :class:`InvalidValueError`.
    :param convert_all: converts many valid values fast, given their types; returns ``None`` when one of them
        is unusual, so that they are converted one by one.
    :param needs_all_digits: whether a number must come with all its digits; not where it becomes a
        float.
    :param write_all: makes JSON of many valid values faster than their conversion does, or returns ``None``.
    """

    name: str
    convert_value: ConvertValue
    convert_all: ConvertAll = _convert_none
    needs_all_digits: bool = True
    write_all: WriteAll | None = None

    def json_texts(self, values: list[Any]) -> JsonTexts | None:
        """Convert a column to JSON; ``None`` where the values have to be converted one by one."""
        types = set(map(type, values))
        if NotAnObject in types:
            return None
        if NoneType not in types:
            return self._written_or_none(values, types)
        missing = [index for index, value in enumerate(values) if value is None]
        present = [value for value in values if value is not None]
        texts = self._written_or_none(present, types - {NoneType}) if present else JsonTexts([])
        return None if texts is None else texts.spread(missing)

    def _written_or_none(self, values: list[Any], types: Types) -> JsonTexts | None:
        if self.write_all is not None:
            with suppress(Exception):  # converting the values one by one shows which it is
                return self.write_all(values, types)
            return None
        converted = self._all_or_none(values, types)
        return None if converted is None else written(converted)

    def column(self, values: list[Any], null: Any = None) -> tuple[list[Any], Problems]:
        """Convert a column.

        :param null: stands in the result for each ``None``, and for each value that cannot be converted.
        """
        types = set(map(type, values))
        if NotAnObject in types:
            return self._one_by_one(values, null)
        if NoneType not in types:
            if (converted := self._all_or_none(values, types)) is not None:
                return converted, {}
        elif len(types) > 1:
            present = [value for value in values if value is not None]
            if (converted := self._all_or_none(present, types - {NoneType})) is not None:
                rest = iter(converted)
                return [null if value is None else next(rest) for value in values], {}
        return self._one_by_one(values, null)

    def _all_or_none(self, values: list[Any], types: Types) -> list[Any] | None:
        try:
            return self.convert_all(values, types)
        except Exception:  # converting the values one by one shows which it is
            return None

    def _one_by_one(self, values: list[Any], null: Any) -> tuple[list[Any], Problems]:
        problems: Problems = {}
        result: list[Any] = []
        for index, value in enumerate(values):
            try:
                result.append(null if value is None else self.convert(value))
            except InvalidValueError as error:
                problems[index] = str(error)
                result.append(null)
        return result, problems

    def convert(self, value: Any) -> Any:
        """Convert one value. Whatever goes wrong is a fault of this value, and never ends the load.

        :raises InvalidValueError: naming the type and the value.
        """
        if type(value) is NotAnObject:
            raise InvalidValueError(str(value))
        if type(value) is Unreadable:  # its reason says what to do, in full
            msg = f"expected {self.name}, got {value!r}"
            raise InvalidValueError(msg)
        try:
            return self.convert_value(value)
        except Exception as error:
            why = _reason(value, error)
            msg = f"expected {self.name}, got {shortened(display(value))}{f' ({why})' if why else ''}"
            raise InvalidValueError(msg) from None


def _reason(value: Any, error: Exception) -> str:
    """Return what to add to the type and the value, if that is not enough."""
    if is_not_a_number(value):
        return NAN_HINT
    if isinstance(error, InvalidValueError | InvalidRecordError):
        return str(error)
    if isinstance(error, USUAL_ERRORS):
        return ""
    return shortened(f"{type(error).__name__}: {display(error, str)}")


def as_json_type(value: Any) -> Any:
    """Return a value as one of the types that JSON has; subclasses of these are made plain."""
    while type(value) not in JSON_TYPES:
        value = to_json_type(value)
    return value
