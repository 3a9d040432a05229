"""Deferred sensors in a running Airflow, whose triggerer is killed; its DAGs are in ``dags``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_cdf import LocalCdf, local_cdf
from tests.running_airflow import RunningAirflow, running_airflow
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("a running Airflow")

SLOTS = 2  # fewer than there are sensors
WAITING = ("records", "since", "streams[0]", "streams[1]")


@pytest.fixture(scope="module")
def cdf() -> Iterator[LocalCdf]:
    with pytest.MonkeyPatch.context() as monkeypatch, local_cdf(monkeypatch) as cdf:
        yield cdf


@pytest.fixture(scope="module")
def refusing() -> Iterator[ScriptedServer]:
    """A CDF without the stream that the sensors wait for, which refuses their token later on."""
    with ScriptedServer() as server:
        server.answer("/streams/never", Answer(404, {"error": {"code": 404, "message": "none"}}))
        yield server


@pytest.fixture(scope="module")
def airflow(
    cdf: LocalCdf, refusing: ScriptedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAirflow]:
    fields = {"conn_type": "cdf", "host": refusing.url, "schema": "p", "extra": {"token": "t0ken-of-cdf"}}
    settings = {
        "AIRFLOW_CONN_CDF_DEFAULT": cdf.server.connection_json(),
        "AIRFLOW_CONN_CDF_REFUSING": json.dumps(fields),
        "AIRFLOW__CORE__PARALLELISM": str(SLOTS),
    }
    dags = Path(__file__).parent / "dags"
    with running_airflow(dags, tmp_path_factory.mktemp("waiting"), settings) as airflow:
        wait_until(airflow.answers)
        wait_until(lambda: all(map(airflow.has_dag, ("waiting", "working", "failing"))))
        yield airflow


def test_sensors_give_their_workers_back_and_outlive_a_killed_triggerer(
    airflow: RunningAirflow, cdf: LocalCdf
) -> None:
    airflow.trigger("waits", "waiting")
    wait_until(lambda: [airflow.task_states("waits").get(name) for name in WAITING] == ["deferred"] * 4)
    airflow.trigger("works", "working")
    assert airflow.wait_for("works") == "success"
    wait_until(lambda: airflow.log("waits", "records").count("can be queried") > 1)  # its trigger looks, too

    airflow.kill("triggerer")
    cdf.upsert(STREAM, [a_record(name, text="waits") for name in ("a", "b", "c")])
    for name in ("later_1", "later_2"):
        cdf.client.create_stream(name, "BasicLiveData")
    assert [airflow.task_states("waits")[name] for name in WAITING] == ["deferred"] * 4
    airflow.start("triggerer")
    assert airflow.wait_for("waits") == "success"
    assert airflow.xcom("waits", "records") == airflow.xcom("waits", "since") == 3
    assert airflow.xcom("waits", "after") == "3"
    assert airflow.tries("waits", "records") == 1
    log = airflow.log("waits", "records")
    assert "0 of 2 records can be queried." in log
    assert "3 of 2 records can be queried." in log
    assert "Success criteria met. Exiting." in log


def test_deferred_sensors_fail_as_those_that_poke(
    airflow: RunningAirflow, cdf: LocalCdf, refusing: ScriptedServer
) -> None:
    airflow.trigger("fails", "failing")
    waiting = ("wrong", "refused", "refused_soft")
    wait_until(lambda: [airflow.task_states("fails").get(name) for name in waiting] == ["deferred"] * 3)
    cdf.client.create_stream("becomes_live", "BasicLiveData")
    refusing.answer("/streams/never", Answer(401, {"error": {"code": 401, "message": "not you"}}))
    assert airflow.wait_for("fails") == "failed"
    assert airflow.task_states("fails") == {
        "late": "failed",
        "late_soft": "skipped",
        "wrong": "failed",
        "refused": "failed",
        "refused_soft": "skipped",
    }, airflow.output("scheduler")[-20000:]
    assert [airflow.tries("fails", name) for name in ("late", *waiting)] == [1] * 4, "no retry can help"
    assert "exceeds the specified timeout of 3.0" in airflow.log("fails", "late")
    assert "must be of type Immutable, got Mutable" in airflow.log("fails", "wrong")
    assert "CDF refuses the access token" in airflow.log("fails", "refused")
    for path in (airflow.home / "logs").rglob("*.log"):
        assert "t0ken-of-cdf" not in path.read_text(), path
    assert "t0ken-of-cdf" not in airflow.output("triggerer")
