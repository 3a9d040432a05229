"""The types that properties of containers can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timezone, tzinfo
from typing import Any

from airflow_provider_cdf_records.mapping.types.booleans import BOOLEAN
from airflow_provider_cdf_records.mapping.types.json_value import ANY, JSON
from airflow_provider_cdf_records.mapping.types.lists import list_type
from airflow_provider_cdf_records.mapping.types.numbers import FLOAT32, FLOAT64, INT32, INT64
from airflow_provider_cdf_records.mapping.types.property_type import PropertyType
from airflow_provider_cdf_records.mapping.types.relations import direct_type, reference_type
from airflow_provider_cdf_records.mapping.types.text import enum_type, text_type
from airflow_provider_cdf_records.mapping.types.timestamps import DATE, timestamp_type

MAX_LIST = 1000  # items, unless the definition says otherwise
MAX_LISTS = {"direct": 100}  # the same, for types whose lists are shorter
MAX_LIST_SIZE = 2000  # items, the most that a definition may allow

Definition = Mapping[str, Any]  # of a type, such as {"type": "text", "list": true, "maxTextSize": 100}


@dataclass(frozen=True)
class Options:
    """What the mapping says about a property, and the container's definition does not."""

    time_zone: tzinfo
    direct_space: str | None


MAKE_TYPE: Mapping[str, Callable[[Definition, Options], PropertyType]] = {
    "boolean": lambda _, __: BOOLEAN,
    "int32": lambda _, __: INT32,
    "int64": lambda _, __: INT64,
    "float32": lambda _, __: FLOAT32,
    "float64": lambda _, __: FLOAT64,
    "text": lambda definition, _: text_type(definition),
    "enum": lambda definition, _: enum_type(definition),
    "timestamp": lambda _, options: timestamp_type(options.time_zone),
    "date": lambda _, __: DATE,
    "json": lambda _, __: JSON,
    "direct": lambda _, options: direct_type(options.direct_space),
    "timeseries": lambda _, __: reference_type("time series"),
    "file": lambda _, __: reference_type("file"),
    "sequence": lambda _, __: reference_type("sequence"),
}


def property_type(
    definition: Definition,
    *,
    time_zone: tzinfo = timezone.utc,
    delimiter: str | None = None,
    direct_space: str | None = None,
) -> PropertyType:
    """Return the type of a property; one that is not in the registry takes any JSON value.

    :param definition: the type's definition in the container.
    :param time_zone: of timestamps that name none.
    :param delimiter: between the items of a list that comes as text.
    :param direct_space: the space of direct relations that come as an external id alone.
    """
    name = definition["type"]
    make = MAKE_TYPE.get(name)
    item = ANY if make is None else make(definition, Options(time_zone, direct_space))
    if not definition.get("list"):
        return item
    max_items = definition.get("maxListSize") or MAX_LISTS.get(name, MAX_LIST)
    return list_type(item, min(max_items, MAX_LIST_SIZE), delimiter)
