"""A task that is killed in the middle of its load, in a running Airflow: the retry finishes the work."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from airflow_provider_cdf_records.local_server.http.faults import FaultPlan
from tests.airflow_version import AIRFLOW
from tests.local_cdf import LocalCdf, local_cdf
from tests.running_airflow import AIRFLOW_3, RunningAirflow, running_airflow
from tests.sample_records import a_record
from tests.waiting import SOON, wait_until

ROUNDS = int(os.environ.get("CDF_CRASH_ROUNDS", "3"))
ROWS, IDENTITIES = 60_000, 45_000
REMEMBERS = AIRFLOW >= (3, 3)  # where a load stopped; others start over


pytestmark = pytest.mark.xdist_group("a running Airflow")


def has_mark(airflow: RunningAirflow, run_id: str) -> bool:
    question = "SELECT 1 FROM task_state_store WHERE run_id = ? AND key = 'cdf_records'"
    return bool(airflow.query(question, run_id))


def watermark(airflow: RunningAirflow) -> Any:
    question = "SELECT value FROM asset_state_store WHERE key = 'cdf_records_watermark'"
    return json.loads(airflow.query(question)[0][0])["value"]


def miss_heartbeats(airflow: RunningAirflow, run_id: str) -> None:
    """Have time pass for the scheduler, until it takes the task's supervisor for lost."""
    long_ago = "2026-01-01 00:00:00.000000"
    of_run = "FROM task_instance WHERE run_id = ?"
    if AIRFLOW_3:
        change = "UPDATE task_instance SET last_heartbeat_at = ? WHERE run_id = ? AND state = 'running'"
    else:
        change = f"UPDATE job SET latest_heartbeat = ? WHERE id = (SELECT job_id {of_run})"
    airflow.change(change, long_ago, run_id)


@pytest.fixture(scope="module")
def cdf() -> Iterator[LocalCdf]:
    with pytest.MonkeyPatch.context() as monkeypatch, local_cdf(monkeypatch) as cdf:
        yield cdf


@pytest.fixture(scope="module")
def plan(cdf: LocalCdf) -> Iterator[FaultPlan]:
    with cdf.server.faults(seed=0, rate=0) as plan:
        yield plan


@pytest.fixture(scope="module")
def airflow(
    cdf: LocalCdf, plan: FaultPlan, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAirflow]:
    work, dags = (tmp_path_factory.mktemp(name) for name in ("crash", "crash-dags"))
    for name in ("crash_dag.py", *(["crash_sql_dag.py"] if REMEMBERS else [])):
        (dags / name).write_text((Path(__file__).parent / name).read_text())
    files = work / "files"
    settings = {
        "AIRFLOW_CONN_CDF_DEFAULT": cdf.server.connection_json(),
        "AIRFLOW_CONN_LITE": json.dumps({"conn_type": "sqlite", "host": str(files / "data.sqlite")}),
        "CDF_CRASH_FOLDER": str(files),
    }
    with running_airflow(dags, work, settings, components=("standalone",)) as running:
        wait_until(lambda: running.has_dag("crash"))
        wait_until(running.answers)  # it need not be there yet, and without it tasks fail
        yield running


