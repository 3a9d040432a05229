"""The retry policy in a real Airflow; the DAGs are in ``retried.py``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from airflow_provider_cdf_records.version_compat import keeps_state_between_runs
from tests.dags.conftest import Airflow, airflow_on
from tests.local_cdf import LocalCdf
from tests.scripted_server import Answer, ScriptedServer

pytestmark = pytest.mark.skipif(not keeps_state_between_runs(), reason="needs Airflow 3.3")


@pytest.fixture
def airflow(airflow_home: Path, tmp_path: Path) -> Airflow:
    return airflow_on(Path(__file__).parent, airflow_home, tmp_path)


def test_the_next_try_of_a_throttled_load_begins_when_cdf_asked_for_it(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Answer(429, {"error": {"code": 429, "message": "busy"}}, {"Retry-After": "2"})
    with ScriptedServer() as server:
        server.answer("/streams/alarms/records/upsert", busy, Answer(202))
        extra = json.dumps({"token": "t", "max_wait": 1})
        connection = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(connection))
        log = airflow.test_dag("throttled")
        assert len(server.asked_for("/upsert")) == 2
    assert airflow.states("throttled") == {"load": "success"}
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        query = (
            "SELECT retry_delay_override, retry_reason FROM task_instance_history WHERE dag_id = 'throttled'"
        )
        ((delay, reason),) = database.execute(query).fetchall()
    assert (delay, reason) == (2.0, "Asked to wait 2 s (Retry-After)."), log


def test_a_final_error_of_the_client_in_a_task_of_ones_own_is_not_retried(
    airflow: Airflow, cdf: LocalCdf
) -> None:
    log = airflow.run("dags", "test", "final").stdout
    assert airflow.states("final") == {"own": "failed"}
    assert "Trying again cannot help." in log
