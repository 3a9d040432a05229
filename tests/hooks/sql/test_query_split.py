"""A query cut into ranges: every row is in one of them, whatever its value."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.hooks import split_query
from airflow_provider_cdf_records.hooks.databases import Query
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.current_task import current_task
from tests.hooks.sql.test_sqlite import operator
from tests.local_cdf import LocalCdf

SQL = "SELECT id, number FROM reading WHERE {range} ORDER BY number"
START = datetime(2026, 1, 1)
VALUES = st.one_of(
    st.lists(st.none() | st.integers(-(2**62), 2**62), max_size=12),
    st.lists(st.none() | st.integers(-3, 3), max_size=12),
    st.lists(st.none() | st.floats(-1e9, 1e9), max_size=12),
    st.lists(
        st.none() | st.integers(0, 400).map(lambda day: (date(2026, 1, 1) + timedelta(day)).isoformat())
    ),
    st.lists(
        st.none() | st.integers(0, 10**12).map(lambda us: (START + timedelta(microseconds=us)).isoformat(" "))
    ),
)
LATER: tuple[tuple[Any, ...], ...] = (
    ("low", -(2**63)),
    ("high", 2**63 - 1),
    ("null", None),
    ("text", "9999"),
)


def fill(sqlite: sqlite3.Connection, values: list[Any]) -> None:
    with sqlite:
        sqlite.execute("DROP TABLE IF EXISTS reading")
        sqlite.execute("CREATE TABLE reading (id, number)")
        sqlite.executemany("INSERT INTO reading VALUES (?, ?)", enumerate(values))


def rows_of(part: dict[str, Any]) -> list[Any]:
    with Query(part["sql"], "lite", part["parameters"]).execute() as rows:
        return [row[0] for row in rows.fetchmany(1000)]  # type: ignore[index]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES, parts=st.integers(1, 6))
def test_each_row_is_in_one_part_also_those_that_come_in_meanwhile(
    sqlite: sqlite3.Connection, values: list[Any], parts: int
) -> None:
    fill(sqlite, values)
    split = split_query(SQL, parts, column="number", conn_id="lite")
    assert 1 <= len(split) <= parts
    with sqlite:
        sqlite.executemany("INSERT INTO reading VALUES (?, ?)", LATER)
    split = json.loads(json.dumps(split))
    found = [row for part in split for row in rows_of(part)]
    assert sorted(map(str, found)) == sorted([*map(str, range(len(values))), *(name for name, _ in LATER)])


@pytest.mark.parametrize(
    "values",
    [
        range(100),
        [number / 100 for number in range(100)],
        [(START + timedelta(hours=hour)).isoformat(" ") for hour in range(100)],
        [(date(2026, 1, 1) + timedelta(day)).isoformat() for day in range(100)],
        [(START + timedelta(seconds=second)).isoformat() + "Z" for second in range(100)],
        [(START + timedelta(minutes=minute)).isoformat() for minute in range(100)],
        [(START + timedelta(milliseconds=ms)).isoformat("T", "milliseconds") + "Z" for ms in range(100)],
        [(START + timedelta(hours=hour)).isoformat(" ") + "+00:00" for hour in range(100)],
        [
            f"{START + timedelta(hours=hour):%Y-%m-%dT%H:%M}{'+0100' if hour < 50 else '+0200'}"
            for hour in range(100)
        ],
        [(datetime(1, 1, 1) + timedelta(days=30 * day)).isoformat() + "Z" for day in range(100)],
    ],
    ids=[
        *("integers", "floats", "moments", "dates"),
        *("with T and Z", "with T", "milliseconds", "UTC as an offset", "summer time", "years before 1000"),
    ],
)
def test_the_parts_of_even_values_are_even(
    sqlite: sqlite3.Connection, values: Any, caplog: pytest.LogCaptureFixture
) -> None:
    fill(sqlite, list(values))
    split = split_query(SQL, 4, column="number", conn_id="lite")
    rows = [rows_of(part) for part in split]
    assert sorted(row for part in rows for row in part) == list(range(100))
    assert [len(part) for part in rows] == pytest.approx([25] * 4, abs=1)
    assert "letter by letter" not in caplog.text


@pytest.mark.parametrize(
    ("values", "count"), [([], 1), ([None], 1), ([5, 5], 1), ([1, 2], 2), ([1, 2, 3], 3)]
)
def test_few_values_make_few_parts(sqlite: sqlite3.Connection, values: list[Any], count: int) -> None:
    fill(sqlite, values)
    assert len(split_query(SQL, 8, column="number", conn_id="lite")) == count


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (
            "SELECT id, number FROM reading WHERE id >= :least AND {range} AND id < :most",
            {"least": 2, "most": 9},
        ),
        ("SELECT id, number FROM reading WHERE '?' <> '' AND id >= ? AND {range} AND id < ?", [2, 9]),
        ("SELECT id, number FROM reading WHERE id >= 2 AND {range} AND id < 9 AND '%' <> 'a'", None),
    ],
    ids=["named", "positional", "none"],
)
def test_other_parameters_keep_their_places(sqlite: sqlite3.Connection, sql: str, parameters: Any) -> None:
    fill(sqlite, list(range(12)))
    split = split_query(sql, 3, column="reading.number", conn_id="lite", parameters=parameters)
    assert len(split) == 3
    assert sorted(row for part in split for row in rows_of(part)) == list(range(2, 9))


def test_the_parts_are_loaded_by_the_operator(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite, list(range(50)))
    for part in split_query(SQL, 4, column="number", conn_id="lite"):
        assert operator(**part).execute({})["upserted"] > 0
    assert {held["number"] for held in cdf.held().values()} == set(range(50))


def test_bounds_may_be_a_query_of_their_own(sqlite: sqlite3.Connection) -> None:
    fill(sqlite, list(range(10)))
    bounds = "SELECT 4, 6"
    split = split_query(SQL, 2, column="number", conn_id="lite", bounds=bounds)
    assert [len(rows_of(part)) for part in split] == [5, 5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sql": "SELECT 1"}, "sql must be one query with {range} once"),
        ({"sql": "SELECT {range}, {range}"}, "sql must be one query with {range} once"),
        ({"sql": None}, "sql must be one query"),
        (
            {"sql": "sql/alarms.sql"},
            "sql must be the text of the query, got the name of a file, 'sql/alarms.sql'",
        ),
        ({"parts": 0}, "parts must be a number of parts"),
        ({"parts": True}, "parts must be a number of parts"),
        ({"column": ""}, "column must name a column"),
        ({"bounds": "SELECT 1"}, "bounds must give two values"),
        ({"parameters": {"range_end": 5}}, "parameters must not have 'range_end', which the ranges have"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(
    sqlite: sqlite3.Connection, arguments: dict[str, Any], message: str
) -> None:
    fill(sqlite, [1, 2])
    given: dict[str, Any] = {"sql": SQL, "parts": 2, "column": "number"} | arguments
    with pytest.raises(InvalidArgumentError) as refused:
        split_query(conn_id="lite", **given)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("2026-01-01 12:00:00", "2026-02-01T12:00:00Z"),
        ("2026-01-01T12:00:00", "2026-02-01T12:00:00Z"),
        ("2026-01-01 12:00:00", "2026-02-01T12:00:00"),
    ],
)
def test_texts_of_several_forms_are_refused_and_may_be_made_one(
    sqlite: sqlite3.Connection, low: str, high: str
) -> None:
    fill(sqlite, [low, high])
    with pytest.raises(SourceError, match=r"in several forms, .*: give as column .* datetime\(number\)"):
        split_query(SQL, 2, column="number", conn_id="lite")
    bounds = "SELECT MIN(datetime(number)), MAX(datetime(number)) FROM reading"
    split = split_query(SQL, 2, column="datetime(number)", conn_id="lite", bounds=bounds)
    assert [rows_of(part) for part in split] == [[0], [1]]


@pytest.mark.parametrize(
    ("sql", "arguments", "message"),
    [
        ("SELECT id FROM reading WHERE {range}", {}, "name the column in its SELECT list, or give bounds"),
        ("SELECT number FROM reading WHERE {range} AND id > :least", {}, "parameters with 'least', as the"),
        (
            "SELECT number FROM reading WHERE {range} AND id BETWEEN :least AND :most",
            {"parameters": {"most": 5}},
            "Give split_query parameters with 'least', as",
        ),
        ("SELECT number FROM reading WHERE {range} AND id > ?", {}, "the parameters for the placeholders"),
        (SQL, {"bounds": "SELECT 1, 2 FROM nowhere"}, "no such table: nowhere"),
    ],
)
def test_a_query_for_the_bounds_that_fails_says_what_to_do(
    sqlite: sqlite3.Connection, sql: str, arguments: dict[str, Any], message: str
) -> None:
    fill(sqlite, [1, 2])
    with pytest.raises(Exception, match=message) as refused:
        split_query(sql, 2, column="number", conn_id="lite", **arguments)
    assert not refused.value.retryable  # type: ignore[attr-defined]


def test_what_a_retry_cannot_mend_is_not_retried_in_a_task(sqlite: sqlite3.Connection) -> None:
    fill(sqlite, ["pump", "pump"])
    for sql, message in (("SELECT 1", "sql must be one query"), (SQL, "cannot be cut")):
        with current_task(), pytest.raises(AirflowFailException, match=message):
            split_query(sql, 2, column="number", conn_id="lite")


@pytest.mark.parametrize("value", ["pump", b"\x00", float("inf")])
def test_values_that_have_no_ranges_are_refused(sqlite: sqlite3.Connection, value: Any) -> None:
    fill(sqlite, [value, value])
    with pytest.raises(SourceError, match=r"column 'number' has .* cannot be cut"):
        split_query(SQL, 2, column="number", conn_id="lite")


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("'2026-01-01'", "'2026-02-01 12:00:00'"),
        ("5", "'2026-02-01'"),
    ],
)
def test_bounds_of_two_kinds_are_refused(sqlite: sqlite3.Connection, low: str, high: str) -> None:
    fill(sqlite, [1])
    with pytest.raises(SourceError, match=r"bounds must give two values of one kind, got .* cast them"):
        split_query(SQL, 2, column="number", conn_id="lite", bounds=f"SELECT {low}, {high}")


@pytest.mark.parametrize(
    "values",
    [
        [-1e308, 0.0, 1e308],
        [-1e18, -1e30, 1e30],
        ["0001-01-01 00:00:00", "2026-01-01 00:00:00", "9999-12-31 23:59:59"],
        ["0001-01-01", "2026-01-01", "9999-12-31"],
    ],
)
def test_values_as_far_apart_as_can_be_are_cut(sqlite: sqlite3.Connection, values: list[Any]) -> None:
    fill(sqlite, values)
    split = split_query(SQL, 1000, column="number", conn_id="lite")
    assert len(split) > 900
    assert sorted(row for part in split for row in rows_of(part)) == [0, 1, 2]


@pytest.mark.parametrize("end", ["", ";", " -- the end", "  ;\n"])
def test_a_query_may_end_as_queries_do(sqlite: sqlite3.Connection, end: str) -> None:
    fill(sqlite, list(range(10)))
    split = split_query(SQL + end, 2, column="number", conn_id="lite")
    assert [len(rows_of(part)) for part in split] == [5, 5]


@pytest.mark.parametrize("column", ['"the.number"', 'reading."the.number"', '[reading] . "the.number"'])
def test_a_column_may_be_quoted(sqlite: sqlite3.Connection, column: str) -> None:
    with sqlite:
        sqlite.execute("DROP TABLE IF EXISTS reading")
        sqlite.execute('CREATE TABLE reading (id, "the.number")')
        sqlite.executemany("INSERT INTO reading VALUES (?, ?)", enumerate(range(10)))
    sql = 'SELECT id, "the.number" FROM reading WHERE {range}'
    split = split_query(sql, 2, column=column, conn_id="lite")
    assert [len(rows_of(part)) for part in split] == [5, 5]
