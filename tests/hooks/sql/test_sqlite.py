"""The SQL operator on a real SQLite file, and what it does by itself."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.hooks.databases import Query
from airflow_provider_cdf_records.hooks.databases.hook import PROVIDERS
from airflow_provider_cdf_records.hooks.databases.sqlite import SqliteDriver
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sources import QuerySource
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.hooks.sql.conftest import WIDE, mapping
from tests.local_cdf import LocalCdf
from tests.sample_records import SPACE, STREAM
from tests.waiting import SOON, wait_until

ENDLESS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT max(id) AS id FROM n"


def operator(sql: str, **arguments: Any) -> CdfRecordsFromSqlOperator:
    given = {"mapping": mapping(number="number"), "conn_id": "lite"} | arguments
    return CdfRecordsFromSqlOperator(task_id="load", stream_id=STREAM, sql=sql, **given)


def fill(sqlite: sqlite3.Connection, *rows: tuple[Any, ...]) -> None:
    with sqlite:
        sqlite.execute("CREATE TABLE reading (id, number)")
        sqlite.executemany("INSERT INTO reading VALUES (?, ?)", rows)


def test_the_rows_of_a_query_arrive(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(2500)))
    summary = operator("SELECT * FROM reading").execute({})
    assert (summary["read"], summary["upserted"]) == (2500, 2500)
    assert cdf.held()["r2499"] == {"number": 2499}


def test_large_rows_are_fetched_a_few_at_a_time() -> None:
    class Rows:
        description = (("text",),)

        def __init__(self) -> None:
            self.left = 1000
            self.asked: list[int] = []

        def fetchmany(self, size: int, /) -> list[tuple[str]]:
            self.asked.append(size)
            got = min(size, self.left)
            self.left -= got
            return [("x" * 100_000,)] * got

    cursor = Rows()
    chunks = list(QuerySource(lambda: nullcontext(cursor)))
    assert sum(len(chunk.rows) for chunk in chunks) == 1000
    assert max(cursor.asked) <= 100


def test_the_later_row_of_the_query_wins(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite, ("a", 1), ("a", 3), ("a", 2))
    operator("SELECT * FROM reading ORDER BY number").execute({})
    assert cdf.held() == {"a": {"number": 3}}


def test_values_of_sqlite_become_those_of_the_container(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    operator(
        """SELECT 'a' AS id, 1 AS flag, '2026-01-02' AS day, '{"a": 1}' AS data, '["x"]' AS tags""",
        mapping=mapping(container=WIDE, flag="flag", day="day", data="data", tags="tags"),
    ).execute({})
    page = cdf.client.post(f"/streams/{STREAM}/records/sync", {"initializeCursor": "1d-ago"})
    assert page["items"][0]["properties"][SPACE][WIDE] == {
        "flag": True,
        "day": "2026-01-02",
        "data": {"a": 1},
        "tags": ["x"],
    }


def test_parameters_reach_the_query(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite, ("a", 1), ("b", 2))
    operator("SELECT * FROM reading WHERE number > ?", parameters=[1]).execute({})
    assert cdf.held() == {"b": {"number": 2}}


def test_a_refused_row_is_kept_with_its_place(
    cdf: LocalCdf, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(1500)), ("bad", "none"))
    rejected = tmp_path / "rejected.ndjson"
    operator("SELECT * FROM reading", max_rejected=1, rejected_path=str(rejected)).execute({})
    line = json.loads(rejected.read_text())
    assert line["where"] == "row 1501 of the query"
    assert line["record"] == {"id": "bad", "number": "none"}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM nowhere", "connection 'lite' failed: OperationalError: no such table: nowhere"),
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("CREATE TABLE made (id)", "The query has no result; sql must be one SELECT"),
        ("SELECT 1 AS id", "the rows have no column 'number'; they have 'id'"),
        ("  ", "sql must be one SELECT, got '  '"),
    ],
)
def test_a_wrong_query_fails_the_task_for_good(
    cdf: LocalCdf, sqlite: sqlite3.Connection, sql: str, message: str
) -> None:
    with pytest.raises(AirflowFailException, match=message):
        operator(sql).execute({})


def test_a_locked_database_is_worth_a_retry(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "connect", _impatient(sqlite3.connect))
    fill(sqlite, ("a", 1))
    sqlite.execute("BEGIN EXCLUSIVE")
    with pytest.raises(AirflowException, match="database is locked") as error:
        operator("SELECT * FROM reading").execute({})
    assert not isinstance(error.value, AirflowFailException)


@pytest.mark.parametrize("has_codes", [True, False], ids=["codes", "Python 3.10"])
@pytest.mark.parametrize(
    ("message", "code", "is_final"),
    [
        ("database is locked", sqlite3.SQLITE_BUSY, False),
        ("database table is locked", sqlite3.SQLITE_LOCKED, False),
        ("database is locked", sqlite3.SQLITE_BUSY | 2 << 8, False),  # SQLITE_BUSY_SNAPSHOT
        ("disk I/O error", sqlite3.SQLITE_IOERR, False),
        ("interrupted", sqlite3.SQLITE_INTERRUPT, False),
        ("no such table: t", sqlite3.SQLITE_ERROR, True),
        ("unable to open database file", sqlite3.SQLITE_CANTOPEN, True),
        ("integer overflow", sqlite3.SQLITE_ERROR, True),
        ("not authorized", sqlite3.SQLITE_AUTH, True),
    ],
)
def test_errors_of_sqlite_are_told_apart_by_their_codes(
    message: str, code: int, has_codes: bool, is_final: bool
) -> None:
    error = sqlite3.OperationalError(message)
    if has_codes:
        error.sqlite_errorcode = code
    assert SqliteDriver(None).is_final(error) == is_final


def test_a_file_that_is_no_database_is_final(
    cdf: LocalCdf, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    (tmp_path / "data.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(AirflowFailException, match="file is not a database"):
        operator("SELECT * FROM reading").execute({})


def test_a_text_that_is_not_utf_8_rejects_its_row_alone(
    cdf: LocalCdf, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    fill(sqlite, ("a", 1), ("b", 2), ("c", 3))
    sqlite.execute("UPDATE reading SET number = CAST(x'54726f6d73f8' AS TEXT) WHERE id = 'b'")
    sqlite.commit()
    rejected = tmp_path / "rejected.ndjson"
    load = {"mapping": mapping(text="number"), "max_rejected": 1, "rejected_path": str(rejected)}
    operator("SELECT * FROM reading", **load).execute({})
    line = json.loads(rejected.read_text())
    assert cdf.held() == {"a": {"text": "1"}, "c": {"text": "3"}}
    assert line["where"] == "row 2 of the query"
    assert "bytes that are not UTF-8; write HEX(column)" in line["message"]
    assert line["record"] == {"id": "b", "number": "Troms\\xf8"}
    assert operator("SELECT id, 1 AS number FROM reading").execute({})["upserted"] == 3


def _impatient(connect: Any) -> Any:
    return lambda *args, **kwargs: connect(*args, **kwargs, timeout=0.1)


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        (
            {"conn_type": "http"},
            "conn_id 'other' is of type 'http', which is not a SQL database: HttpHook",
        ),
        (
            {"conn_type": "sybase"},
            r"'sybase', whose hook cannot be loaded .*; install the Airflow provider that has connections of "
            "type 'sybase'",
        ),
        ({"conn_type": "mssql"}, r"pip install apache-airflow-providers-microsoft-mssql\.$"),
        ({"conn_type": "snowflake"}, r"pip install apache-airflow-providers-snowflake\.$"),
    ],
)
def test_a_connection_to_no_database_is_refused(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps(connection))
    with pytest.raises(AirflowFailException, match=message):
        operator("SELECT 1", conn_id="other").execute({})


def test_hook_params_that_the_hook_does_not_take_are_named(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", '{"conn_type": "http"}')
    task = operator("SELECT 1", conn_id="other", hook_params={"colour": "red"})
    with pytest.raises(AirflowFailException, match=r"'colour'\); check hook_params, got colour\."):
        task.execute({})


@pytest.mark.parametrize("provider", ["amazon", "postgres", "sqlite"])
def test_the_providers_that_are_installed_have_the_types_that_are_named(provider: str) -> None:
    info = import_module(f"airflow.providers.{provider}.get_provider_info").get_provider_info()
    types = {found["connection-type"] for found in info["connection-types"]}
    assert {name for name, of in PROVIDERS.items() if of == provider} <= types


def test_without_the_provider_of_sql_the_extra_is_named(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "airflow.providers.common.sql.hooks.sql", None)
    with pytest.raises(AirflowFailException, match=r"pip install 'airflow-provider-cdf-records\[sql\]'"):
        operator("SELECT 1").execute({})


def test_a_killed_task_ends_within_seconds(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    task = operator(ENDLESS)

    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate()]

    def kill_when_it_runs() -> None:
        wait_until(lambda: "cdf-source" in threads())
        task.on_kill()

    threading.Thread(target=kill_when_it_runs, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(AirflowException, match="told to stop"):
        task.execute({})
    assert time.monotonic() - started < SOON
    wait_until(lambda: "cdf-source" not in threads())


def test_a_query_that_begins_after_the_task_was_killed_is_ended_too(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = operator(ENDLESS)
    connect, cancel, cancelled = sqlite3.connect, Query.cancel, []

    def counted_cancel(query: Query) -> None:
        cancel(query)
        cancelled.append(query)

    def connect_too_late(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        task.on_kill()
        wait_until(lambda: len(cancelled) >= 2)  # by the kill and by the task's end, when nothing was there
        return connect(*args, **kwargs)

    monkeypatch.setattr(Query, "cancel", counted_cancel)
    monkeypatch.setattr(sqlite3, "connect", connect_too_late)
    with pytest.raises(AirflowException, match="told to stop"):
        task.execute({})
    wait_until(lambda: "cdf-source" not in [thread.name for thread in threading.enumerate()])


def test_sql_may_be_a_templated_file(cdf: LocalCdf, sqlite: sqlite3.Connection, tmp_path: Path) -> None:
    fill(sqlite, ("a", 1), ("b", 2))
    (tmp_path / "readings.sql").write_text("SELECT * FROM reading WHERE id = '{{ 'b' }}'")
    with DAG("d", schedule=None, template_searchpath=str(tmp_path)):
        task = operator("readings.sql", parameters=["{{ 1 + 1 }}"])
    task.resolve_template_files()
    task.render_template_fields({})
    assert (task.sql, task.parameters) == ("SELECT * FROM reading WHERE id = 'b'", ["2"])


def test_a_wrong_mapping_fails_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="mapping"):
        operator("SELECT 1", mapping={"space": "plant"})


def test_a_mapping_is_needed() -> None:
    with pytest.raises((TypeError, AirflowException), match="mapping"):
        CdfRecordsFromSqlOperator(task_id="load", stream_id=STREAM, sql="SELECT 1", conn_id="lite")


def test_the_rows_of_a_query_are_ingested(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite, ("a", 1), ("b", 2), ("a", 3))
    summary = operator("SELECT * FROM reading", verb="ingest", max_rejected=1).execute({})
    assert (summary["read"], summary["ingested"], summary["rejected"]) == (3, 2, 1)
    assert cdf.held() == {"a": {"number": 1}, "b": {"number": 2}}


def test_the_rows_of_a_query_are_deleted(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite, ("a", 1), ("b", 2))
    operator("SELECT * FROM reading").execute({})
    assert operator("SELECT id FROM reading WHERE number = 1", verb="delete").execute({})["deleted"] == 1
    assert cdf.held() == {"b": {"number": 2}}


def test_an_unknown_verb_fails_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="verb must be one of upsert, ingest, delete, got 'merge'"):
        operator("SELECT 1", verb="merge")
