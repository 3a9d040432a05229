"""On real databases: a spool outlasts what ends a query that waits, and watermarks are exact."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowException
from tests.current_task import current_task
from tests.hooks.sql.conftest import mapping
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.servers.databases import Database
from tests.servers.test_databases import DRIVERS
from tests.state_store import Memory
from tests.waiting import wait_until

KEY = "cdf_records_watermark"
MANY = 30_000


def load(sql: str, **arguments: Any) -> Any:
    given = {"mapping": mapping(number="number"), "max_concurrency": 4} | arguments
    hook = CdfRecordsHook(max_concurrency=given.pop("max_concurrency"))
    with current_task(given.pop("run_id", "run")):
        return hook.upsert_query(STREAM, sql, conn_id="db", **given)


def many_rows(database: Database, count: int = MANY, width: int = 1000) -> str:
    """Make a table of rows that are too many for the buffers on the way, and return its query."""
    tens = " CROSS JOIN ".join(
        f"(SELECT 0 AS d{place} {''.join(f'UNION SELECT {digit} ' for digit in range(1, 10))}) AS t{place}"
        for place in range(5)
    )
    number = " + ".join(f"d{place} * {10**place}" for place in range(5))
    database.execute(
        "DROP TABLE IF EXISTS many",
        f"CREATE TABLE many AS SELECT number, CONCAT('r', number) AS id, REPEAT('x', {width}) AS filler "
        f"FROM (SELECT {number} AS number FROM {tens}) AS numbers WHERE number < {count}",
    )
    return "SELECT id, number, filler FROM many ORDER BY number"


@contextmanager
def a_cdf_that_waits(cdf: LocalCdf, until: Callable[[], Any]) -> Any:
    """Hold the answers of CDF until something has happened."""
    with cdf.server.faults(seed=0, rate=0) as plan:
        plan.hold(after=1)

        def release() -> None:
            try:
                wait_until(lambda: plan.held)
                wait_until(until)
            finally:
                plan.release()

        thread = threading.Thread(target=release)
        thread.start()
        yield
        thread.join()


@pytest.mark.xdist_group("postgres")
def test_a_query_that_postgres_ended_for_waiting_says_spool_and_with_it_arrives(
    cdf: LocalCdf, connect: Callable[..., str], postgres: Database, tmp_path: Path
) -> None:
    connect("postgres", postgres, options="-c idle_in_transaction_session_timeout=500")
    sql = many_rows(postgres)
    with a_cdf_that_waits(cdf, lambda: not postgres.going_on()), pytest.raises(AirflowException) as error:
        load(sql)
    assert "The query on connection 'db' failed" in str(error.value)
    assert "With spool=True the rows are all fetched first" in str(error.value)
    with a_cdf_that_waits(cdf, lambda: not postgres.going_on()):
        assert load(sql, spool=str(tmp_path)).read == MANY
    assert len(cdf.held()) == MANY


@pytest.mark.xdist_group("mariadb")
def test_a_query_that_mariadb_ended_for_waiting_says_spool_and_with_it_arrives(
    cdf: LocalCdf, connect: Callable[..., str], mariadb: Database, tmp_path: Path
) -> None:
    connect("mysql", mariadb, cursor="sscursor")
    sql = many_rows(mariadb)
    mariadb.execute("SET GLOBAL net_write_timeout = 1")
    try:
        with a_cdf_that_waits(cdf, lambda: not mariadb.going_on()), pytest.raises(AirflowException) as error:
            load(sql)
        assert "With spool=True the rows are all fetched first" in str(error.value)
        with a_cdf_that_waits(cdf, lambda: not mariadb.going_on()):
            assert load(sql, spool=str(tmp_path)).read == MANY
    finally:
        mariadb.execute("SET GLOBAL net_write_timeout = 60")
    assert len(cdf.held()) == MANY


VALUES_OF_POSTGRES = """
SELECT 'a' AS id, 1 AS number, 1.10::numeric(10, 4) AS n, 1e300::float8 AS f, '\\x00ff'::bytea AS b,
  TIMESTAMPTZ '2026-01-02 03:04:05.678901+05:45' AS t, TIMESTAMP '2026-01-02 03:04:05' AS l,
  DATE '2026-01-02' AS d, TIME '01:02:03' AS c, INTERVAL '1 day 2 hours' AS i,
  '6f0a5d3e-6f9c-4f0e-9a53-0b0b5a3c9c11'::uuid AS u,
  '{"a": [1.10, null, {"b": 123456789012345678901234567890}]}'::jsonb AS j, ARRAY[1, NULL, 3] AS r,
  12345678901234567890123::numeric AS h, '10.0.0.1'::inet AS p, int4range(1, 5) AS g,
  NULL AS z, TRUE AS o
