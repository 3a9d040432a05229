"""The SQL operator on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.hooks.sql.conftest import DRIVERS, WIDE, Postgres, mapping, measured_load
from tests.local_cdf import LocalCdf
from tests.sample_records import SPACE, STREAM
from tests.waiting import PATIENCE, SOON, wait_until

ROOT = Path(__file__).parents[3]
UsePostgres = Callable[..., Postgres]
MEMORY_ALLOWED = 30  # MB above what the imported package takes
SLOW = "SELECT 1 AS id, pg_sleep(3600)"


def operator(sql: str, **arguments: Any) -> CdfRecordsFromSqlOperator:
    arguments = {"mapping": mapping(number="number")} | arguments
    return CdfRecordsFromSqlOperator(task_id="load", stream_id=STREAM, sql=sql, conn_id="pg", **arguments)


def held_wide(cdf: LocalCdf) -> dict[str, Any]:
    page = cdf.client.post(f"/streams/{STREAM}/records/sync", {"initializeCursor": "1d-ago", "limit": 1000})
    return {item["externalId"]: item["properties"][SPACE][WIDE] for item in page["items"]}


@pytest.mark.parametrize("driver", DRIVERS)
def test_all_rows_arrive_in_the_order_of_the_query(cdf: LocalCdf, postgres: UsePostgres, driver: str) -> None:
    postgres(driver)
    summary = operator(
        "SELECT n % 1000 AS id, n AS number FROM generate_series(1, 3500) AS n ORDER BY n"
    ).execute({})
    assert (summary["read"], summary["upserted"], summary["superseded"]) == (3500, 1000, 2500)
    held = cdf.held()
    assert {held[str(n)]["number"] for n in range(500)} == set(range(3000, 3500))


@pytest.mark.parametrize("driver", DRIVERS)
def test_values_of_postgres_become_those_of_the_container(
    cdf: LocalCdf, postgres: UsePostgres, driver: str
) -> None:
    postgres(driver)
    names = ("flag", "day", "amount", "code", "data", "tags", "time", "number")
    operator(
        """
        SELECT 'a' AS id, true AS flag, DATE '2026-01-02' AS day, 12.50::numeric AS amount,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS code, '{"a": [1, null]}'::jsonb AS data,
            ARRAY['x', 'y'] AS tags, TIMESTAMPTZ '2026-01-02 03:04:05.678+02' AS time, 2::smallint AS number
        UNION ALL SELECT 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        """,
        mapping=mapping(container=WIDE, **{name: name for name in names}),
    ).execute({})
    assert held_wide(cdf) == {
        "a": {
            "flag": True,
            "day": "2026-01-02",
            "amount": 12.5,
            "code": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "data": {"a": [1, None]},
            "tags": ["x", "y"],
            "time": "2026-01-02T01:04:05.678Z",
            "number": 2,
        },
        "b": {},
    }


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (r"'\x0102'::bytea", r"got an unreadable value ('\\x0102': bytes; write encode(text, 'hex')"),
        ("interval '1 hour'", "('01:00:00': an interval; write EXTRACT(EPOCH FROM text), or text::text,"),
    ],
)
def test_a_value_that_no_property_takes_is_refused_with_its_row(
    cdf: LocalCdf, postgres: UsePostgres, tmp_path: Path, driver: str, value: str, message: str
) -> None:
    postgres(driver)
    rejected = tmp_path / "rejected.ndjson"
    sql = f"SELECT n AS id, {value} AS text, TIMESTAMP '2026-01-02' AS other FROM generate_series(1, 2) AS n"
    summary = operator(
        sql, mapping=mapping(text="text"), max_rejected=2, rejected_path=str(rejected)
    ).execute({})
    lines = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert summary["rejected"] == 2
    assert [line["where"] for line in lines] == ["row 1 of the query", "row 2 of the query"]
    assert message in lines[0]["message"]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT 'a%' AS id, n AS number FROM generate_series(1, %(count)s) AS n", {"count": 3}),
        ("SELECT n AS id, n AS number FROM generate_series(1, %s) AS n", [3]),
    ],
)
def test_parameters_take_the_placeholders_of_the_driver(
    cdf: LocalCdf, postgres: UsePostgres, driver: str, sql: str, parameters: Any
) -> None:
    postgres(driver)
    summary = operator(sql.replace("a%", "a"), parameters=parameters).execute({})
    assert summary["read"] == 3


def test_a_percent_sign_means_itself_where_there_are_no_parameters(
    cdf: LocalCdf, postgres: UsePostgres
) -> None:
    postgres()
    operator("SELECT 'a' AS id, 7 % 4 AS number WHERE 'abc' LIKE 'a%'").execute({})
    assert cdf.held() == {"a": {"number": 3}}


@pytest.mark.parametrize("driver", DRIVERS)
def test_rows_that_the_connection_wants_as_dicts_are_rows(
    cdf: LocalCdf, postgres: UsePostgres, driver: str
) -> None:
    postgres(driver, cursor="dictcursor" if driver == "psycopg" else "realdictcursor")
    operator("SELECT 'a' AS id, 1 AS number").execute({})
    assert cdf.held() == {"a": {"number": 1}}


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_query_without_rows_is_a_success(cdf: LocalCdf, postgres: UsePostgres, driver: str) -> None:
    postgres(driver)
    assert operator("SELECT 1 AS id, 2 AS number WHERE false").execute({})["read"] == 0


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "SELECT * FROM nowhere",
            "connection 'pg' failed: UndefinedTable: relation \"nowhere\" does not exist",
        ),
        ("SELEC 1", "SyntaxError: syntax error at or near"),
        ("SELECT 1 AS id, 2 AS id", "the rows have column 'id' more than once"),
        ("SELECT 1/(n-1500) AS id FROM generate_series(1, 3000) AS n", "DivisionByZero: division by zero"),
    ],
)
def test_what_the_database_refuses_fails_the_task_for_good_and_in_its_words(
    cdf: LocalCdf, postgres: UsePostgres, driver: str, sql: str, message: str
) -> None:
    postgres(driver)
    with pytest.raises(AirflowFailException, match=message):
        operator(sql, mapping=mapping(number="id")).execute({})


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("fields", "message", "is_final"),
    [
        ({"schema": "pg-secret-word"}, 'FATAL: database "***" does not exist', True),
        ({"login": "nobody"}, 'FATAL: role "nobody" does not exist', True),
        ({"extra": {"unheard_of": "1"}}, 'invalid connection option "unheard_of"', True),
        ({"extra": {"sslmode": "always"}}, 'invalid sslmode value: "always"', True),
        ({"host": "127.0.0.1", "extra": {"sslmode": "disable"}}, "Connection refused", False),
        ({"host": "/nowhere"}, "No such file or directory", False),
        ({"host": "nowhere.invalid"}, "could not translate host name|failed to resolve host", False),
    ],
    ids=["database", "user", "option", "value", "port", "socket", "host"],
)
def test_what_a_retry_cannot_mend_of_a_connection_is_final_and_no_password_is_told(
    cdf: LocalCdf,
    postgres: UsePostgres,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    fields: dict[str, Any],
    message: str,
    is_final: bool,
) -> None:
    postgres(driver)
    given = json.loads(os.environ["AIRFLOW_CONN_PG"]) | {"port": 1}
    given |= {"port": 5432} if "host" not in fields else {}
    monkeypatch.setenv("AIRFLOW_CONN_PG", json.dumps(given | fields))
    with pytest.raises(AirflowException, match="Connection 'pg' cannot be opened: ") as error:
        operator("SELECT 1 AS id").execute({})
    assert any(part in str(error.value) for part in message.split("|"))
    assert isinstance(error.value, AirflowFailException) == is_final
    assert "pg-secret-word" not in str(error.value)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("sql", "is_final"),
    [
        ("SELECT missing AS id", True),  # 42703
        ("SELECT no_such_function() AS id", True),  # 42883
        ("SELECT 'x'::int AS id", True),  # 22P02
        ("SELECT lo_create(0) AS id", True),  # 25006: the connection is read-only
        ("SELECT pg_sleep(60)::text AS id", False),  # 57014: statement_timeout
        ("SELECT fail('57P01') AS id", False),
        ("SELECT * FROM locked", False),  # 55P03: lock_timeout
        ("SELECT fail('40001') AS id", False),
        ("SELECT fail('53300') AS id", False),
        ("SELECT fail('42501') AS id", True),
    ],
)
def test_the_state_of_an_error_tells_whether_a_retry_may_get_through(
    cdf: LocalCdf, postgres: UsePostgres, driver: str, sql: str, is_final: bool
) -> None:
    options = "-c statement_timeout=500 -c lock_timeout=100 -c default_transaction_read_only=on"
    server = postgres(driver, options=options)
    server.execute(
        "CREATE TABLE locked (id int)",
        "CREATE FUNCTION fail(state text) RETURNS text AS "
        "$$ BEGIN RAISE EXCEPTION 'told to' USING ERRCODE = state; END $$ LANGUAGE plpgsql",
    )
    with server.connect() as other, other.transaction():
        other.execute("LOCK TABLE locked")
        with pytest.raises(AirflowException) as error:
            operator(sql).execute({})
    assert isinstance(error.value, AirflowFailException) == is_final, error.value


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("number", ["n", "'none'"])
def test_nothing_is_left_on_the_server(
    cdf: LocalCdf, postgres: UsePostgres, driver: str, number: str
) -> None:
    server = postgres(driver)
    task = operator(f"SELECT n AS id, {number} AS number FROM generate_series(1, 1000000) AS n LIMIT 9000")
    if number == "n":
        task.execute({})
    else:
        with pytest.raises(AirflowFailException, match="row 1 of the query"):
            task.execute({})
    assert server.left_over() == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_killed_task_ends_within_seconds_and_so_does_its_query(
    cdf: LocalCdf, postgres: UsePostgres, driver: str
) -> None:
    server = postgres(driver)
    task = operator(SLOW)

    def kill_when_it_runs() -> None:
        wait_until(server.is_asleep)
        task.on_kill()

    threading.Thread(target=kill_when_it_runs, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(AirflowException, match="told to stop") as error:
        task.execute({})
    assert time.monotonic() - started < SOON
    assert not isinstance(error.value, AirflowFailException)
    assert server.left_over() == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_killed_task_ends_within_seconds_while_a_host_does_not_answer(
    cdf: LocalCdf, postgres: UsePostgres, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    postgres(driver)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fields = json.loads(os.environ["AIRFLOW_CONN_PG"])
        fields |= {"host": "127.0.0.1", "port": silent.getsockname()[1], "extra": {"sslmode": "disable"}}
        monkeypatch.setenv("AIRFLOW_CONN_PG", json.dumps(fields))
        task = operator("SELECT 1 AS id")

        def kill_when_it_connects() -> None:
            with silent.accept()[0]:
                task.on_kill()
                ended.wait()

        ended = threading.Event()
        threading.Thread(target=kill_when_it_connects, daemon=True).start()
        try:
            with pytest.raises(AirflowException, match="told to stop"):
                task.execute({})
        finally:
            ended.set()


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_killed_task_ends_within_seconds_between_two_fetches(
    cdf: LocalCdf, postgres: UsePostgres, driver: str
) -> None:
    server = postgres(driver)
    task = operator(
        "SELECT n AS id, CASE WHEN n > 500 THEN length(pg_sleep(600)::text) END AS number "
        "FROM generate_series(1, 1000000) AS n"
    )

    def kill_when_it_runs() -> None:
        wait_until(server.is_asleep)
        task.on_kill()

    threading.Thread(target=kill_when_it_runs, daemon=True).start()
    with pytest.raises(AirflowException, match="told to stop"):
        task.execute({})
    assert server.left_over() == []


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_server_that_shuts_down_is_worth_a_retry(cdf: LocalCdf, postgres: UsePostgres, driver: str) -> None:
    server = postgres(driver)

    def terminate_when_it_runs() -> None:
        wait_until(server.is_asleep)
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")

    threading.Thread(target=terminate_when_it_runs, daemon=True).start()
    with pytest.raises(
        AirflowException, match=r"terminating connection|server closed the connection"
    ) as error:
        operator(SLOW).execute({})
    assert not isinstance(error.value, AirflowFailException)


INTERRUPTED = """
import signal, sys
from tests.hooks.sql.test_postgres import SLOW, operator

