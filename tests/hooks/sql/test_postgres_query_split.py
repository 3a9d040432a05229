"""A query on PostgreSQL cut into ranges of each type of column."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks import split_query
from airflow_provider_cdf_records.hooks.databases import Query
from tests.hooks.sql.conftest import DRIVERS, Postgres

SQL = "SELECT id, at FROM reading WHERE note NOT LIKE '%x%' AND {range} ORDER BY at"
COLUMNS = {
    "bigint": "n * 1000000000000",
    "numeric": "n + 0.123456789012345678901",
    "numeric(9, 6)": "n / 1000.0",
    "double precision": "n / 7.0",
    "timestamp": "timestamp '2026-03-28 23:30:00.123456' + n * interval '10 minutes'",
    "timestamptz": "timestamptz '2026-03-28 23:30:00.123456+02' + n * interval '10 minutes'",
    "date": "date '2026-01-01' + n",
}


def rows_of(part: dict[str, Any]) -> list[Any]:
    with Query(part["sql"], "pg", part["parameters"]).execute() as rows:
        return [row[0] for row in rows.fetchmany(1000)]  # type: ignore[index]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("kind", COLUMNS)
def test_each_row_is_in_one_of_even_parts(postgres: Callable[..., Postgres], driver: str, kind: str) -> None:
    database = postgres(driver)
    database.execute(
        f"CREATE TABLE reading (id int, at {kind}, note text DEFAULT '')",
        f"INSERT INTO reading SELECT n, {COLUMNS[kind]} FROM generate_series(0, 99) AS n",
    )
    split = json.loads(json.dumps(split_query(SQL, 4, column="reading.at", conn_id="pg")))
    assert [len(rows_of(part)) for part in split] == pytest.approx([25] * 4, abs=1)
    database.execute(
        f"INSERT INTO reading SELECT n, {COLUMNS[kind]} FROM (VALUES (-50), (500)) AS v(n)",
        "INSERT INTO reading VALUES (1000, NULL)",
    )
    assert sorted(row for part in split for row in rows_of(part)) == [-50, *range(100), 500, 1000]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("parameters", [{"least": 5}, [5]], ids=["named", "positional"])
def test_other_parameters_keep_their_places(
    postgres: Callable[..., Postgres], driver: str, parameters: Any
) -> None:
    postgres(driver)
    placeholder = "%s" if isinstance(parameters, list) else "%(least)s"
    sql = f"SELECT n FROM generate_series(0, 19) AS n WHERE n >= {placeholder} AND {{range}}"
    split = split_query(sql, 3, column="n", conn_id="pg", parameters=parameters)
    assert len(split) == 3
    assert sorted(row for part in split for row in rows_of(part)) == list(range(5, 20))
