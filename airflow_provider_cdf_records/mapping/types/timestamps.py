"""Points in time: timestamps and dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.local_time import Fold, NoTimeZone, localizer, offset_of
from airflow_provider_cdf_records.mapping.types.number_text import USUAL_NUMBERS, NumberText
from airflow_provider_cdf_records.mapping.types.property_type import (
    JSON_TYPES,
    InvalidValueError,
    PropertyType,
    Types,
    as_json_type,
)
from airflow_provider_cdf_records.mapping.types.timestamp_patterns import (
    OF_AN_EPOCH,
    UNITS,
    TimestampPattern,
    since_epoch,
)
from airflow_provider_cdf_records.records.json_types import to_exact_json_type, to_json_type
from airflow_provider_cdf_records.records.problems import listed

TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)? ?"
    r"(Z|[+-][0-9]{2}(?::?[0-5][0-9])?)?)?"
)
LINES_OF_CDF_TIMESTAMPS = re.compile(
    r"(?:[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:[0-9]{2})\n)+"
)
FIRST_DIGITS = {"1", "2"}  # of the years that CDF takes
TO_SHAPE = bytes.maketrans(b"123456789", b"000000000")
MOMENTS = list[datetime]
LINES_OF_LOCAL_TIMES = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?\n)+"
)
# As sources and the rejected-records file write moments that were no text.
OF_A_SOURCE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.(?:[0-9]{3}){1,3}Z?")
NUMBERS = {int, float, Decimal}
OR_PATTERN = "or set 'timestamp' to a pattern"
REMEMBERED = 4096  # texts whose moments are known

Read = Callable[[Any], datetime]
Form = str | TimestampPattern  # a unit since the epoch, or a pattern


def timestamp_forms(given: str | Sequence[str]) -> tuple[Form, ...]:
    """Return what a mapping's ``timestamp`` names.

    :raises InvalidArgumentError: when it is neither a unit nor a pattern.
    """
    texts = [given] if isinstance(given, str) else given
    return tuple(text if text in UNITS else TimestampPattern(text) for text in texts)


def timestamp_type(
    time_zone: tzinfo | NoTimeZone,
    fold: Fold = "reject",
    forms: Sequence[Form] = (),
    text: NumberText = USUAL_NUMBERS,
) -> PropertyType:
    """Return the type of timestamps.

    :param time_zone: of those that name none.
    :param fold: what a local time means that exists twice or not at all.
    :param forms: of texts and numbers, tried in order; by default ISO 8601.
    :param text: reads numbers that come as text.
    """
    localize = localizer(time_zone, fold)
    read = _reader(forms, text, f"write it as 2026-01-02T03:04:05Z, {OR_PATTERN}")

    def convert(value: Any) -> str:
        moment = read(value)
        return str(to_json_type(moment if moment.tzinfo else localize(moment)))

    convert_text = lru_cache(REMEMBERED)(convert)

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        if not types <= {str}:
            return None
        if forms:
            return list(map(convert_text, values))
        if (unchanged := _cdf_timestamps_or_none(values)) is not None:
            return unchanged
        if (moments := _local_times_or_none(values)) is not None:
            return list(map(to_json_type, map(localize, moments)))
        return None

    return PropertyType("timestamp", convert, convert_all)


def date_type(
    time_zone: tzinfo | NoTimeZone = timezone.utc,
    forms: Sequence[Form] = (),
    text: NumberText = USUAL_NUMBERS,
) -> PropertyType:
    """Return the type of dates, which may come as moments at midnight.

    :param time_zone: where the day of a number since the epoch begins.
    :param forms: as those of timestamps.
    """
    read = _reader(forms, text, f"write it as 2026-01-02, {OR_PATTERN}")

    def convert(value: Any) -> str:
        moment = read(value)
        if moment.tzinfo is OF_AN_EPOCH:
            if isinstance(time_zone, NoTimeZone):
                raise InvalidValueError(time_zone.why)
            moment = moment.astimezone(time_zone)
        if moment.time() != time():
            msg = "it has a time of day"
            raise InvalidValueError(msg)
        return moment.date().isoformat()

    return PropertyType("a date YYYY-MM-DD", convert)


def moment_of(value: Any) -> datetime:
    """Return the moment that a text in ISO 8601 or an object stands for, with a time zone where it names one.

    :raises ValueError: for anything else; an :class:`InvalidValueError` says why.
    """
    return _READ_ISO(value)


def _local_times_or_none(values: list[str]) -> list[datetime] | None:
    """Return texts as moments if all of them are in the usual form without a time zone."""
    if not LINES_OF_LOCAL_TIMES.fullmatch("\n".join(values) + "\n"):
        return None
    try:
        return msgspec.convert(values, list[datetime])
    except msgspec.ValidationError:
        return None


def _reader(forms: Sequence[Form], text: NumberText, hint: str) -> Read:
    """Return a function that makes a moment, with or without a time zone, of a value."""
    if forms:
        names = listed(form if isinstance(form, str) else form.text for form in forms)
        hint = f"the mapping reads it as {names}"

    def read(value: Any) -> datetime:
        if type(value) is str:
            value = value.strip()
            return read_in_forms(value) if forms else _parse(value, hint)
        if isinstance(value, datetime):
            return _plain_datetime(value)
        if isinstance(value, date):
            return datetime.combine(value, time())
        if type(value) not in NUMBERS and not isinstance(value, str):
            value = _as_text_or_number(value)
        if isinstance(value, str):
            value = value.strip()
            return read_in_forms(value) if forms else _parse(value, hint)
        if isinstance(value, bool) or type(value) not in NUMBERS:
            raise InvalidValueError
        if not forms:
            msg = f"to read a number, set 'timestamp' in the mapping to one of {listed(UNITS)}"
            raise InvalidValueError(msg)
        return read_in_forms(value)

    def read_in_forms(value: Any) -> datetime:
        why = ""
        for form in forms:
            try:
                if isinstance(form, str):
                    moment = since_epoch(value, form, text)
                else:
                    moment = form.parse(_digits(value))
            except InvalidValueError as error:
                why = why or f"{error}; "
                continue
            if moment is not None:
                return moment
        if not why and isinstance(value, str) and OF_A_SOURCE.fullmatch(value):
            return _parse(value, hint)
        raise InvalidValueError(why + hint)

    return read


def _digits(value: Any) -> str:
    """Return a text, or the digits of a whole number such as 20260102, for a pattern."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value == value // 1 else str(value)


