"""Values that a driver cannot give, or that no property takes, come with row, column and a cast."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.errors import QueryError
from airflow_provider_cdf_records.hooks.databases.hook import secrets_in
from airflow_provider_cdf_records.hooks.databases.rows import MOST_FAILURES, Rows
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources import QuerySource
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.hooks.sql.conftest import WIDE, mapping
from tests.hooks.sql.test_sqlite import operator
from tests.local_cdf import LocalCdf


class Error(Exception):
    """The base of a driver's errors, as DB-API names it."""


class DataError(Error):
    pass


class OperationalError(Error):
    pass


class Cursor:
    """A cursor of rows, of which those that are errors are raised."""

    description = (("id",), ("time",))

    def __init__(self, *rows: Any) -> None:
        self.rows = list(rows)

    def fetchone(self) -> Any:
        row = self.rows.pop(0) if self.rows else None
        if isinstance(row, Exception):
            raise row
        return row

    def fetchmany(self, size: int, /) -> list[Any]:
        return [row for row in (self.fetchone() for _ in range(size)) if row is not None]


class DriverThatGoesOn(Driver):
    goes_on_after_a_failed_row = True
    text_cast = "CAST({column} AS CHAR)"


class ReadingDriver(Driver):
    def readers(self, cursor: Any) -> Mapping[int, Callable[[Any], Any]]:
        return {1: lambda value: Unreadable("no such time", value) if value == "never" else value.upper()}


def rows(*given: Any, driver: type[Driver] = Driver) -> Rows:
    return Rows(Cursor(*given), driver(None), "The query failed")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("year 0 is out of range"),
        OverflowError("date value out of range"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        DataError("date too large"),
    ],
    ids=repr,
)
def test_a_value_that_the_driver_cannot_give_ends_the_load_for_good(error: Exception) -> None:
    fetching = rows((1, "x"), error)
    fetching.fetchmany(1)
    with pytest.raises(QueryError) as failure:
        fetching.fetchmany(4)
    assert not failure.value.retryable
    assert str(failure.value).startswith(
        f"The query failed at one of the rows 2 to 5: {type(error).__name__}: {error!s}"
    )
    assert "write CAST(column AS VARCHAR(4000)) in the query (its columns: id, time)" in str(failure.value)


@pytest.mark.parametrize("error", [OperationalError("gone"), OSError("gone"), MemoryError()], ids=repr)
@pytest.mark.parametrize("driver", [Driver, DriverThatGoesOn])
def test_what_is_no_fault_of_a_value_stays_what_it_is(driver: type[Driver], error: Exception) -> None:
    with pytest.raises(type(error)):
        rows((1, "x"), error, driver=driver).fetchmany(4)


def test_a_failed_row_is_rejected_where_the_driver_goes_on() -> None:
    fetching = rows((1, "x"), ValueError("year 0 is out of range"), (3, "z"), driver=DriverThatGoesOn)
    chunks = list(QuerySource(lambda: nullcontext(fetching)))
    assert [row for chunk in chunks for row in chunk.rows] == [(1, "x"), (3, "z")]
    assert [position for chunk in chunks for position in chunk.positions] == [1, 3]
    ((position, _, message, _),) = [refusal for chunk in chunks for refusal in chunk.refusals]
    assert position == 2
    assert message.startswith("the driver cannot give the row: ValueError: year 0 is out of range; ")
    assert message.endswith("write CAST(column AS CHAR) in the query (its columns: id, time)")


def test_a_driver_that_fails_for_ever_is_left() -> None:
    fetching = rows(*[ValueError("broken")] * (MOST_FAILURES + 1), driver=DriverThatGoesOn)
    with pytest.raises(ValueError, match="broken"):
        fetching.fetchmany(MOST_FAILURES + 1)


def test_readers_of_a_driver_make_values_exact() -> None:
    never, other, nothing = rows((1, "never"), (2, "x"), (3, None), driver=ReadingDriver).fetchmany(9)
    assert repr(never[1]) == "an unreadable value (no such time)"
    assert (other, nothing) == ((2, "X"), (3, None))


def test_a_connection_may_return_mappings() -> None:
    assert rows({"id": 1, "time": "x"}).fetchmany(9) == [(1, "x")]
    assert rows({"id": 1, "time": "x"}, driver=DriverThatGoesOn).fetchmany(9) == [(1, "x")]


