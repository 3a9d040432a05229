"""Moments as parameters find the rows that they mean, in SQLite; other databases are in tests/servers."""

from __future__ import annotations

import logging
import sqlite3
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pendulum
import pytest
from airflow import DAG

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.parameters import QueryParameters
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.hooks.sql.test_sqlite import operator
from tests.local_cdf import LocalCdf

NOON = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
IN_OSLO = NOON.astimezone(ZoneInfo("Europe/Oslo"))


class DriverOfTexts(Driver):
    refuses_moments_as_text = True


def given(value: Any, driver: type[Driver] = Driver) -> Any:
    """Return what a driver gets for a parameter."""
    ((read,),) = QueryParameters([value]).for_driver(driver(None))
    return read


@pytest.mark.parametrize(
    "value",
    [
        "2026-07-01 12:00:00+00:00",  # {{ data_interval_start }}
        "2026-07-01T12:00:00+00:00",  # {{ ts }}
        "2026-07-01T14:00:00+02:00",
        "2026-07-01T12:00:00Z",
        "2026-07-01T12:00:00",
        NOON,
        IN_OSLO,
        pendulum.instance(NOON),
        pendulum.instance(IN_OSLO),
        pd.Timestamp(IN_OSLO),
    ],
    ids=str,
)
def test_a_moment_of_any_form_reaches_the_driver_as_one(value: Any) -> None:
    read = given({"timestamp": value})
    assert (read, type(read), read.tzinfo) == (NOON, datetime, timezone.utc)


@pytest.mark.parametrize("value", [IN_OSLO, pendulum.instance(IN_OSLO), pd.Timestamp(IN_OSLO)], ids=repr)
def test_an_object_that_is_a_moment_goes_the_same_way(value: Any) -> None:
    read = given(value)
    assert (read, type(read), read.tzinfo) == (NOON, datetime, timezone.utc)
    assert given(NOON.replace(tzinfo=None)) == NOON.replace(tzinfo=None)


def test_a_day_reaches_the_driver_as_a_date() -> None:
    for value in ("2026-07-01", "2026-07-01 00:00:00+00:00", date(2026, 7, 1), pendulum.date(2026, 7, 1)):
        read = given({"date": value})
        assert (read, type(read)) == (date(2026, 7, 1), date)
    assert type(given(pendulum.date(2026, 7, 1))) is date
    assert given({"date": "2026-06-30T22:00:00Z", "time_zone": "Europe/Oslo"}) == date(2026, 7, 1)
    assert given({"date": "2026-07-01", "format": "%d.%m.%Y"}) == "01.07.2026"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"time_zone": "Europe/Oslo"}, datetime(2026, 7, 1, 14)),
        ({"time_zone": "Europe/Oslo", "format": "%d.%m.%Y %H:%M"}, "01.07.2026 14:00"),
        ({"format": "%Y-%m-%dT%H:%M:%SZ"}, "2026-07-01T12:00:00Z"),
        ({"format": "%Y-%m-%dT%H:%M:%S%z"}, "2026-07-01T12:00:00+0000"),
        ({"format": "s"}, 1_782_907_200),
        ({"format": "ms"}, 1_782_907_200_000),
        ({"format": "us"}, 1_782_907_200_000_000),
        ({"format": "ns"}, 1_782_907_200_000_000_000),
    ],
)
def test_a_column_of_another_form_gets_a_moment_in_that_form(options: dict[str, Any], expected: Any) -> None:
    assert given({"timestamp": NOON.isoformat(), **options}) == expected
    assert given({"timestamp": (NOON + timedelta(0, 0.1)).isoformat(), **options}) != given(
        {"timestamp": (NOON - timedelta(0, 0.1)).isoformat(), **options}
    )


def test_a_local_time_in_the_zone_of_the_column_stays_as_it_is() -> None:
    assert given({"timestamp": "2026-07-01T14:00", "time_zone": "Europe/Oslo"}) == datetime(2026, 7, 1, 14)


def test_a_time_that_exists_twice_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        given({"timestamp": "2026-10-25T00:30:00Z", "time_zone": "Europe/Oslo"})
    assert (
        "parameters[0] is 2026-10-25 02:30:00 in Europe/Oslo, a time that the clock shows twice"
        in caplog.text
    )


@pytest.mark.parametrize("nothing", [None, "None", "null"])
@pytest.mark.parametrize("kind", ["timestamp", "date"])
def test_none_stays_none(kind: str, nothing: Any) -> None:
    assert given({kind: nothing}) is None
    assert given({kind: nothing, "format": "%Y-%m-%d"}) is None
    assert given(None) is None


def test_moments_inside_lists_are_read_too() -> None:
    assert given([{"timestamp": NOON}, ({"date": "2026-07-01"}, 1)]) == [NOON, (date(2026, 7, 1), 1)]


