"""The patterns of points in time in texts, and which of them fit all texts of a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from airflow_provider_cdf_records.mapping.types import property_type

MOST_PATTERNS = 4  # in one column
LONGEST = 48  # characters
REMEMBERED = 1000  # texts
DATES = (
    (r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", {"year first": "%Y{0}%m{0}%d"}),
    (r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", {"day first": "%d{0}%m{0}%Y", "month first": "%m{0}%d{0}%Y"}),
    (
        r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2})",
        {"day first": "%d{0}%m{0}%y", "month first": "%m{0}%d{0}%y", "year first": "%y{0}%m{0}%d"},
    ),
)
NAMED_MONTH = re.compile(
    r"(?P<weekday>[A-Za-z]{3,9}, ?)?(?:"
    r"(?P<day>\d{1,2})(?P<a>[-/. ]{1,2})(?P<month>[A-Za-z]{3,9})(?P<b>[-/. ,]{1,2})(?P<year>\d{4}|\d{2})"
    r"|(?P<month2>[A-Za-z]{3,9}) (?P<day2>\d{1,2})(?P<comma>,? )(?P<year2>\d{4}))"
)
TIME = re.compile(
    r"(?P<joiner>[ T]{1,2}|, |:)(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2})?(?P<fraction>[.,]\d{1,6})?"
    r"(?P<half>\s?[AaPp][Mm])?(?P<gap> ?)(?P<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
HINT = re.compile(
    r"time|date|stamp|epoch|datum|zeit|(?:^|[^a-z])(?:ts|dt|at|day|tid|dato)(?:$|[^a-z])", re.IGNORECASE
)
EPOCH = {10: "s", 13: "ms", 16: "us", 19: "ns"}  # digits of moments from 2001 to 2286
LATEST = 4_102_444_800  # seconds: the year 2100
ISO = "ISO 8601"
DAY_FIRST, MONTH_FIRST = "day first", "month first"

_timestamps, _dates = property_type({"type": "timestamp"}), property_type({"type": "date"})


def suggests_time(column: str) -> bool:
    """Whether a column's name says that it holds points in time."""
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", column)
    return HINT.search(words) is not None


def epoch_unit(smallest: int, largest: int) -> str | None:
    """Return the unit in which whole numbers may count the time since 1970; ``None`` if they do not."""
    unit = EPOCH.get(len(str(largest)))
    is_close = smallest > 0 and len(str(smallest)) == len(str(largest))
    return unit if is_close and largest // 10 ** (len(str(largest)) - 10) < LATEST else None


