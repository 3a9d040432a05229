"""A moment finds the same rows of a real PostgreSQL, whatever the server's time zone is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.databases import Query
from tests.hooks.sql.conftest import DRIVERS, Postgres

UsePostgres = Callable[..., Postgres]
NOON = {"timestamp": "2026-07-01 12:00:00+00:00"}


@pytest.fixture
def elsewhere(postgres: UsePostgres) -> Iterator[UsePostgres]:
    """A server in New York."""
    server = postgres()
    server.execute("ALTER ROLE postgres SET timezone = 'America/New_York'")
    yield postgres
    server.execute("ALTER ROLE postgres RESET timezone")


def found(server: Postgres, type_: str, times: list[str], given: dict[str, Any], comparison: str) -> str:
    rows = ", ".join(f"({number}, '{time}')" for number, time in enumerate(times))
    server.execute(
        "DROP TABLE IF EXISTS alarm",
        f"CREATE TABLE alarm (number int, time {type_})",
        f"INSERT INTO alarm VALUES {rows}",
    )
    sql = f"SELECT number FROM alarm WHERE time {comparison} %(start)s ORDER BY number"
    with Query(sql, "pg", {"start": given}).execute() as cursor:
        return "".join(str(row[0]) for row in cursor.fetchmany(10))


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("type_", "times", "given"),
    [
        ("timestamptz", ["2026-07-01 11:59:59Z", "2026-07-01 08:00-04", "2026-07-01 12:00:01Z"], NOON),
        ("timestamp", ["2026-07-01 11:59:59", "2026-07-01 12:00", "2026-07-01 12:00:01"], NOON),
        (
            "timestamp",
            ["2026-07-01 13:59:59", "2026-07-01 14:00", "2026-07-01 14:00:01"],
            NOON | {"time_zone": "Europe/Oslo"},
        ),
        ("date", ["2026-06-30", "2026-07-01", "2026-07-02"], {"timestamp": "2026-07-01 00:00:00+00:00"}),
        ("date", ["2026-06-30", "2026-07-01", "2026-07-02"], {"date": "2026-07-01"}),
        ("timestamptz", ["2026-06-30 23:59Z", "2026-07-01Z", "2026-07-01 01:00Z"], {"date": "2026-07-01"}),
    ],
)
def test_the_row_at_the_boundary_is_found(
    elsewhere: UsePostgres, driver: str, type_: str, times: list[str], given: dict[str, Any]
) -> None:
    server = elsewhere(driver)
    assert found(server, type_, times, given, ">=") == "12"
    assert found(server, type_, times, given, "<") == "0"
    assert found(server, type_, times, given, "=") == "1"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_time_zone_that_the_connection_asks_for_stays(elsewhere: UsePostgres, driver: str) -> None:
    server = elsewhere(driver, options="-c timezone=America/New_York")
    assert found(server, "timestamp", ["2026-07-01 08:00", "2026-07-01 12:00"], NOON, "=") == "0"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_query_without_a_moment_has_the_time_zone_of_the_server(
    elsewhere: UsePostgres, driver: str
) -> None:
    elsewhere(driver)
    with Query("SELECT current_setting('TimeZone')", "pg").execute() as cursor:
        assert cursor.fetchmany(1)[0][0] == "America/New_York"