class Colour(Enum):
    RED = "red"


class Range:
    """A type of a driver that no property has."""

    def __repr__(self) -> str:
        return "Range(1, 2)"


TAKEN = [
    "text", 1, 1.5, True, None, Decimal("1.50"), datetime(2026, 1, 2), date(2026, 1, 2), time(3, 4),
    UUID(int=1), ip_address("10.0.0.1"), Colour.RED, np.float64(1.5), np.array([1, 2]), ["x", None],
    {"a": [Decimal("1.50"), {"b": date(2026, 1, 2)}]}, Unreadable("why", "raw"),
]  # fmt: skip


@pytest.mark.parametrize("value", TAKEN, ids=repr)
def test_values_that_properties_take_stay_as_they_are(value: Any) -> None:
    ((_, read),) = rows((1, value)).fetchmany(1)
    assert read is value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"\x00\xff", "bytes; write HEX(time) in the query"),
        (bytearray(b"x"), "bytes; write HEX(time) in the query"),
        (memoryview(b"x"), "bytes; write HEX(time) in the query"),
        (timedelta(1), "Python's timedelta; write CAST(time AS VARCHAR(4000)) in the query"),
        (Range(), "Python's Range; write CAST(time AS VARCHAR(4000)) in the query"),
        ({"x"}, "Python's set; write CAST(time AS VARCHAR(4000)) in the query"),
        (3j, "Python's complex; write CAST(time AS VARCHAR(4000)) in the query"),
        ([timedelta(1)], "Python's timedelta in a list; write CAST(time AS VARCHAR(4000)) in the query"),
        ({"a": [b"x"]}, "Python's bytes in a dict; write CAST(time AS VARCHAR(4000)) in the query"),
    ],
    ids=lambda given: str(given) if isinstance(given, str) else type(given).__name__,
)
def test_other_values_are_unreadable_and_say_what_to_write(value: Any, why: str) -> None:
    ((_, read),) = rows((1, value)).fetchmany(1)
    assert repr(read) == f"an unreadable value ({why})"


def test_a_row_with_an_unreadable_value_is_rejected_only_where_it_is_mapped(
    cdf: LocalCdf, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    rejected = tmp_path / "rejected.ndjson"
    sql = "SELECT 'a' AS id, 1 AS number, x'00ff' AS code UNION ALL SELECT 'b', 2, 'text'"
    operator(sql).execute({})
    assert cdf.held() == {"a": {"number": 1}, "b": {"number": 2}}
    wide = mapping(container=WIDE, number="number", code="code")
    operator(sql, mapping=wide, max_rejected=1, rejected_path=str(rejected)).execute({})
    line = json.loads(rejected.read_text())
    assert line["where"] == "row 1 of the query"
    assert line["message"] == (
        "column 'code' -> plant/Wide.code: expected text, got an unreadable value "
        "(bytes; write HEX(code) in the query)"
    )
    assert line["record"] == {"id": "a", "number": 1, "code": "\x00\\xff"}


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("SELECT 1 AS id WHERE 1 = ?", [], "ProgrammingError: Incorrect number of bindings"),
        ("SELECT 1 AS id WHERE 1 = :a", {"b": 1}, "ProgrammingError: You did not supply a value"),
        ("SELECT 1 AS id WHERE 1 = ?", [{"a": 1}], "Error binding parameter"),
        ("SELECT 1 AS id WHERE 1 = ?", [2**70], "OverflowError: Python int too large"),
    ],
)
def test_a_parameter_that_does_not_fit_fails_the_task_for_good(
    cdf: LocalCdf, sqlite: sqlite3.Connection, sql: str, parameters: Any, message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message) as failure:
        operator(sql, parameters=parameters).execute({})
    assert "\n" not in str(failure.value)


def test_secrets_are_found_in_the_extras_of_a_connection_and_in_the_arguments_of_its_hook() -> None:
    fields = {
        "host": "h",
        "api_token": "a",
        "nested": {"secretKey": "b", "port": 1},
        "PWD": "c",
        "password": None,
    }
    assert list(secrets_in(fields)) == ["a", "b", "c"]
