"""Moments in the forms that a mapping names."""

from __future__ import annotations

import math
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.mapping.types import NumberText, Options, property_type, timestamp_forms
from airflow_provider_cdf_records.mapping.types.timestamp_patterns import TimestampPattern
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.number_style import NumberStyle
from tests.mapping.types.converting import OSLO, convert, refused

PATTERNS = [
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%Y%m%d", "%Y%m%d%H%M%S", "%d%m%Y%H%M", "%d-%b-%y",
    "%B %d, %Y", "%a %b %d %H:%M:%S %Y", "%A, %d %B %Y", "%Y-%j", "%Y%j", "%d/%m/%y %H:%M",
    "%Y-%m-%dT%H:%M:%S.%f", "%G-W%V-%u", "%G%V%u", "%a %V %G %H:%M", "%Y %W %w", "%y/%U %A", "%Y-%m-%d %u",
    "%Y-%m-%d %H:%M:%S%z", "%d.%m.%Y%%%H", "%Hh%M %d.%m.%Y", "[%d/%b/%Y:%H:%M:%S %z]", "%Y-%m-%d %H:%M:%S,%f",
]  # fmt: skip
patterns = st.sampled_from(PATTERNS)


def utc(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def forms(*texts: str) -> dict[str, Any]:
    return {"timestamp_forms": timestamp_forms(list(texts))}


@given(
    pattern=patterns,
    moment=st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)),
    minutes=st.integers(-1439, 1439),
)
def test_what_strftime_writes_is_read_as_strptime_does(pattern: str, moment: datetime, minutes: int) -> None:
    text = moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).strftime(pattern)
    expected = datetime.strptime(text, pattern)
    assert TimestampPattern(pattern).parse(text) == expected
    assert convert(text, "timestamp", **forms(pattern)) == utc(
        expected if expected.tzinfo else expected.replace(tzinfo=timezone.utc)
    )


@given(pattern=patterns, text=st.text("0123456789.:/-, TAMPJan", max_size=20))
def test_what_is_accepted_strptime_reads_in_the_same_way(pattern: str, text: str) -> None:
    try:
        moment = TimestampPattern(pattern).parse(text)
    except ValueError:
        return
    if moment is not None:
        assert datetime.strptime(text, pattern) == moment


