"""The SQL operator on a real MariaDB, by each driver."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.databases import Query
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.hooks.sql.conftest import WIDE, WIDE_PROPERTIES, mapping, measured_load
from tests.local_cdf import PROPERTIES, LocalCdf
from tests.sample_records import SPACE, STREAM
from tests.servers.databases import Database
from tests.servers.mariadb import Reach, by_each_client, extra_of, hand_out_pymysql, operator
from tests.waiting import SOON, wait_until

ROOT = Path(__file__).parents[2]
MEMORY_ALLOWED = 40  # MB above what the imported package takes

pytestmark = pytest.mark.xdist_group("mariadb")


STALLED = "SELECT seq AS id, IF(seq > 3000, SLEEP(3600), seq) AS number FROM seq_1_to_100000"


@pytest.fixture
def wide(cdf: LocalCdf) -> LocalCdf:
    properties = PROPERTIES | WIDE_PROPERTIES
    container = {"space": SPACE, "externalId": WIDE, "usedFor": "record", "properties": properties}
    cdf.client.post("/models/containers", {"items": [container]})
    return cdf


@pytest.fixture
def reach(
    connect: Callable[..., str], mariadb: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Database]]:
    """Make the Airflow connection ``db`` by a client; fields such as ``password`` may be other ones."""

    def make(client: str, *, extra: dict[str, Any] | None = None, **fields: Any) -> Database:
        if client == "pymysql":
            hand_out_pymysql(monkeypatch)
        connect("odbc" if client == "odbc" else "mysql", mariadb, **extra_of(client), **(extra or {}))
        if fields:
            given = json.loads(os.environ["AIRFLOW_CONN_DB"]) | fields
            monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps(given))
        return mariadb

    yield make
    mariadb.execute("DROP TABLE IF EXISTS t", "SET GLOBAL time_zone = 'SYSTEM'")


def rows_of(sql: str, **arguments: Any) -> list[Any]:
    with Query(sql, "db", **arguments).execute() as cursor:
        return [tuple(row) for row in cursor.fetchmany(1000)]


ZERO_DATES = (
    "CREATE TABLE t (id INT, day DATE, time DATETIME(3), at TIMESTAMP NULL)",
    "SET sql_mode = ''",
    "INSERT INTO t VALUES (1, '2026-01-02', '2026-01-02 03:04:05.6', '2026-01-02 03:04:05')",
    "INSERT INTO t VALUES (2, '0000-00-00', '0000-00-00', '0000-00-00')",
    "INSERT INTO t VALUES (3, '2026-00-00', '2026-01-00', NULL)",
    "INSERT INTO t VALUES (4, NULL, NULL, NULL)",
)


@by_each_client
def test_zero_dates_are_rejected_rows_and_never_nulls(
    wide: LocalCdf, reach: Reach, tmp_path: Path, client: str
) -> None:
    reach(client).execute(*ZERO_DATES)
    rejected = tmp_path / "rejected.ndjson"
    summary = operator(
        "SELECT id, day, time FROM t ORDER BY id",
        mapping=mapping(container=WIDE, time="time", day="day"),
        max_rejected=2,
        rejected_path=str(rejected),
    ).execute({})
    lines = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert (summary["upserted"], summary["rejected"]) == (2, 2)
    assert [line["where"] for line in lines] == ["row 2 of the query", "row 3 of the query"]
    assert "'0000-00-00 00:00:00.000'" in lines[0]["message"]
    assert "'2026-00-00'" in lines[1]["message"]


@by_each_client
def test_a_mapping_may_take_zero_dates_as_missing(wide: LocalCdf, reach: Reach, client: str) -> None:
    reach(client).execute(*ZERO_DATES)
    time_of = {"column": "at", "null_values": ["0000-00-00 00:00:00"]}
    summary = operator(
        "SELECT id, at FROM t ORDER BY id", mapping=mapping(container=WIDE, time=time_of)
    ).execute({})
    assert (summary["upserted"], summary["rejected"]) == (4, 0)


@by_each_client
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM nowhere", "1146"),
        ("SELECT no_column FROM t", "1054"),
        ("SELEC 1", "1064"),
        ("CALL no_procedure()", "1305"),
        ("SELECT no_function(1)", "1305"),
        ("SELECT id FROM t, t AS u", "1052"),
    ],
)
def test_what_the_server_refuses_fails_the_task_for_good(
    cdf: LocalCdf, reach: Reach, client: str, sql: str, message: str
) -> None:
    reach(client).execute("CREATE TABLE t (id INT)")
    with pytest.raises(AirflowFailException, match=f"query on connection 'db' failed.*{message}"):
        operator(sql).execute({})


@by_each_client
@pytest.mark.parametrize(
    ("fields", "number"), [({"password": "wrong"}, 1045), ({"schema": "no_database"}, 1049)]
)
def test_a_wrong_password_and_an_unknown_database_are_final(
    cdf: LocalCdf, reach: Reach, client: str, fields: dict[str, Any], number: int
) -> None:
    reach(client, **fields)
    with pytest.raises(AirflowFailException, match=f"Connection 'db' cannot be opened.*{number}"):
        operator("SELECT 1 AS id, 2 AS number").execute({})


@by_each_client
def test_a_right_that_is_missing_is_final(cdf: LocalCdf, reach: Reach, client: str) -> None:
    server = reach(client, login="guest", password="guest-word")
    server.execute(
        "CREATE TABLE t (id INT)",
        "CREATE OR REPLACE USER guest@'127.0.0.1' IDENTIFIED BY 'guest-word'",
        "GRANT CREATE ON plant.* TO guest@'127.0.0.1'",
    )
    with pytest.raises(AirflowFailException, match="1142"):
        operator("SELECT id FROM t").execute({})


@by_each_client
def test_a_server_out_of_reach_is_worth_a_retry(cdf: LocalCdf, reach: Reach, client: str) -> None:
    reach(client, port=1)
    with pytest.raises(AirflowException, match="Connection 'db' cannot be opened") as error:
        operator("SELECT 1 AS id, 2 AS number").execute({})
    assert not isinstance(error.value, AirflowFailException)


@by_each_client
@pytest.mark.parametrize("sql", ["SELECT 1 AS id, SLEEP(3600) AS number", STALLED], ids=["sleep", "stalled"])
def test_a_query_that_is_too_slow_for_the_server_is_worth_a_retry(
    cdf: LocalCdf, reach: Reach, client: str, sql: str
) -> None:
    server = reach(client)
    server.execute("SET GLOBAL max_statement_time = 0.3")
    try:
        with pytest.raises(AirflowException, match="1969") as error:
            operator(sql).execute({})
    finally:
        server.execute("SET GLOBAL max_statement_time = 0")
    assert not isinstance(error.value, AirflowFailException)


@by_each_client
def test_a_deadlock_and_a_lock_are_worth_a_retry(cdf: LocalCdf, reach: Reach, client: str) -> None:
    server = reach(client)
    server.execute("CREATE TABLE t (id INT, number INT)")
    with server.connect() as other:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLES t WRITE")
        with pytest.raises(AirflowException, match="1205") as error:
            operator("SET STATEMENT lock_wait_timeout=1 FOR SELECT id, number FROM t").execute({})
    assert not isinstance(error.value, AirflowFailException)


def is_asleep(server: Database) -> bool:
    return any("SLEEP" in str(info) for _, info in server.going_on())


@by_each_client
@pytest.mark.parametrize("sql", ["SELECT 1 AS id, SLEEP(3600) AS number", STALLED], ids=["sleep", "stalled"])
def test_a_killed_task_ends_within_seconds_and_so_does_its_query(
    cdf: LocalCdf, reach: Reach, client: str, sql: str
) -> None:
    server = reach(client)
    task = operator(sql)

    def kill_when_it_runs() -> None:
        wait_until(lambda: is_asleep(server))
        task.on_kill()

    threading.Thread(target=kill_when_it_runs, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(AirflowException, match="told to stop") as error:
        task.execute({})
    assert time.monotonic() - started < SOON
    assert not isinstance(error.value, AirflowFailException)
    assert server.left_over() == []


ENDLESS = "SELECT a.seq AS id, 'none' AS number FROM seq_1_to_1000000 AS a, seq_1_to_1000000 AS b"


@pytest.mark.parametrize("client", ["mysqlclient", "mysql-connector", "pymysql"])
def test_a_load_that_fails_does_not_read_the_rest_of_its_query(
    cdf: LocalCdf, reach: Reach, client: str
) -> None:
    server = reach(client)
    with pytest.raises(AirflowFailException, match="row 1 of the query"):
        operator(ENDLESS).execute({})
    assert server.left_over() == []


@by_each_client
def test_nothing_is_left_on_the_server(cdf: LocalCdf, reach: Reach, client: str) -> None:
    server = reach(client)
    summary = operator("SELECT seq AS id, seq AS number FROM seq_1_to_9000").execute({})
    assert summary["upserted"] == 9000
    assert server.left_over() == []


@pytest.mark.parametrize("client", ["mysqlclient", "mysql-connector", "pymysql"])
def test_bits_of_a_column_are_numbers_and_never_taken_for_digits(reach: Reach, client: str) -> None:
    reach(client).execute(
        "CREATE TABLE t (id INT, one BIT(1), many BIT(9))",
        "INSERT INTO t VALUES (1, b'1', b'100000001'), (2, b'0', b'0'), (3, NULL, 49)",
    )
    assert rows_of("SELECT one, many FROM t WHERE id < 3 ORDER BY id") == [(1, 257), (0, 0)]
    assert rows_of("SELECT many FROM t WHERE id = 3") == [(49,)]
    ((digits,),) = rows_of("SELECT CASE WHEN id = 1 THEN many END FROM t WHERE id = 1")
    assert isinstance(digits, Unreadable)


MOMENT = datetime(2026, 3, 29, 1, 30, tzinfo=timezone.utc)
TIMES = (
    "CREATE TABLE t (id INT, at TIMESTAMP(3) NULL, time DATETIME(3))",
    "SET time_zone = '+00:00'",
    "INSERT INTO t VALUES (1, '2026-03-29 01:29:59.999', '2026-03-29 01:29:59.999')",
    "INSERT INTO t VALUES (2, '2026-03-29 01:30:00', '2026-03-29 01:30:00')",
    "INSERT INTO t VALUES (3, '2026-03-29 01:30:00.001', '2026-03-29 01:30:00.001')",
)


@by_each_client
@pytest.mark.parametrize("zone", ["SYSTEM", "-03:30"])
@pytest.mark.parametrize("column", ["at", "time"])
def test_a_moment_finds_the_row_of_that_moment_whatever_the_zone_of_the_server(
    cdf: LocalCdf, reach: Reach, client: str, zone: str, column: str
) -> None:
    server = reach(client)
    server.execute(*TIMES, f"SET GLOBAL time_zone = '{zone}'")
    mark = "?" if client == "odbc" else "%s"
    for moment in (
        MOMENT,
        MOMENT.astimezone(timezone(timedelta(hours=5))),
        {"timestamp": "2026-03-29T03:30:00+02:00"},
    ):
        sql = f"SELECT id, 1 AS number FROM t WHERE {column} >= {mark} ORDER BY id"
        assert [row[0] for row in rows_of(sql, parameters=[moment])] == [2, 3]


@by_each_client
@pytest.mark.parametrize("column", ["at", "time"])
def test_no_digit_of_a_moment_is_lost_on_the_way_to_the_query(
    cdf: LocalCdf, reach: Reach, client: str, column: str
) -> None:
    server = reach(client)
    times = [f"2026-07-01 12:00:00.67890{digit}" for digit in range(3)]
    rows = ", ".join(f"({number}, '{time}', '{time}')" for number, time in enumerate(times))
    server.execute(
        "CREATE TABLE t (id INT, at TIMESTAMP(6), time DATETIME(6))", f"INSERT INTO t VALUES {rows}"
    )
    mark = "?" if client == "odbc" else "%s"
    for parameter in ({"timestamp": f"{times[1]}Z"}, datetime.fromisoformat(times[1])):
        for comparison, found in (("<", [0]), ("=", [1]), (">", [2])):
            sql = f"SELECT id FROM t WHERE {column} {comparison} {mark}"
            assert [row[0] for row in rows_of(sql, parameters=[parameter])] == found


@by_each_client
@pytest.mark.parametrize("zone", ["SYSTEM", "-03:30"])
def test_a_timestamp_is_the_same_moment_whatever_the_zone_of_the_server(
    wide: LocalCdf, reach: Reach, client: str, zone: str
) -> None:
    server = reach(client)
    server.execute(*TIMES, f"SET GLOBAL time_zone = '{zone}'")
    operator("SELECT id, at FROM t WHERE id = 2", mapping=mapping(container=WIDE, time="at")).execute({})
    assert held_wide(wide)["2"]["time"] == "2026-03-29T01:30:00.000Z"


@pytest.mark.parametrize("client", ["mysqlclient", "mysql-connector", "pymysql"])
def test_a_zone_that_the_connection_sets_is_kept_and_timestamps_stay_right(
    cdf: LocalCdf, reach: Reach, client: str
) -> None:
    server = reach(client)
    server.execute(*TIMES)
    hook_params = {"init_command": "SET time_zone = '+05:45'"}
    sql = "SELECT id, at, @@session.time_zone FROM t WHERE at >= %s ORDER BY id"
    rows = rows_of(sql, parameters=[MOMENT], hook_params=hook_params)
    assert [(row[0], row[2]) for row in rows] == [(2, "+05:45"), (3, "+05:45")]
    assert rows[0][1] == MOMENT


@pytest.mark.parametrize("client", ["mysqlclient", "odbc"])
def test_no_character_is_lost_to_the_character_set_of_the_connection(
    cdf: LocalCdf, reach: Reach, client: str
) -> None:
    reach(client, extra={"charset": "utf8"})
    assert rows_of("SELECT '\N{SNOWMAN}\N{GRINNING FACE}' AS id") == [("\N{SNOWMAN}\N{GRINNING FACE}",)]


def test_a_result_that_an_odbc_driver_holds_in_memory_is_told(
    cdf: LocalCdf, reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    reach("odbc")
    operator("SELECT seq AS id, seq AS number FROM seq_1_to_5000").execute({})
    told = [record for record in caplog.messages if "holds all rows of the result in memory" in record]
    assert len(told) == 1
    assert "type mysql" in told[0]


def held_wide(cdf: LocalCdf) -> dict[str, Any]:
    page = cdf.client.post(f"/streams/{STREAM}/records/sync", {"initializeCursor": "1d-ago", "limit": 1000})
    return {item["externalId"]: item["properties"][SPACE][WIDE] for item in page["items"]}


STREAMED = """
import json, resource, sys
import pytest
from tests.servers.mariadb import hand_out_pymysql, mapping, operator

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

