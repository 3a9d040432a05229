"""Timestamps and dates."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_cdf_records.local_server.checks.values import instant
from airflow_provider_cdf_records.mapping.types import (
    Options,
    as_texts,
    property_type,
    time_zone_of,
)
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from tests.mapping.types.converting import OSLO, convert, refused


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-02 03:04", "2026-01-02T02:04:00.000Z"),
        ("2026-07-02 03:04", "2026-07-02T01:04:00.000Z"),
        ("2026-01-02", "2026-01-01T23:00:00.000Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05.123456789-0130", "2026-01-02T04:34:05.123Z"),
        ("2026-01-02 03:04:05,5 +02", "2026-01-02T01:04:05.500Z"),
        ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("0001-01-01T05:00:00+05:00", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02T02:04:00.000Z"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc), "2026-01-02T03:04:00.000Z"),
        (date(2026, 1, 2), "2026-01-01T23:00:00.000Z"),
        (np.datetime64("2026-01-02T03:04:05.678901"), "2026-01-02T02:04:05.678Z"),
        (pd.Timestamp("2026-01-02 03:04:05.123456789"), "2026-01-02T02:04:05.123Z"),
        (pd.Timestamp("2026-01-02 03:04", tz="UTC"), "2026-01-02T03:04:00.000Z"),
    ],
)
def test_a_moment_without_a_zone_is_in_the_time_zone_of_the_mapping(value: Any, expected: str) -> None:
    [sent], wrong = property_type({"type": "timestamp"}, Options(time_zone=OSLO)).column([value])
    assert not wrong
    assert instant(sent) == instant(expected)
    assert convert(value, "timestamp", time_zone=OSLO) == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z", "now", "",
        "20260102",
        "2026-01-02T03", "2026-01-02T03:04:05+25:00", "2026-01-02T03:04:05+01:75", "2026-01-02-03",
        "٢026-01-02",
        1767323045, 1767323045.5, True, pd.NaT, np.datetime64("NaT"), pd.NA, [],
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(value: Any) -> None:
    assert refused(value, "timestamp").startswith("expected timestamp, got ")


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02",
        " 2026-01-02 ",
        date(2026, 1, 2),
        datetime(2026, 1, 2),
        pd.Timestamp("2026-01-02"),
        np.datetime64("2026-01-02"),
        "2026-01-02T00:00:00.000",
        "2026-01-02 00:00:00",
        "2026-01-02T00:00:00+02:00",
    ],
)
def test_a_date_may_come_as_a_moment_at_midnight(value: Any) -> None:
    assert convert(value, "date") == "2026-01-02"


@pytest.mark.parametrize(
    "value", ["2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3), np.datetime64("2026-01-02T03")]
)
def test_a_date_with_a_time_of_day_is_refused(value: Any) -> None:
    assert "it has a time of day" in refused(value, "date")


@pytest.mark.parametrize("value", ["2026-02-29", "02.01.2026", "2026-1-2", 20260102, pd.NaT, ""])
def test_what_is_no_date_is_refused(value: Any) -> None:
    assert refused(value, "date").startswith("expected a date YYYY-MM-DD, got ")


def test_a_time_zone_has_an_iana_name() -> None:
    assert time_zone_of("Europe/Oslo") == OSLO
    for name in ("Mars/Base", "", "../etc/passwd", "a\0b"):
        with pytest.raises(InvalidArgumentError, match="time_zone must be an IANA name"):
            time_zone_of(name)


def test_moments_in_an_external_id_keep_their_microseconds() -> None:
    moments = [
        datetime(2026, 1, 2, 3, 4, 5, 678_001, timezone.utc),
        datetime(2026, 1, 2, 3, 4, 5, 678_000, timezone.utc),
        datetime(2026, 1, 2, 4, 4, 5, 1, timezone(timedelta(hours=1))),
        datetime(2026, 1, 2, 3, 4, 5, 2),
    ]
    texts, wrong = as_texts(moments)
    assert not wrong
    assert texts == [
        "2026-01-02T03:04:05.678001Z",
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.000001Z",
        "2026-01-02T03:04:05.000002",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.Timestamp("2026-01-02 03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (pd.Timestamp("2026-01-02 03:04:05.123456789", tz="Europe/Oslo"), "2026-01-02T02:04:05.123456789Z"),
        (pd.Timestamp("2026-01-02 03:04:05.000000001"), "2026-01-02T03:04:05.000000001"),
        (pd.Timestamp("2026-01-02 03:04:05"), "2026-01-02T03:04:05.000"),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (np.datetime64("2026-01-02T03:04:05.123456"), "2026-01-02T03:04:05.123456"),
        (np.datetime64("2026-01-02T03:04:05.120000000"), "2026-01-02T03:04:05.120"),
        (np.datetime64("2026-01-02"), "2026-01-02T00:00:00.000"),
        (np.datetime64("9999-12-31T23:59:59.999"), "9999-12-31T23:59:59.999"),
    ],
)
def test_moments_in_an_external_id_keep_all_their_digits(value: Any, text: str) -> None:
    assert as_texts([value]) == ([text], {})


@pytest.mark.parametrize("name", ["UTC", "Europe/Oslo"])
def test_a_column_of_local_times_is_read_as_its_values_are_one_by_one(name: str) -> None:
    kind = property_type({"type": "timestamp"}, Options(time_zone=time_zone_of(name)))
    good = [
        "2026-07-02 03:04:05",
        "2026-07-02T03:04:05.678901",
        "0001-06-01 00:00:00.1",
        "1850-01-02T03:04:05",
    ]
    alone = [kind.convert(value) for value in good]
    assert kind.column(good) == (alone, {})
    _, wrong = kind.column([*good, "2026-02-29 03:04:05", "2026-07-02 03:04:05\n2026-07-02 03:04:05"])
    assert list(wrong) == [4, 5]