def _plain_datetime(value: datetime) -> datetime:
    """Return a moment as Python's own type; those of pandas have other methods, and NaT."""
    if type(value) is datetime:
        return value
    if value != value:  # noqa: PLR0124 (NaT)
        raise InvalidValueError
    day = (value.year, value.month, value.day)
    clock = (value.hour, value.minute, value.second, value.microsecond)
    return datetime(*day, *clock, tzinfo=value.tzinfo, fold=value.fold)


def _as_text_or_number(value: Any) -> Any:
    if type(value) in JSON_TYPES:
        raise InvalidValueError
    if getattr(getattr(value, "dtype", None), "kind", None) == "M":  # a datetime64 of numpy
        return to_exact_json_type(value)
    return as_json_type(value)


def _cdf_timestamps_or_none(values: list[Any]) -> list[Any] | None:
    """Return texts if all of them are timestamps as CDF writes them, of times that exist."""
    if not _are_cdf_timestamps("\n".join(values) + "\n", len(values)):
        return None
    try:
        msgspec.convert(values, MOMENTS)
    except msgspec.ValidationError:
        return None
    return values


def _are_cdf_timestamps(lines: str, count: int) -> bool:
    """Whether lines are written as CDF writes timestamps."""
    first = lines[: lines.index("\n") + 1]
    if LINES_OF_CDF_TIMESTAMPS.fullmatch(first):
        has_years = set(lines[:: len(first)]) <= FIRST_DIGITS
        if has_years and lines.encode().translate(TO_SHAPE) == first.encode().translate(TO_SHAPE) * count:
            return True  # all have the shape of the first one, which is faster to see
    return LINES_OF_CDF_TIMESTAMPS.fullmatch(lines) is not None


def _parse(text: str, hint: str) -> datetime:
    found = TIMESTAMP.fullmatch(text)
    if found is None:
        raise InvalidValueError(hint)
    *numbers, fraction, offset = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    zone = None if offset is None else offset_of(offset)
    if zone is None and offset is not None:
        raise InvalidValueError(hint)
    return datetime(year, month, day, hour, minute, second, microsecond, zone)


_READ_ISO = _reader((), USUAL_NUMBERS, "write it as 2026-01-02T03:04:05Z")
