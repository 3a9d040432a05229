"""The rows of a query arrive from every database, by every driver that Airflow's providers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from tests.hooks.sql.conftest import mapping
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.servers.databases import Database

DRIVERS = [
    pytest.param("postgres", "postgres", {}, marks=pytest.mark.xdist_group("postgres"), id="psycopg"),
    pytest.param("mysql", "mariadb", {}, marks=pytest.mark.xdist_group("mariadb"), id="mysqlclient"),
    pytest.param(
        "mysql",
        "mariadb",
        {"client": "mysql-connector-python"},
        marks=pytest.mark.xdist_group("mariadb"),
        id="mysql-connector",
    ),
    pytest.param("odbc", "mariadb", {}, marks=pytest.mark.xdist_group("mariadb"), id="odbc"),
]


@pytest.mark.parametrize(("kind", "server", "extra"), DRIVERS)
def test_the_rows_of_a_query_arrive(
    cdf: LocalCdf,
    connect: Callable[..., str],
    request: pytest.FixtureRequest,
    kind: str,
    server: str,
    extra: dict[str, Any],
) -> None:
    database: Database = request.getfixturevalue(server)
    summary = CdfRecordsFromSqlOperator(
        task_id="load",
        stream_id=STREAM,
        conn_id=connect(kind, database, **extra),
        sql="SELECT 'a' AS id, 1 AS number UNION ALL SELECT 'b', 2 ORDER BY 1",
        mapping=mapping(number="number"),
    ).execute({})
    assert (summary["read"], cdf.held()) == (2, {"a": {"number": 1}, "b": {"number": 2}})
    assert not database.left_over()
