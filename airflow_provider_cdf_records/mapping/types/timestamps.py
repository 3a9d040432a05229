"""Points in time: timestamps and dates."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.property_type import (
    JSON_TYPES,
    InvalidValueError,
    PropertyType,
    Types,
)
from airflow_provider_cdf_records.records.encoding import to_json_type
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)? ?"
    r"(Z|[+-][0-9]{2}(?::?[0-5][0-9])?)?)?"
)
LINES_OF_CDF_TIMESTAMPS = re.compile(
    r"(?:[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:[0-9]{2})\n)+"
)


def timestamp_type(time_zone: tzinfo) -> PropertyType:
    """Return the type of timestamps; those that name no time zone are in the given one."""

    def convert(value: Any) -> str:
        moment = _as_datetime(value)
        if moment != moment:  # noqa: PLR0124 (pandas' NaT)
            raise InvalidValueError
        return str(to_json_type(moment if moment.tzinfo else moment.replace(tzinfo=time_zone)))

    return PropertyType("timestamp", convert, _cdf_timestamps_or_none)


def time_zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    :raises InvalidArgumentError: when there is none of that name.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 (only mappings need it)

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        msg = f"time_zone must be an IANA name such as 'Europe/Oslo', got {name!r}"
        raise InvalidArgumentError(msg) from None


def _cdf_timestamps_or_none(values: list[Any], types: Types) -> list[Any] | None:
    """Return the values if all of them are timestamps as CDF writes them, of times that exist."""
    if not types <= {str} or not LINES_OF_CDF_TIMESTAMPS.fullmatch("\n".join(values) + "\n"):
        return None
    try:
        msgspec.convert(values, list[datetime])
    except msgspec.ValidationError:
        return None
    return values


def _as_datetime(value: Any) -> datetime:
    if isinstance(value, str):
        return _parse(value.strip())
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if type(value) in JSON_TYPES:
        raise InvalidValueError
    return _parse(str(to_json_type(value)))  # a datetime64 of numpy


def _convert_date(value: Any) -> str:
    if type(value) not in JSON_TYPES and not isinstance(value, date):
        value = to_json_type(value)  # a datetime64 of numpy
    if isinstance(value, str):
        value = _parse(value.strip(), "write it as 2026-01-02")
    if not isinstance(value, date):
        raise InvalidValueError
    if isinstance(value, datetime):
        if value.time() != time():
            msg = "it has a time of day"
            raise InvalidValueError(msg)
        value = value.date()
    return str(value.isoformat())


def _parse(text: str, hint: str = "write it as 2026-01-02T03:04:05Z") -> datetime:
    found = TIMESTAMP.fullmatch(text)
    if found is None:
        raise InvalidValueError(hint)
    *numbers, fraction, offset = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, microsecond, _parse_offset(offset))


def _parse_offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return timezone.utc
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


DATE = PropertyType("a date YYYY-MM-DD", _convert_date)