def test_other_values_stay_what_they_are() -> None:
    for value in (1, 1.5, "text", b"x", True, {"a": 1}, "2026-07-01", "at 2026-07-01T12:00:00Z"):
        assert given(value) is value
    assert QueryParameters(None).for_driver(Driver(None)) == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"timestamp": "yesterday"}, r"\['start'\] must be a moment in ISO 8601 or None, got 'yesterday'"),
        ({"timestamp": ""}, r"\['start'\] must be a moment in ISO 8601 or None, got ''"),
        ({"timestamp": 17}, r"\['start'\] must be a moment in ISO 8601 or None, got 17"),
        ({"timestamp": True}, "got True"),
        ({"timestamp": ["2026-07-01"]}, r"got \['2026-07-01'\]"),
        ({"timestamp": pd.NaT}, "got NaT"),
        ({"timestamp": "2026-13-01"}, "month must be in 1..12"),
        (
            {"timestamp": NOON, "zone": "x"},
            r"unknown keys 'zone'; write {\"timestamp\": .*'time_zone' .*'format'",
        ),
        ({"timestamp": NOON, "date": NOON}, "unknown keys 'date'"),
        ({"timestamp": NOON, "time_zone": "Oslo"}, r"\['start'\] has time_zone must be an IANA name such as"),
        ({"timestamp": NOON, "format": "%Q"}, r"%Q is not known; the known ones are"),
        ({"timestamp": NOON, "format": 3}, "has a 'format' that is no text: 3"),
        ({"timestamp": NOON, "format": "ms", "time_zone": "Europe/Oslo"}, "'ms' with 'time_zone'"),
        ({"date": NOON}, r"must be a date, got .*: it has a time of day; .*{{ ds }}"),
        ({"date": "2026-07-01", "format": "s"}, "'s' for a date"),
    ],
)
def test_what_makes_no_sense_is_named(value: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"(?s)^parameters.*{message}"):
        QueryParameters({"start": value})


@pytest.mark.parametrize("parameters", ["text", 3, {1, 2}])
def test_parameters_are_a_dict_or_a_list(parameters: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="parameters must be a dict or a list of values"):
        QueryParameters(parameters)


TEXTS = [
    "2026-07-01 12:00:00+00:00",
    "2026-07-01T12:00:00.123456+00:00",
    "2026-07-01T12:00Z",
    NOON.isoformat(),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_is_a_moment_is_never_taken_in_silence(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert given(text) == text
    assert f"parameters[0] is the text {text!r}, which a database may compare as a text" in caplog.text
    assert '{"timestamp": "{{ data_interval_start }}"}' in caplog.text
    with pytest.raises(
        InvalidArgumentError, match=r"parameters\[0\] is the text .* does not compare as a moment"
    ):
        given(text, DriverOfTexts)


def load(sqlite: sqlite3.Connection, times: list[Any], start: Any, cdf: LocalCdf) -> list[str]:
    with sqlite:
        sqlite.execute("CREATE TABLE alarm (id, time, number)")
        sqlite.executemany("INSERT INTO alarm VALUES (?, ?, 1)", enumerate(times))
    operator("SELECT * FROM alarm WHERE time >= :start", parameters={"start": start}).execute({})
    return sorted(cdf.held())


@pytest.mark.parametrize(
    ("times", "options"),
    [
        (["2026-07-01 11:59:59", "2026-07-01 12:00:00", "2026-07-01 12:00:01"], {}),
        (["2026-07-01 11:59:59.999999", "2026-07-01 12:00:00", "2026-07-01 12:00:00.000001"], {}),
        (["2026-07-01 13:59:59", "2026-07-01 14:00:00", "2026-07-01 14:00:01"], {"time_zone": "Europe/Oslo"}),
        (
            ["2026-07-01T11:59:59Z", "2026-07-01T12:00:00Z", "2026-07-01T12:00:01Z"],
            {"format": "%Y-%m-%dT%H:%M:%SZ"},
        ),
        ([1_782_907_199, 1_782_907_200, 1_782_907_201], {"format": "s"}),
        ([1_782_907_199_999, 1_782_907_200_000, 1_782_907_200_001], {"format": "ms"}),
    ],
)
def test_the_row_at_the_boundary_is_found(
    cdf: LocalCdf, sqlite: sqlite3.Connection, times: list[Any], options: dict[str, Any]
) -> None:
    start = {"timestamp": "2026-07-01 12:00:00+00:00", **options}
    assert load(sqlite, times, start, cdf) == ["1", "2"]


def test_what_jinja_writes_is_refused_where_rows_would_be_missed(
    cdf: LocalCdf, sqlite: sqlite3.Connection
) -> None:
    message = r"parameters\['start'\] is the text '2026-07-01 12:00:00\+00:00', .* rows would be missed"
    with pytest.raises(AirflowFailException, match=message):
        load(sqlite, ["2026-07-01 12:00:00"], "2026-07-01 12:00:00+00:00", cdf)


def test_a_date_is_found(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    assert load(sqlite, ["2026-06-30", "2026-07-01"], {"date": "2026-07-01"}, cdf) == ["1"]


@pytest.mark.parametrize("is_native", [False, True])
def test_moments_come_from_templates(is_native: bool) -> None:
    start = pendulum.datetime(2026, 7, 1, 12)
    with DAG("d", schedule=None, render_template_as_native_obj=is_native):
        task = operator(
            "SELECT 1",
            parameters={
                "start": {"timestamp": "{{ data_interval_start }}", "format": "%Y-%m-%d %H:%M:%S"},
                "day": {"date": "{{ ds }}"},
                "last": {"timestamp": "{{ prev_data_interval_start_success }}"},
                "moment": {"timestamp": "{{ ts }}"},
            },
        )
    context = {"data_interval_start": start, "ds": "2026-07-01", "ts": start.isoformat()}
    task.render_template_fields({**context, "prev_data_interval_start_success": None})
    (read,) = QueryParameters(task.parameters).for_driver(Driver(None))
    assert read == {"start": "2026-07-01 12:00:00", "day": date(2026, 7, 1), "last": None, "moment": NOON}
