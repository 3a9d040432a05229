"""Local time: time zones, and the times that a clock change leaves out or repeats."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal

from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened

OFFSET = re.compile("([+-])([0-9]{2})(?::?([0-5][0-9]))?")

Fold = Literal["first", "last", "reject"]
Localize = Callable[[datetime], datetime]


@dataclass(frozen=True)
class NoTimeZone:
    """Stands for the time zone of a row that has none.

    :param why: for the message of a moment that needs one.
    """

    why: str


def time_zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    :raises InvalidArgumentError: when there is none of that name.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 (only mappings need it)

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        msg = f"time_zone must be an IANA name such as 'Europe/Oslo', got {shortened(name)!r}"
        raise InvalidArgumentError(msg) from None


@lru_cache(maxsize=256)
def time_zone_in_a_row(text: str | None, column: str) -> tzinfo | NoTimeZone:
    """Return the time zone that a column names: an IANA name, or an offset such as ``+02:00``."""
    if text is None:
        return NoTimeZone(f"it names no time zone, and column {column!r} is empty")
    try:
        return offset_of(text) or time_zone_of(text)
    except InvalidArgumentError:
        return NoTimeZone(f"column {column!r} holds no time zone: {shortened(text)!r}")


def offset_of(text: str) -> timezone | None:
    """Return the time zone of an offset such as ``+02:00`` or ``Z``; ``None`` for any other text."""
    if text == "Z":
        return timezone.utc
    found = OFFSET.fullmatch(text)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset) if offset < timedelta(days=1) else None


def localizer(zone: tzinfo | NoTimeZone, fold: Fold) -> Localize:
    """Return a function that puts a moment without a time zone into one.

    :param fold: what a time means that exists twice, or does not exist, when clocks change: an error, or the
        time by the clock before the change (``first``) or after it (``last``), as in PEP 495.
    """
    if isinstance(zone, NoTimeZone):
        return _refuse(zone.why)
    if zone.utcoffset(None) is not None:  # it never changes
        fixed = timezone.utc if not zone.utcoffset(None) else zone  # a constant of Python is faster
        return lambda moment: moment.replace(tzinfo=fixed)

    def localize(moment: datetime) -> datetime:
        first = moment.replace(tzinfo=zone, fold=0)
        last = moment.replace(tzinfo=zone, fold=1)
        before, after = first.utcoffset(), last.utcoffset()
        if before == after or before is None or after is None:
            return first
        if fold == "reject":
            what = "does not exist" if before < after else "exists twice"
            msg = f"it {what} in {zone}, where clocks change; set 'fold' in the mapping to say which is meant"
            raise InvalidValueError(msg)
        return first if fold == "first" else last

    return localize


def _refuse(why: str) -> Localize:
    def refuse(_moment: datetime) -> datetime:
        raise InvalidValueError(why)

    return refuse
