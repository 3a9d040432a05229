"""Local times, also those that do not exist or exist twice."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.mapping.types import Options, property_type
from airflow_provider_cdf_records.mapping.types.local_time import offset_of
from tests.mapping.types.converting import OSLO, convert, refused

ZONES = [
    "UTC",
    "Europe/Oslo",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kolkata",
    "America/Sao_Paulo",
]
folds = st.sampled_from(["first", "last", "reject"])


def forms(moment: datetime) -> list[Any]:
    """Return a moment without a time zone in all the forms that it comes in."""
    return [str(moment), moment.isoformat(), moment, pd.Timestamp(moment), np.datetime64(moment)]


@given(
    name=st.sampled_from(ZONES),
    moment=st.datetimes(datetime(1950, 1, 1), datetime(2037, 12, 31)),
    fold=folds,
)
def test_a_local_time_is_the_one_moment_that_shows_it(name: str, moment: datetime, fold: str) -> None:
    zone = ZoneInfo(name)
    moment = moment.replace(microsecond=0)
    both = [moment.replace(tzinfo=zone, fold=number).astimezone(timezone.utc) for number in (0, 1)]
    shown = sorted({one for one in both if one.astimezone(zone).replace(tzinfo=None) == moment})
    text = str(moment)
    if len(shown) == 1:
        expected = shown[0]
    elif fold == "reject":
        assert ("exists twice" if shown else "does not exist") in refused(
            text, "timestamp", time_zone=zone, fold=fold
        )
        return
    else:
        expected = both[0] if fold == "first" else both[1]
    sent = expected.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    assert convert(text, "timestamp", time_zone=zone, fold=fold) == sent


TWICE, NEVER = datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)


@pytest.mark.parametrize("value", forms(TWICE), ids=repr)
def test_a_time_that_exists_twice_is_refused_unless_the_mapping_says_which(value: Any) -> None:
    assert "it exists twice in Europe/Oslo, where clocks change; set 'fold'" in refused(
        value, "timestamp", time_zone=OSLO
    )
    assert convert(value, "timestamp", time_zone=OSLO, fold="first") == "2026-10-25T00:30:00.000Z"
    assert convert(value, "timestamp", time_zone=OSLO, fold="last") == "2026-10-25T01:30:00.000Z"


@pytest.mark.parametrize("value", forms(NEVER), ids=repr)
def test_a_time_that_does_not_exist_is_refused_unless_the_mapping_says_what_it_means(value: Any) -> None:
    assert "it does not exist in Europe/Oslo, where clocks change; set 'fold'" in refused(
        value, "timestamp", time_zone=OSLO
    )
    assert convert(value, "timestamp", time_zone=OSLO, fold="first") == "2026-03-29T01:30:00.000Z"
    assert convert(value, "timestamp", time_zone=OSLO, fold="last") == "2026-03-29T00:30:00.000Z"


def test_a_column_refuses_these_times_alone() -> None:
    kind = property_type({"type": "timestamp"}, Options(time_zone=OSLO))
    values = ["2026-10-25 01:30", "2026-10-25 02:30", "2026-10-25T02:30:00+01:00", "2026-03-29 02:30", None]
    converted, wrong = kind.column(values)
    assert list(wrong) == [1, 3]
    assert converted == ["2026-10-24T23:30:00.000Z", None, "2026-10-25T01:30:00.000Z", None, None]


def test_midnight_may_not_exist_either() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    assert "does not exist" in refused("2026-04-24", "timestamp", time_zone=cairo)
    assert convert("2026-04-24", "date", time_zone=cairo) == "2026-04-24"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("Z", 0), ("+02", 120), ("-0330", -210), ("+05:30", 330), ("+2", None), ("+24:00", None),
     ("+01:60", None), ("", None), ("+0", None), ("+\u06601", None)],
)  # fmt: skip
def test_an_offset_is_a_time_zone(text: str, minutes: int | None) -> None:
    assert offset_of(text) == (None if minutes is None else timezone(timedelta(minutes=minutes)))
