"""A moment as a parameter finds the row at the boundary, on every database by every driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from tests.hooks.sql.conftest import mapping
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.servers.databases import Database

NOON = "2026-07-01 12:00:00+00:00"
OSLO = {"time_zone": "Europe/Oslo"}

POSTGRES = [
    (
        "timestamptz",
        ["2026-07-01 11:59:59.999999Z", "2026-07-01 12:00Z", "2026-07-01 14:00:00.000001+02"],
        {},
    ),
    ("timestamp", ["2026-07-01 13:59:59.999999", "2026-07-01 14:00", "2026-07-01 14:00:00.000001"], OSLO),
    (
        "text",
        ["2026-07-01T11:59:59Z", "2026-07-01T12:00:00Z", "2026-07-02"],
        {"format": "%Y-%m-%dT%H:%M:%SZ"},
    ),
    ("bigint", ["1782907199999", "1782907200000", "1782907200001"], {"format": "ms"}),
]
MARIADB = [
    ("DATETIME(6)", ["2026-07-01 11:59:59.999999", "2026-07-01 12:00:00", "2026-07-01 12:00:00.000001"], {}),
    ("DATETIME", ["2026-07-01 11:59:59", "2026-07-01 12:00:00", "2026-07-01 12:00:01"], {}),
    ("DATETIME", ["2026-07-01 13:59:59", "2026-07-01 14:00:00", "2026-07-01 14:00:01"], OSLO),
    (
        "CHAR(20)",
        ["2026-07-01T11:59:59Z", "2026-07-01T12:00:00Z", "2026-07-02"],
        {"format": "%Y-%m-%dT%H:%M:%SZ"},
    ),
    ("BIGINT", ["1782907199", "1782907200", "1782907201"], {"format": "s"}),
]


def _cases() -> list[Any]:
    by_driver: list[tuple[str, str, str, dict[str, Any], list[Any]]] = [
        ("psycopg", "postgres", "postgres", {}, POSTGRES),
        ("psycopg2", "postgres", "postgres", {}, POSTGRES),
        ("mysqlclient", "mysql", "mariadb", {}, MARIADB),
        ("mysql-connector", "mysql", "mariadb", {"client": "mysql-connector-python"}, MARIADB),
        ("pyodbc", "odbc", "mariadb", {}, MARIADB),
    ]
    return [
        pytest.param(driver, kind, server, extra, *case, marks=pytest.mark.xdist_group(server))
        for driver, kind, server, extra, cases in by_driver
        for case in cases
    ]


@pytest.mark.parametrize(("driver", "kind", "server", "extra", "type_", "times", "options"), _cases())
def test_the_row_at_the_boundary_is_found(
    cdf: LocalCdf,
    connect: Callable[..., str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    kind: str,
    server: str,
    extra: dict[str, Any],
    type_: str,
    times: list[str],
    options: dict[str, Any],
) -> None:
    database: Database = request.getfixturevalue(server)
    if kind == "postgres":
        from airflow.providers.postgres.hooks import postgres

        monkeypatch.setattr(postgres, "USE_PSYCOPG3", driver == "psycopg")
    rows = ", ".join(f"('{number}', '{time}', 1)" for number, time in enumerate(times))
    database.execute(
        "DROP TABLE IF EXISTS alarm",
        f"CREATE TABLE alarm (id varchar(9), time {type_}, number int)",
        f"INSERT INTO alarm VALUES {rows}",
    )
    moment = {"timestamp": NOON, **options}
    is_odbc = kind == "odbc"
    for comparison, found in ((">=", ["1", "2"]), ("<", ["0"]), ("=", ["1"])):
        CdfRecordsFromSqlOperator(
            task_id="load",
            stream_id=STREAM,
            conn_id=connect(kind, database, **extra),
            sql=f"SELECT id, number FROM alarm WHERE time {comparison} {'?' if is_odbc else '%(start)s'}",
            parameters=[moment] if is_odbc else {"start": moment},
            mapping=mapping(number="number"),
        ).execute({})
        held = cdf.held()
        assert sorted(held) == found, comparison
        items = [{"space": "plant", "externalId": name} for name in held]
        cdf.client.post(f"/streams/{STREAM}/records/delete", {"items": items})