def has_ended(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE  # its parent may look later
    except psutil.NoSuchProcess:
        return True


@dataclass
class Held:
    """A load that waits for the answers to its requests.

    :param expected: what the stream must hold in the end.
    :param bad: the numbers of the rows that must be rejected.
    """

    run_id: str
    process_id: int
    supervisor_id: int
    expected: dict[str, Any]
    bad: set[int]


def held_load(run_id: str, seed: int, airflow: RunningAirflow, cdf: LocalCdf, plan: FaultPlan) -> Held:
    """Start a load, and have CDF withhold its answers at some time."""
    draw = random.Random(seed)
    expected: dict[str, Any] = {}
    bad = set(draw.sample(range(ROWS), 12))
    with (airflow.folder / f"{run_id}.ndjson").open("w") as file:
        for number in range(ROWS):
            name = f"r{draw.randrange(IDENTITIES)}"
            if number in bad:
                row = a_record(name, number=number) | {"sources": []}
            else:
                row, expected[name] = a_record(name, number=number), {"number": number}
            print(json.dumps(row), file=file)
    settings = {"template": {"name": "BasicLiveData"}}
    cdf.client.post("/streams", {"items": [{"externalId": run_id, "settings": settings}]})

    plan.hold(after=draw.randrange(8, 45))
    airflow.trigger(run_id, "crash")
    wait_until(lambda: 0 < plan.held == plan.under_way)
    if REMEMBERS:
        wait_until(lambda: has_mark(airflow, run_id))
    process_id, supervisor_id = map(int, (airflow.folder / f"{run_id}.pid").read_text().split())
    return Held(run_id, process_id, supervisor_id, expected, bad)


def check_that_the_retry_finishes(load: Held, airflow: RunningAirflow, cdf: LocalCdf) -> None:
    run_id = load.run_id
    assert (airflow.wait_for(run_id), airflow.tries(run_id)) == ("success", 2)
    assert cdf.held(run_id) == load.expected
    lines = (airflow.folder / f"{run_id}.rejected").read_text().splitlines()
    assert sorted(json.loads(line)["position"] - 1 for line in lines) == sorted(load.bad)
    summary = airflow.xcom(run_id)
    numbers = summary["upserted"] + summary["superseded"] + summary["rejected"]
    assert summary["read"] == numbers == ROWS
    if REMEMBERS:
        assert summary["resumed_from"] > 0
    else:
        assert summary["resumed_from"] is None


@pytest.mark.parametrize(
    ("round_number", "how"),
    [(0, signal.SIGTERM), *((number + 1, signal.SIGKILL) for number in range(ROUNDS))],
)
def test_a_killed_load_is_finished_by_its_retry(
    round_number: int, how: signal.Signals, airflow: RunningAirflow, cdf: LocalCdf, plan: FaultPlan
) -> None:
    if how == signal.SIGKILL and AIRFLOW == (3, 0):
        pytest.skip("Airflow 3.0 fails a task whose process is killed, without its retries")
    load = held_load(f"round-{round_number}", round_number, airflow, cdf, plan)
    os.kill(load.process_id, how)
    wait_until(lambda: has_ended(load.process_id), patience=SOON)
    plan.release()
    check_that_the_retry_finishes(load, airflow, cdf)


def test_a_load_ends_with_its_supervisor(airflow: RunningAirflow, cdf: LocalCdf, plan: FaultPlan) -> None:
    load = held_load("supervisor", 0, airflow, cdf, plan)
    os.kill(load.supervisor_id, signal.SIGKILL)
    wait_until(lambda: has_ended(load.process_id), patience=SOON)  # before anything is answered
    plan.release()
    miss_heartbeats(airflow, load.run_id)
    check_that_the_retry_finishes(load, airflow, cdf)


@pytest.mark.skipif(not REMEMBERS, reason="this Airflow keeps nothing between the runs of a DAG")
def test_a_killed_load_of_a_query_goes_on_from_its_spool_and_the_next_run_from_its_watermark(
    airflow: RunningAirflow, cdf: LocalCdf, plan: FaultPlan
) -> None:
    cdf.client.create_stream("from_sql", "BasicLiveData")
    with sqlite3.connect(airflow.folder / "data.sqlite") as database:
        database.execute("CREATE TABLE reading (id, number)")
        rows = [(f"r{number}", number) for number in range(1, 20_001)]
        database.executemany("INSERT INTO reading VALUES (?, ?)", rows)
    wait_until(lambda: airflow.has_dag("crash_sql"))

    plan.hold(after=8)
    airflow.trigger("sql-1", "crash_sql")
    wait_until(lambda: 0 < plan.held == plan.under_way)
    wait_until(lambda: has_mark(airflow, "sql-1"))
    assert len(list((airflow.folder / "spool").iterdir())) == 1
    process_id = int((airflow.folder / "sql-1.pid").read_text())
    os.kill(process_id, signal.SIGKILL)
    wait_until(lambda: has_ended(process_id), patience=SOON)
    with sqlite3.connect(airflow.folder / "data.sqlite") as database:
        database.execute("INSERT INTO reading VALUES ('late', 20001)")
    plan.release()
    assert (airflow.wait_for("sql-1"), airflow.tries("sql-1")) == ("success", 2)
    summary = airflow.xcom("sql-1")
    assert (summary["read"], summary["upserted"], summary["resumed_from"] > 0) == (20_000, 20_000, True)
    assert watermark(airflow) == 20_000
    assert not list((airflow.folder / "spool").iterdir())

    airflow.trigger("sql-2", "crash_sql")
    airflow.wait_for("sql-2")
    assert airflow.xcom("sql-2")["read"] == 2  # the last one of before, and the new one
    assert watermark(airflow) == 20_001
    assert cdf.held("from_sql").keys() == {"late", *(name for name, _ in rows)}