client, rows = sys.argv[1], int(sys.argv[2])
if client == "pymysql":
    hand_out_pymysql(pytest.MonkeyPatch())
sql = "SELECT seq AS id, seq AS number, REPEAT('x', 40) AS text FROM seq_1_to_{}"
wanted = dict(mapping=mapping(number="number", text="text"), check_schema=False)
operator(sql.format(1000), **wanted).execute({})
imported = peak()
summary = operator(sql.format(rows), **wanted).execute({})
print(json.dumps({"imported": imported, "peak": peak()} | summary))
"""


@pytest.mark.parametrize("client", ["mysqlclient", "mysql-connector", "pymysql"])
def test_the_rows_of_a_query_are_not_held_in_memory(reach: Reach, sink: str, client: str) -> None:
    reach(client)
    measured = measured_load(STREAMED, sink, client, "400000")
    assert measured["upserted"] == 400_000
    assert measured["peak"] - measured["imported"] <= MEMORY_ALLOWED, measured


def test_a_query_by_odbc_that_lacks_its_parameters_is_not_retried(cdf: LocalCdf, reach: Reach) -> None:
    reach("odbc")
    for parameters in (None, []):
        with pytest.raises(AirflowFailException, match="The query on connection 'db' failed"):
            operator("SELECT 1 AS id, ? AS number", parameters=parameters).execute({})
