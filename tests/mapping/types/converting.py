"""Converts single values for the tests."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from airflow_provider_cdf_records.mapping.types import InvalidValueError, Options, property_type

OPTIONS = {field.name for field in fields(Options)}  # of the mapping; the others are of the definition
OSLO = ZoneInfo("Europe/Oslo")


class Color(Enum):
    RED = "low"


def as_sent(value: Any) -> Any:
    """Return what the server makes of a value in a request."""
    return msgspec.json.decode(msgspec.json.encode(value))


def convert(value: Any, kind: str, **options: Any) -> Any:
    """Convert a value to a type by name."""
    definition = {name: options.pop(name) for name in list(options) if name not in OPTIONS}
    return property_type({"type": kind, **definition}, Options(**options)).convert(value)


def refused(value: Any, kind: str, **options: Any) -> str:
    """Return why a value is refused."""
    with pytest.raises(InvalidValueError) as refusal:
        convert(value, kind, **options)
    return str(refusal.value)
