"""Bounds of time as people and templates write them, as CDF takes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import msgspec

from airflow_provider_cdf_records.client.errors import CdfError

BOUNDS = ("gt", "gte", "lt", "lte")
ROUNDED_UP = ("gte", "lt")  # to the next whole millisecond; the others down: CDF's times are whole ones
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)
WITHOUT_SEPARATORS = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}  # as Airflow's ds_nodash, by the number of digits
FORMS = "a datetime, ISO 8601, or milliseconds since 1970"


class InvalidTimeBoundsError(CdfError, ValueError):
    """Bounds of time that make no sense."""


def in_milliseconds(bounds: Mapping[str, Any] | None) -> dict[str, int] | None:
    """Return bounds of time in whole milliseconds since the epoch, which leave in and out the same records.

    :param bounds: ``{"gt"/"gte"/"lt"/"lte": a datetime or date, ISO 8601, or milliseconds since the epoch}``;
        numbers may be texts, and a moment without a time zone is in UTC.
    :raises InvalidTimeBoundsError: naming the bound.
    """
    if bounds is None:
        return None
    if not isinstance(bounds, Mapping) or not bounds or not bounds.keys() <= set(BOUNDS):
        msg = (
            f'last_updated_time must be bounds such as {{"gte": ...}} ({", ".join(BOUNDS)}), got {bounds!r}.'
        )
        raise InvalidTimeBoundsError(msg)
    return {name: _milliseconds(name, bound) for name, bound in bounds.items()}


def _milliseconds(name: str, bound: Any) -> int:
    moment = _moment(bound.strip()) if isinstance(bound, str) else bound
    is_up = name in ROUNDED_UP
    if isinstance(moment, date):
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        since = (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)) - EPOCH
        return -(-since // MILLISECOND) if is_up else since // MILLISECOND
    if isinstance(moment, int | float) and not isinstance(moment, bool) and math.isfinite(moment):
        return math.ceil(moment) if is_up else math.floor(moment)
    msg = f"last_updated_time: {name} must be {FORMS}, got {bound!r}."
    raise InvalidTimeBoundsError(msg)


def _moment(text: str) -> datetime | int | None:
    """Return what a text means; ``None`` where it is no moment, or one that could be read in two ways."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal():
        with suppress(KeyError, ValueError):
            datetime.strptime(text, WITHOUT_SEPARATORS[len(text)])
            return None
        return int(text)
    with suppress(msgspec.ValidationError):
        return msgspec.convert(text, datetime)
    with suppress(ValueError):  # a date alone, or a time without seconds
        return datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    return None
