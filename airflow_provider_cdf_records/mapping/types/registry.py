"""The types that properties of containers can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timezone, tzinfo
from typing import Any

from airflow_provider_cdf_records.mapping.types.booleans import boolean_type
from airflow_provider_cdf_records.mapping.types.json_value import ANY, JSON
from airflow_provider_cdf_records.mapping.types.lists import list_type
from airflow_provider_cdf_records.mapping.types.local_time import Fold, NoTimeZone
from airflow_provider_cdf_records.mapping.types.number_text import USUAL_NUMBERS, NumberText
from airflow_provider_cdf_records.mapping.types.numbers import (
    MAX_FLOAT32,
    float_type,
    integer_type,
    number_type,
)
from airflow_provider_cdf_records.mapping.types.property_type import PropertyType
from airflow_provider_cdf_records.mapping.types.relations import direct_type, reference_type
from airflow_provider_cdf_records.mapping.types.text import enum_type, text_type
from airflow_provider_cdf_records.mapping.types.timestamps import Form, date_type, timestamp_type

MAX_LIST = 1000  # items, unless the definition says otherwise
MAX_LISTS = {"direct": 100}  # the same, for types whose lists are shorter
MAX_LIST_SIZE = 2000  # items, the most that a definition may allow

Definition = Mapping[str, Any]  # of a type, such as {"type": "text", "list": true, "maxTextSize": 100}


NUMBERS = ("int32", "int64", "float32", "float64")
MOMENTS = ("timestamp", "date")

ANY_NUMBER = "any number"  # what a property is taken for whose definition is not known


@dataclass(frozen=True)
class Options:
    """What the mapping says about a property, and the container's definition does not.

    :param time_zone: of timestamps that name none.
    :param fold: what a local time means that exists twice or not at all when clocks change.
    :param timestamp_forms: the forms of timestamps and dates; by default ISO 8601.
    :param number_text: reads numbers that come as text.
    :param true: the texts that mean it.
    :param false: the texts that mean it.
    :param delimiter: between the items of a list that comes as text.
    :param direct_space: the space of direct relations that come as an external id alone.
    """

    time_zone: tzinfo | NoTimeZone = timezone.utc
    fold: Fold = "reject"
    timestamp_forms: tuple[Form, ...] = ()
    number_text: NumberText = USUAL_NUMBERS
    true: tuple[str, ...] | None = None
    false: tuple[str, ...] | None = None
    delimiter: str | None = None
    direct_space: str | None = None


def _timestamp(_: Definition, options: Options) -> PropertyType:
    return timestamp_type(options.time_zone, options.fold, options.timestamp_forms, options.number_text)


MAKE_TYPE: Mapping[str, Callable[[Definition, Options], PropertyType]] = {
    "boolean": lambda _, options: boolean_type(options.true, options.false),
    "int32": lambda _, options: integer_type("int32", 32, options.number_text),
    "int64": lambda _, options: integer_type("int64", 64, options.number_text),
    "float32": lambda _, options: float_type("float32", MAX_FLOAT32, options.number_text),
    "float64": lambda _, options: float_type("float64", None, options.number_text),
    ANY_NUMBER: lambda _, options: number_type(options.number_text),
    "text": lambda definition, _: text_type(definition),
    "enum": lambda definition, _: enum_type(definition),
    "timestamp": _timestamp,
    "date": lambda _, options: date_type(options.time_zone, options.timestamp_forms, options.number_text),
    "json": lambda _, __: JSON,
    "direct": lambda _, options: direct_type(options.direct_space),
    "timeseries": lambda _, __: reference_type("time series"),
    "file": lambda _, __: reference_type("file"),
    "sequence": lambda _, __: reference_type("sequence"),
}


def property_type(definition: Definition, options: Options | None = None) -> PropertyType:
    """Return the type of a property; one that is not in the registry takes any JSON value.

    :param definition: the type's definition in the container.
    :param options: what the mapping says.
    """
    options = options or Options()
    name = definition["type"]
    make = MAKE_TYPE.get(name)
    item = ANY if make is None else make(definition, options)
    if not definition.get("list"):
        return item
    return list_type(item, max_items(definition), options.delimiter)


def max_items(definition: Definition) -> int:
    """Return how many items a list may have.

    :param definition: the type's definition in the container.
    """
    most = definition.get("maxListSize") or MAX_LISTS.get(definition["type"], MAX_LIST)
    return int(min(most, MAX_LIST_SIZE))
