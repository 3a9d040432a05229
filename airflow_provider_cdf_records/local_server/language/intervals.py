"""The intervals of time histograms: where the interval of a given time starts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_cdf_records.local_server.checks.reading import bad_request
from airflow_provider_cdf_records.local_server.checks.values import instant

TimeRounding = Callable[[int], int]  # epoch milliseconds to the start of their interval

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)
FIXED = re.compile(r"([1-9]\d{0,8})(ms|s|m|h|d)")
UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
MONDAY = 4 * UNIT_MS["d"]  # the first one after the epoch
CALENDAR: dict[str, TimeRounding] = {
    "1s": lambda time: _rounded(time, UNIT_MS["s"]),
    "1m": lambda time: _rounded(time, UNIT_MS["m"]),
    "1h": lambda time: _rounded(time, UNIT_MS["h"]),
    "1d": lambda time: _rounded(time, UNIT_MS["d"]),
    "1w": lambda time: _rounded(time - MONDAY, 7 * UNIT_MS["d"]) + MONDAY,
    "1M": lambda time: _start_of_months(time, 1),
    "1q": lambda time: _start_of_months(time, 3),
    "1y": lambda time: _start_of_months(time, 12),
}


def read_time_rounding(histogram: dict[str, Any], where: str) -> TimeRounding:
    """Return the rounding to ``calendarInterval`` or ``fixedInterval``, of which one must be given."""
    calendar, fixed = histogram.get("calendarInterval"), histogram.get("fixedInterval")
    if (calendar is None) == (fixed is None):
        raise bad_request(f"{where}: expected either calendarInterval or fixedInterval.")
    if calendar is not None:
        if not isinstance(calendar, str) or calendar not in CALENDAR:
            raise bad_request(f"{where}.calendarInterval: {calendar!r} is not one of {', '.join(CALENDAR)}.")
        return CALENDAR[calendar]
    parts = FIXED.fullmatch(fixed) if isinstance(fixed, str) else None
    if parts is None:
        raise bad_request(f"{where}.fixedInterval: expected a duration such as '15m', got {fixed!r}.")
    step = int(parts[1]) * UNIT_MS[parts[2]]
    return lambda time: _rounded(time, step)


def epoch_ms(value: Any, where: str) -> int:
    """Return the epoch milliseconds of a time, given as such or as ISO 8601 text of a time or a day."""
    if type(value) is int:
        return value
    text = value if isinstance(value, str) else ""
    moment = instant(text) or instant(f"{text}T00:00:00Z")
    if moment is None:
        raise bad_request(f"{where}: expected epoch milliseconds or an ISO 8601 time, got {value!r}.")
    return (moment - EPOCH) // MILLISECOND


def iso_time(time: int) -> str:
    """Return epoch milliseconds as ISO 8601, with milliseconds only if they are not 0."""
    try:
        moment = EPOCH + time * MILLISECOND
    except OverflowError:
        raise bad_request("timeHistogram: an interval starts before the year 1.") from None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds" if time % 1000 else "seconds") + "Z"


def _rounded(time: int, step: int) -> int:
    return time // step * step


def _start_of_months(time: int, months: int) -> int:
    moment = EPOCH + time * MILLISECOND
    start = datetime(moment.year, (moment.month - 1) // months * months + 1, 1, tzinfo=timezone.utc)
    return (start - EPOCH) // MILLISECOND
