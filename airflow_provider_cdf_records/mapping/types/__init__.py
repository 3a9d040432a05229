"""Converts values to the types of properties, a column at a time.

Each type has two functions: one that converts a value or says what is wrong with it, and a fast one for a
whole column of valid values, which returns ``None`` when a value is unusual.
"""

from __future__ import annotations

from airflow_provider_cdf_records.mapping.types.json_value import parsed
from airflow_provider_cdf_records.mapping.types.property_type import (
    InvalidValueError,
    Problems,
    PropertyType,
)
from airflow_provider_cdf_records.mapping.types.registry import property_type
from airflow_provider_cdf_records.mapping.types.relations import Relation
from airflow_provider_cdf_records.mapping.types.text import as_texts
from airflow_provider_cdf_records.mapping.types.timestamps import time_zone_of

__all__ = [
    "InvalidValueError",
    "Problems",
    "PropertyType",
    "Relation",
    "as_texts",
    "parsed",
    "property_type",
    "time_zone_of",
]