UNION ALL SELECT 'b', 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL
"""


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("column", [*"nfbtldciujrhpgzo"])
def test_a_value_of_postgres_becomes_the_same_with_a_spool(
    cdf: LocalCdf, connect: Callable[..., str], postgres: Database, tmp_path: Path, column: str
) -> None:
    connect("postgres", postgres)
    ends = []
    for spool in (None, str(tmp_path / "spool")):
        rejected = tmp_path / f"rejected-{spool is None}.ndjson"
        given = {"mapping": mapping(text=column, number="number"), "rejected_path": str(rejected)}
        load(VALUES_OF_POSTGRES, spool=spool, max_rejected=2, **given)
        lines = rejected.read_text().splitlines() if rejected.exists() else []
        told = [{key: json.loads(line)[key] for key in ("position", "message", "record")} for line in lines]
        ends.append((cdf.held(), told))
        cdf.client.delete_records(
            STREAM, json.dumps({"items": [{"space": "plant", "externalId": one} for one in "ab"]}).encode()
        )
    assert ends[0] == ends[1]


@pytest.mark.parametrize(("kind", "server", "extra"), DRIVERS)
@pytest.mark.parametrize(
    ("column", "initial"),
    [
        ("changed TIMESTAMP(6)", datetime(2020, 1, 1)),
        ("changed DECIMAL(30, 6)", 0),
        ("changed BIGINT", 0),
        ("changed DATE", "2020-01-01"),
        ("changed VARCHAR(40)", "0"),
    ],
)
@pytest.mark.parametrize("spool", [False, True])
def test_a_watermark_comes_back_to_the_query_exactly(
    cdf: LocalCdf,
    connect: Callable[..., str],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    kind: str,
    server: str,
    extra: dict[str, Any],
    column: str,
    initial: Any,
    spool: bool,
) -> None:
    database: Database = request.getfixturevalue(server)
    connect(kind, database, **extra)
    name = column.split()[1].partition("(")[0]
    values = {
        "TIMESTAMP": [
            "'2026-01-02 03:04:05.678901'",
            "'2026-01-02 03:04:05.678902'",
            "'2026-01-03 00:00:00'",
        ],
        "DECIMAL": ["1.000001", "12345678901234567890.000001", "12345678901234567890.000002"],
        "BIGINT": ["1", "9223372036854775806", "9223372036854775807"],
        "DATE": ["'2026-01-01'", "'2026-01-02'", "'2026-01-03'"],
        "VARCHAR": ["'20260101-a'", "'20260102-b'", "'20260103-c'"],
    }[name]
    database.execute(
        "DROP TABLE IF EXISTS reading",
        f"CREATE TABLE reading (id VARCHAR(10), number INTEGER, {column})",
        f"INSERT INTO reading VALUES ('a', 1, {values[0]}), ('b', 2, {values[1]}), ('n', 4, NULL)",
    )
    named = kind != "odbc"
    sql = f"SELECT id, number, changed FROM reading WHERE changed >= {'%(watermark)s' if named else '?'}"
    given: dict[str, Any] = {"watermark": "changed", "initial_watermark": initial}
    given |= {"watermark_store": Memory(), "spool": str(tmp_path) if spool else None}
    given |= {} if named else {"parameters": [{"watermark": True}]}
    assert load(sql, **given).read == 2
    database.execute(f"INSERT INTO reading VALUES ('c', 3, {values[2]})")
    assert load(sql, run_id="next", **given).read == 2  # b again, and c
    assert load(sql.replace(">=", ">"), run_id="last", **given).read == 0
    assert cdf.held().keys() == {"a", "b", "c"}


@pytest.mark.xdist_group("postgres")
def test_a_watermark_with_a_time_zone_is_a_moment(
    cdf: LocalCdf, connect: Callable[..., str], postgres: Database
) -> None:
    connect("postgres", postgres, options="-c timezone=Asia/Kathmandu")
    postgres.execute(
        "DROP TABLE IF EXISTS reading",
        "CREATE TABLE reading (id TEXT, number INTEGER, changed TIMESTAMPTZ)",
        "INSERT INTO reading VALUES ('a', 1, '2026-10-25 02:30:00.000001+02')",
        "INSERT INTO reading VALUES ('b', 2, '2026-10-25 02:30+01')",
    )
    store = Memory()
    given: dict[str, Any] = {"watermark": "changed", "watermark_store": store}
    given["initial_watermark"] = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)
    sql = "SELECT * FROM reading WHERE changed >= %(watermark)s"
    assert load(sql, **given).read == 2
    assert store.get(KEY)["value"] == {"timestamp": "2026-10-25T07:15:00+05:45"}
    assert load(sql, run_id="next", **given).read == 1
