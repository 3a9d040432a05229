"""Bounds of time, as people and templates write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.client.time_bounds import InvalidTimeBoundsError, in_milliseconds

START = 1_767_225_600_000  # 2026-01-01 in UTC
TWO_HOURS = 7_200_000


@pytest.mark.parametrize(
    ("bound", "milliseconds"),
    [
        ("2026-01-01 00:00:00+00:00", START),
        ("2026-01-01T00:00:00+00:00", START),
        ("2026-01-01T00:00:00Z", START),
        (" 2026-01-01T00:00Z\n", START),
        ("2026-01-01", START),
        ("2026-01-01T00:00:00", START),
        ("2026-01-01T00:00:00+02:00", START - TWO_HOURS),
        ("2026-01-01T00:00:00.250000+02:00", START - TWO_HOURS + 250),
        (str(START), START),
        ("0", 0),
        ("-1", -1),
        (START, START),
        (float(START), START),
        (datetime(2026, 1, 1), START),
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), START),
        (date(2026, 1, 1), START),
    ],
)
def test_a_moment_is_milliseconds(bound: Any, milliseconds: int) -> None:
    assert in_milliseconds({"gte": bound, "lt": bound}) == {"gte": milliseconds, "lt": milliseconds}


@given(
    st.datetimes(timezones=st.just(timezone.utc)),
    st.sampled_from(["gt", "gte", "lt", "lte"]),
    st.integers(-2, 2),
)
def test_a_bound_leaves_in_and_out_the_same_records(moment: datetime, name: str, away: int) -> None:
    epoch, millisecond = datetime(1970, 1, 1, tzinfo=timezone.utc), timedelta(milliseconds=1)
    updated = (moment - epoch) // millisecond + away  # CDF's times are whole milliseconds
    compare = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}[name]
    in_microseconds = (moment - epoch) // timedelta(microseconds=1)
    for written in (moment, moment.isoformat(), str(moment)):
        bounds = in_milliseconds({name: written})
        assert bounds is not None
        assert compare(updated, bounds[name]) == compare(updated * 1000, in_microseconds)


@pytest.mark.parametrize(
    "bound",
    ["", "None", None, True, "yesterday", "20260101", "20260101120000", float("nan"), [], "2026-13-01"],
)
def test_what_is_no_moment_or_may_be_two_is_named(bound: Any) -> None:
    with pytest.raises(InvalidTimeBoundsError, match=r"last_updated_time: gt must be a datetime.*, got "):
        in_milliseconds({"gt": bound})


@pytest.mark.parametrize("bounds", [{}, {"ge": 1}, {"gte": 1, "from": 2}, "2026-01-01", [("gte", 1)]])
def test_what_is_no_bounds_is_an_error_that_shows_some(bounds: Any) -> None:
    with pytest.raises(
        InvalidTimeBoundsError, match=r'must be bounds such as {"gte": ...} \(gt, gte, lt, lte\)'
    ):
        in_milliseconds(bounds)