NO_SUCH_DAY = (  # in the words of Python
    "day is out of range for month" if sys.version_info < (3, 14) else "day 30 must be in range 1..28"
)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%d.%m.%Y", "2.1.2026", "2026-01-02T00:00:00.000Z"),
        ("%d.%m.%Y", " 02.01.2026 ", "2026-01-02T00:00:00.000Z"),
        ("%d.%m.%y", "02.01.68", "2068-01-02T00:00:00.000Z"),
        ("%d.%m.%y", "02.01.69", "1969-01-02T00:00:00.000Z"),
        ("%d %b %Y", "02 JAN 2026", "2026-01-02T00:00:00.000Z"),
        ("%m/%d/%Y %I:%M %p", "1/2/2026 12:05 am", "2026-01-02T00:05:00.000Z"),
        ("%m/%d/%Y %I:%M %p", "1/2/2026 12:05 PM", "2026-01-02T12:05:00.000Z"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-02 03:04:05.123999999", "2026-01-02T03:04:05.123Z"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-02 03:04:05.5", "2026-01-02T03:04:05.500Z"),
        ("%Y-%m-%d %H:%M %z", "2026-01-02 03:04 +0130", "2026-01-02T01:34:00.000Z"),
        ("%Y-%m-%d %H:%M %Z", "2026-01-02 03:04 UTC", "2026-01-02T03:04:00.000Z"),
        ("%a %b %d %Y", "Fri Jan   2 2026", "2026-01-02T00:00:00.000Z"),
        ("%Y%m%d", 20260102, "2026-01-02T00:00:00.000Z"),
        ("%Y%m%d", 20260102.0, "2026-01-02T00:00:00.000Z"),
        ("%Y%m%d", Decimal("20260102"), "2026-01-02T00:00:00.000Z"),
        ("%Y%m%d", np.int64(20260102), "2026-01-02T00:00:00.000Z"),
    ],
)
def test_a_pattern_reads(pattern: str, text: Any, expected: str) -> None:
    assert convert(text, "timestamp", **forms(pattern)) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "why"),
    [
        ("%d.%m.%Y", "2026-01-02", "the mapping reads it as '%d.%m.%Y'"),
        ("%d.%m.%Y", "02.01.26", "the mapping reads it as"),
        ("%d.%m.%Y", "02.01.2026 03:04", "the mapping reads it as"),
        ("%d.%m.%Y", "30.02.2026", NO_SUCH_DAY),
        ("%d.%m.%Y", "02.13.2026", "month must be in 1..12"),
        ("%Y%m%d", "2026012", "the mapping reads it as"),
        ("%Y%m%d", 2026012, "the mapping reads it as"),
        ("%d%m%Y", 1022026, "the mapping reads it as"),
        ("%m/%d/%Y %I:%M %p", "1/2/2026 13:05 PM", "an hour with AM or PM is from 1 to 12"),
        ("%m/%d/%Y %I:%M %p", "1/2/2026 0:05 AM", "an hour with AM or PM is from 1 to 12"),
        ("%a %d.%m.%Y", "Mon 02.01.2026", "that day is a Friday"),
        ("%Y-%j", "2026-366", "day of the year is out of range"),
        ("%Y-%j", "2026-0", "day of the year is out of range"),
        ("%G-W%V-%u", "2025-W53-1", "week"),
        ("%G-W%V-%u", "2026-W01-8", "day of the week is out of range"),
        ("%G-W%V-%u", "2026-W01-0", "day of the week is out of range"),
        ("%Y %W %w", "2026 01 7", "day of the week is out of range"),
        ("%Y %W %w", "2026 00 1", "that year has no such day"),
        ("%Y %W %w", "2026 54 1", "that year has no such day"),
        ("%Y-%m-%d %u", "2026-01-02 4", "that day is a Friday"),
        ("%Y-%m-%d %H:%M:%S", "2026-01-02 03:04:60", "second must be in 0..59"),
        ("%Y-%m-%d %H:%M:%S", "2026-01-02 24:00:00", "hour must be in 0..23"),
        ("%Y-%m-%d %H:%M %z", "2026-01-02 03:04 +24:00", "offset +24:00 is out of range"),
        ("%Y-%m-%d %H:%M %Z", "2026-01-02 03:04 CET", "the mapping reads it as"),
        ("%d.%m.%Y", "\u06602.01.2026", "the mapping reads it as"),
        ("%d.%m.%Y", "", "the mapping reads it as"),
        ("%d.%m.%Y", True, ""),
        ("%d.%m.%Y", [], ""),
    ],
)
def test_what_does_not_match_is_refused(pattern: str, text: Any, why: str) -> None:
    for kind, name in (("timestamp", "timestamp"), ("date", "a date YYYY-MM-DD")):
        message = refused(text, kind, **forms(pattern))
        assert message.startswith(f"expected {name}, got ")
        assert why in message


def test_patterns_are_tried_in_order() -> None:
    both = forms("%d/%m/%Y", "%m/%d/%Y", "s")
    assert convert("1/2/2026", "timestamp", **both) == "2026-02-01T00:00:00.000Z"
    assert convert("1/13/2026", "timestamp", **both) == "2026-01-13T00:00:00.000Z"
    assert convert("1767323045", "timestamp", **both) == "2026-01-02T03:04:05.000Z"
    assert "the mapping reads it as '%d/%m/%Y', '%m/%d/%Y', 's'" in refused("13/13/2026", "timestamp", **both)


def test_a_moment_that_was_no_text_needs_no_pattern() -> None:
    """The rejected-records file and some formats write it as text."""
    for text in (
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.678901",
        datetime(2026, 1, 2, 3, 4, 5, 678000),
    ):
        assert convert(text, "timestamp", **forms("%d.%m.%Y")) == "2026-01-02T03:04:05.678Z"
    assert "month must be in 1..12" in refused(
        "2026-01-13T03:04:05.678", "timestamp", **forms("%Y-%d-%mT%H:%M:%S.%f")
    )


