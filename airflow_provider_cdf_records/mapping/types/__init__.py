"""Converts values to the types of properties, a column at a time.

Each type has two functions: one that converts a value or says what is wrong with it, and a fast one for a
whole column of valid values, which returns ``None`` when a value is unusual.
"""

from __future__ import annotations

from airflow_provider_cdf_records.mapping.types.json_sent import SentType, sent_type
from airflow_provider_cdf_records.mapping.types.json_texts import JsonTexts, written, written_but
from airflow_provider_cdf_records.mapping.types.json_value import parsed
from airflow_provider_cdf_records.mapping.types.local_time import (
    Fold,
    NoTimeZone,
    offset_of,
    time_zone_in_a_row,
    time_zone_of,
)
from airflow_provider_cdf_records.mapping.types.missing import NOTHING_MISSING, Missing, is_not_a_number
from airflow_provider_cdf_records.mapping.types.not_an_object import NotAnObject
from airflow_provider_cdf_records.mapping.types.number_text import (
    NumberText,
    check_number_style,
    number_pattern,
)
from airflow_provider_cdf_records.mapping.types.property_type import (
    InvalidValueError,
    Problems,
    PropertyType,
)
from airflow_provider_cdf_records.mapping.types.registry import (
    ANY_NUMBER,
    MOMENTS,
    NUMBERS,
    Options,
    property_type,
)
from airflow_provider_cdf_records.mapping.types.relations import Relation
from airflow_provider_cdf_records.mapping.types.text import as_texts
from airflow_provider_cdf_records.mapping.types.timestamps import moment_of, timestamp_forms

__all__ = [
    "ANY_NUMBER",
    "MOMENTS",
    "NOTHING_MISSING",
    "NUMBERS",
    "Fold",
    "InvalidValueError",
    "JsonTexts",
    "Missing",
    "NoTimeZone",
    "NotAnObject",
    "NumberText",
    "Options",
    "Problems",
    "PropertyType",
    "Relation",
    "SentType",
    "as_texts",
    "check_number_style",
    "is_not_a_number",
    "moment_of",
    "number_pattern",
    "offset_of",
    "parsed",
    "property_type",
    "sent_type",
    "time_zone_in_a_row",
    "time_zone_of",
    "timestamp_forms",
    "written",
    "written_but",
]