class Moments:
    """What is known of the points in time in a column of texts.

    :ivar orders: the orders of day, month and year that fit all texts so far, with their patterns.
    """

    def __init__(self, column: str) -> None:
        self._suggests_time = suggests_time(column)
        self._is_iso = True
        self._is_iso_date = True
        self._iso_texts: list[str] = []  # looked at again once the column turns out not to be ISO 8601
        self.has_time_zone = False
        self.orders: dict[str, dict[str, None]] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the texts so far may be points in time."""
        return self._is_iso or self.orders is None or bool(self.orders)

    def add(self, texts: list[str]) -> None:
        """Look at more texts."""
        if not texts or not self.is_open:
            return
        if self._is_iso_date and _dates.column(texts)[1]:
            self._is_iso_date = False
        if self._is_iso and not _timestamps.column(texts)[1]:
            self.has_time_zone = self.has_time_zone or any(map(_has_offset, texts))
            self._iso_texts += texts[: max(0, REMEMBERED - len(self._iso_texts))]
            return
        self._is_iso = False
        for text in [*self._iso_texts, *texts]:
            self._narrow(text)
            if not self.orders:
                break
        self._iso_texts = []

    def _narrow(self, text: str) -> None:
        patterns = patterns_of(text, self._suggests_time)
        if self.orders is None:
            self.orders = {order: {} for order in patterns}
        for order in list(self.orders):
            pattern = patterns.get(order)
            if pattern is None or not _fits(text, pattern):
                del self.orders[order]
            else:
                self.orders[order][pattern] = None
                if len(self.orders[order]) > MOST_PATTERNS:
                    del self.orders[order]
        self.has_time_zone = self.has_time_zone or any(
            "%z" in pattern or "%Z" in pattern for pattern in patterns.values()
        )

    @property
    def kind(self) -> str | None:
        """``date`` or ``timestamp``; ``None`` where the texts are neither."""
        if self._is_iso:
            return "date" if self._is_iso_date else "timestamp"
        patterns = [pattern for order in (self.orders or {}).values() for pattern in order]
        if not patterns:
            return None
        return "timestamp" if any("%H" in pattern or "%I" in pattern for pattern in patterns) else "date"

    @property
    def is_iso(self) -> bool:
        """Whether no pattern is needed."""
        return self._is_iso


def patterns_of(text: str, suggests: bool) -> dict[str, str]:
    """Return the patterns of ``strptime`` that may fit a text, by the order of its date.

    :param suggests: whether the column's name says that it holds points in time.
    """
    if len(text) > LONGEST or not any(map(str.isdigit, text)):
        return {}
    return _patterns_of_shape(re.sub(r"\d", "1", text), suggests)


@lru_cache(maxsize=4096)
def _patterns_of_shape(shape: str, suggests: bool) -> dict[str, str]:
    if shape.isdigit():
        return {"year first": COMPACT[len(shape)]} if suggests and len(shape) in COMPACT else {}
    for pattern, orders in DATES:
        if found := re.match(pattern, shape):
            time = _time_pattern(shape[found.end() :])
            if time is None:
                continue
            separator = found.group(2)
            return {
                order: date.format(separator) + time
                for order, date in orders.items()
                if separator != "." or not date.startswith("%y")  # nobody writes 26.12.31
            }
    return _with_named_month(shape)


def _with_named_month(shape: str) -> dict[str, str]:
    found = NAMED_MONTH.match(shape)
    time = _time_pattern(shape[found.end() :]) if found else None
    if found is None or time is None:
        return {}
    weekday = ""
    if given := found["weekday"]:
        weekday = ("%a" if len(given.rstrip(", ")) == len("Mon") else "%A") + "," + " " * (given[-1] == " ")
    if found["day"]:
        month = "%b" if len(found["month"]) == len("Jan") else "%B"
        year = "%Y" if len(found["year"]) == len("2026") else "%y"
        return {"named": f"{weekday}%d{found['a']}{month}{found['b']}{year}{time}"}
    month = "%b" if len(found["month2"]) == len("Jan") else "%B"
    return {"named": f"{weekday}{month} %d{found['comma']}%Y{time}"}


def _time_pattern(text: str) -> str | None:
    """Return the pattern of what follows a date; ``None`` where it is no time."""
    if not text:
        return ""
    found = TIME.fullmatch(text)
    if found is None:
        return None
    pattern = found["joiner"] + ("%I:%M" if found["half"] else "%H:%M")
    pattern += ":%S" if found["second"] else ""
    pattern += f"{found['fraction'][0]}%f" if found["fraction"] else ""
    pattern += f"{found['half'][:-2]}%p" if found["half"] else ""
    if offset := found["offset"]:
        return pattern + found["gap"] + ("%Z" if offset in ("UTC", "GMT") else "%z")
    return pattern + found["gap"]


def is_moment(text: str, *, suggests: bool) -> bool:
    """Whether a text is a point in time in ISO 8601 or by any pattern."""
    if not _timestamps.column([text])[1]:
        return True
    return any(_fits(text, pattern) for pattern in patterns_of(text, suggests).values())


@lru_cache(maxsize=1 << 16)
def _fits(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True


def _has_offset(text: str) -> bool:
    return text.endswith("Z") or re.search(r":\d\d(?:[.,]\d+)? ?[+-]\d\d(?::?\d\d)?$", text) is not None


def decided_by(columns: Iterable[Moments]) -> str | None:
    """Return the one order, day or month first, that all unambiguous columns of a file have."""
    orders = {
        order
        for moments in columns
        if moments.orders and not moments.is_iso and len(moments.orders) == 1
        for order in moments.orders
        if order in (DAY_FIRST, MONTH_FIRST)
    }
    return orders.pop() if len(orders) == 1 else None