@pytest.mark.parametrize(
    "pattern",
    ["", "now", "%d.%m", "%H:%M", "%Y-%m-%d %I:%M", "%Y-%m-%d %H:%M %p",
     "%Y-%m-%d %M", "%Y-%m-%d %H:%S",
     "%Y-%m-%d %f", "%Y %y %m %d",
     "%Y-%m-%d %d", "%c", "%Y-%m-%d %Q", "%Y-%m-%d %", "%Y-%m-%d %H %I %p", "%Y %b %m %d",
     "%Y %j %d", "%s", "%Y-%W", "%Y-%V-%u", "%G-%m-%d", "%G-%W-%u", "%G-W%V", "%Y %W %w %d", "%Y %U %u %a"],
)  # fmt: skip
def test_a_pattern_that_tells_no_moment_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^timestamp: must be a pattern of strptime such as "):
        timestamp_forms(pattern)


UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
units = st.sampled_from(sorted(UNITS))


@given(
    nanoseconds=st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9),
    unit=units,
    as_text=st.booleans(),
)
def test_a_number_since_the_epoch_is_exact(nanoseconds: int, unit: str, as_text: bool) -> None:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=nanoseconds // 1000)
    whole = nanoseconds // UNITS[unit]
    exact = Decimal(nanoseconds).scaleb(-len(str(UNITS[unit])) + 1)
    for value in (exact, str(exact), format(exact, "f")):
        assert convert(value, "timestamp", **forms(unit)) == utc(moment)
    of_whole = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=whole * UNITS[unit] // 1000)
    assert convert(str(whole) if as_text else whole, "timestamp", **forms(unit)) == utc(of_whole)


@given(milliseconds=st.integers(-(10**13), 10**13))
def test_a_float_of_seconds_keeps_its_milliseconds(milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)
    assert convert(milliseconds / 1000, "timestamp", **forms("s")) == utc(moment)


@pytest.mark.parametrize("unit", sorted(UNITS))
@pytest.mark.parametrize("value", [10**40, -(10**40), "1e999", 1e300, Decimal("1e999999"), "9" * 5000])
def test_a_number_out_of_range_is_refused(value: Any, unit: str) -> None:
    assert f"out of the range of timestamps as {unit} since 1970" in refused(
        value, "timestamp", **forms(unit)
    )


@pytest.mark.parametrize("value", [True, math.nan, math.inf, Decimal("inf"), "soon", "1_000", "1,5"])
def test_what_is_no_number_is_no_moment(value: Any) -> None:
    assert refused(value, "timestamp", **forms("s")).startswith("expected timestamp, got ")


def test_a_number_in_a_style_is_a_moment_too() -> None:
    german = forms("ms") | {"number_text": NumberText(NumberStyle(",", "."))}
    assert convert("1.767.323.045.000,9", "timestamp", **german) == "2026-01-02T03:04:05.000Z"
    assert "the mapping reads it as" in refused("1767323045.678", "timestamp", **german)


def test_without_a_unit_a_number_says_what_to_set() -> None:
    assert "set 'timestamp' in the mapping to one of 's', 'ms', 'us', 'ns'" in refused(
        1767323045, "timestamp"
    )


def test_a_date_may_be_in_a_pattern_or_a_number_at_midnight() -> None:
    assert convert("02.01.2026", "date", **forms("%d.%m.%Y")) == "2026-01-02"
    assert convert(1767312000, "date", **forms("s")) == "2026-01-02"
    assert convert(1767308400, "date", time_zone=OSLO, **forms("s")) == "2026-01-02"
    assert "it has a time of day" in refused(1767308400, "date", **forms("s"))
    assert "it has a time of day" in refused("02.01.2026 03:04", "date", **forms("%d.%m.%Y %H:%M"))


@given(texts=st.lists(st.sampled_from(["02.01.2026", " 2.1.2026", "x", "29.2.2026", ""]), max_size=5))
def test_a_column_is_read_as_its_values_are_one_by_one(texts: list[str]) -> None:
    kind = property_type({"type": "timestamp"}, Options(**forms("%d.%m.%Y")))
    together, wrong = kind.column(list(texts))
    alone = [kind.column([text]) for text in texts]
    assert together == [value for [value], _ in alone]
    assert wrong == {at: problems[0] for at, (_, problems) in enumerate(alone) if problems}
