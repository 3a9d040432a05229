"""The file formats: an object for each, and a list of all. No other module names one of them."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.formats.arrow import ARROW
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.formats.content import (
    describe_content,
    describe_other,
    json_format_of,
)
from airflow_provider_cdf_records.sources.formats.csv import CSV, TSV
from airflow_provider_cdf_records.sources.formats.json import JSON
from airflow_provider_cdf_records.sources.formats.ndjson import NDJSON
from airflow_provider_cdf_records.sources.formats.parquet import PARQUET
from airflow_provider_cdf_records.sources.formats.slicing import CannotBeCutError, Slicing

__all__ = [
    "FORMATS",
    "NDJSON",
    "CannotBeCutError",
    "Format",
    "Options",
    "Slicing",
    "describe_content",
    "describe_other",
    "format_named",
    "format_names",
    "format_of",
    "json_format_of",
    "known_suffixes",
    "names_of_all_options",
]

FORMATS: list[Format[Any]] = [
    ARROW,
    CSV,
    JSON,
    NDJSON,
    PARQUET,
    TSV,
]


def format_names() -> str:
    """Return the names of all formats, for a message."""
    return ", ".join(known.name for known in FORMATS)


def known_suffixes() -> str:
    """Return the suffixes of all formats, for a message."""
    return ", ".join(suffix for known in FORMATS for suffix in known.suffixes)


def format_named(name: str) -> Format[Any]:
    """Return a format by its name.

    :raises SourceError: when there is none of that name.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    msg = f"file_format must be one of {format_names()}, got {name!r}."
    raise SourceError(msg)


def format_of(file_name: str) -> Format[Any] | None:
    """Return the format that a file name's suffix stands for; ``None`` if it stands for none."""
    name = file_name.lower()
    return next((known for known in FORMATS if name.endswith(known.suffixes)), None)


def names_of_all_options() -> set[str]:
    """Return the names of the options that any format has."""
    return {name for known in FORMATS for name in known.option_names}
