"""Each type of each database becomes what the table in the docs says: exactly, or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.databases import Query
from airflow_provider_cdf_records.mapping import RowMapping, Schema, read_mapping
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sources import QuerySource
from tests.hooks.sql.conftest import mapping
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import SPACE, STREAM
from tests.servers.databases import Database
from tests.servers.type_table import CASES, HEADERS, KINDS, PAGE, page_with_table

TYPES = "Types"
SINGLE = ("int32", "int64", "float32", "float64", "boolean", "text", "timestamp", "date", "json")
LISTS = {
    "texts": "text",
    "floats": "float64",
    "integers": "int64",
    "timestamps": "timestamp",
    "jsons": "json",
}
PROPERTIES = {name: {"type": {"type": name}} for name in SINGLE} | {
    name: {"type": {"type": item, "list": True}} for name, item in LISTS.items()
}
DRIVERS = {
    "sqlite": ["sqlite3"],
    "postgres": ["psycopg", "psycopg2"],
    "mariadb": ["mysqlclient", "mysql-connector"],
    "odbc": ["pyodbc"],
}
SERVERS = {"postgres": "postgres", "mariadb": "mariadb", "odbc": "mariadb"}


def _parameters() -> Iterator[Any]:
    for database, cases in CASES.items():
        for case in cases:
            for driver in case.get("drivers", DRIVERS[database]):
                group = SERVERS.get(database, database)
                name = f"{driver}-{case['kind']}-{case['type']}"
                yield pytest.param(database, driver, case, marks=pytest.mark.xdist_group(group), id=name)


@pytest.fixture(scope="module")
def types_cdf() -> Iterator[LocalCdf]:
    with pytest.MonkeyPatch.context() as patch, local_cdf(patch) as cdf:
        container = {"space": SPACE, "externalId": TYPES, "usedFor": "record", "properties": PROPERTIES}
        cdf.client.post("/models/containers", {"items": [container]})
        yield cdf


@pytest.fixture
def reach(
    connect: Callable[..., str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[str, str], None]:
    """Make the Airflow connection ``db`` to a database, by a driver."""

    def make(database: str, driver: str) -> None:
        if database == "sqlite":
            path = tmp_path / "data.sqlite"
            sqlite3.connect(path).close()
            monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
            return
        server: Database = request.getfixturevalue(SERVERS[database])
        if database == "postgres":
            from airflow.providers.postgres.hooks import postgres

            monkeypatch.setattr(postgres, "USE_PSYCOPG3", driver == "psycopg")
        extra = {"client": "mysql-connector-python"} if driver == "mysql-connector" else {}
        connect({"mariadb": "mysql"}.get(database, database), server, **extra)

    return make


def load(value: str, properties: list[str], rejected: Path) -> dict[str, Any]:
    return CdfRecordsFromSqlOperator(
        task_id="load",
        stream_id=STREAM,
        conn_id="db",
        sql=query_of(value),
        mapping=mapping(container=TYPES, **dict.fromkeys(properties, "value")),
        max_rejected=1,
        rejected_path=str(rejected),
    ).execute({})


def query_of(value: str) -> str:
    return value if value.upper().startswith("SELECT") else f"SELECT 'a' AS id, {value} AS value"


def sent(value: str, properties: list[str]) -> bytes:
    """Return the record as it goes to CDF, whose numbers have all their digits."""
    spec = read_mapping(mapping(container=TYPES, **dict.fromkeys(properties, "value")))
    container = {"space": SPACE, "externalId": TYPES, "usedFor": "record", "properties": PROPERTIES}
    convert = RowMapping(spec, Schema([container], complete=True))
    bodies = [
        body for chunk in QuerySource(Query(query_of(value), "db").execute) for body in convert(chunk).bodies
    ]
    return b"".join(bodies)


def held(cdf: LocalCdf) -> dict[str, Any]:
    page = cdf.client.post(f"/streams/{STREAM}/records/sync", {"initializeCursor": "1d-ago", "limit": 1000})
    return next(item for item in page["items"] if item["externalId"] == "a")["properties"][SPACE][TYPES]


@pytest.mark.parametrize(("database", "driver", "case"), list(_parameters()))
def test_a_type_becomes_what_the_table_says(
    types_cdf: LocalCdf,
    reach: Callable[[str, str], None],
    tmp_path: Path,
    database: str,
    driver: str,
    case: dict[str, Any],
) -> None:
    reach(database, driver)
    rejected = tmp_path / "rejected.ndjson"
    becomes = case.get("becomes")
    if becomes is None:
        summary = load(case["sql"], [case.get("property", "text")], rejected)
        assert summary["rejected"] == 1
        message = json.loads(rejected.read_text())["message"]
        assert case["refused"] in message
        assert "column 'value'" in message
        if "instead" not in case:
            return
        assert case["instead"].format(column="value") in message
        becomes = case["gives"]
        case = case | {"sql": case["instead"].format(column=case["sql"])}
    summary = load(case["sql"], list(becomes), rejected)
    assert (summary["upserted"], summary["rejected"]) == (1, 0), rejected.read_text()
    assert held(types_cdf) == becomes
    if "digits" in case:
        assert case["digits"].encode() in sent(case["sql"], list(becomes))


def test_the_table_in_the_docs_is_that_of_the_cases() -> None:
    assert PAGE.read_text() == page_with_table(PAGE.read_text()), "run python -m tests.servers.type_table"


def test_each_case_has_a_row_and_a_column_in_the_table() -> None:
    assert CASES.keys() == HEADERS.keys() == DRIVERS.keys()
    assert {case["kind"] for cases in CASES.values() for case in cases} <= set(KINDS)