class Told(Exception):
    pass

def tell(*_):
    raise Told

from airflow.providers.postgres.hooks import postgres
postgres.USE_PSYCOPG3 = sys.argv[1] == "psycopg"
signal.signal(signal.SIGALRM, tell)
try:
    operator(SLOW).execute({})
except Told:
    print("told")
"""


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_time_out_ends_a_task_whose_query_blocks(cdf: LocalCdf, postgres: UsePostgres, driver: str) -> None:
    server = postgres(driver)
    command = [sys.executable, "-c", INTERRUPTED, driver]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            wait_until(server.is_asleep)
            process.send_signal(signal.SIGALRM)
            output, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert output.splitlines()[-1] == "told"
    assert server.left_over() == []


STREAMED = """
import json, resource, sys
from tests.hooks.sql.test_postgres import mapping, operator

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

from airflow.providers.postgres.hooks import postgres
postgres.USE_PSYCOPG3 = sys.argv[1] == "psycopg"
sql = "SELECT n AS id, n AS number, repeat('x', 40) AS text FROM generate_series(1, {}) AS n"
wanted = dict(mapping=mapping(number="number", text="text"), check_schema=False)
operator(sql.format(1000), **wanted).execute({})
imported = peak()
summary = operator(sql.format(1_000_000), **wanted).execute({})
print(json.dumps({"imported": imported, "peak": peak()} | summary))
"""


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_million_rows_take_little_memory(postgres: UsePostgres, sink: str, driver: str) -> None:
    postgres(driver)
    measured = measured_load(STREAMED, sink, driver)
    assert measured["upserted"] == 1_000_000
    assert measured["peak"] - measured["imported"] <= MEMORY_ALLOWED, measured
