"""The metrics of loads, as a statsd daemon gets them."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import REFUSED_BY_CDF, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer, client_of
from tests.waiting import PATIENCE

ROOT = Path(__file__).parent.parent.parent


class Collected:
    """Stands in for Airflow's ``Stats``."""

    def __init__(self) -> None:
        self.counters: dict[str, float] = {}
        self.timers: list[str] = []
        self.tags: dict[str, str] = {}

    def incr(self, name: str, count: float, tags: dict[str, str]) -> None:
        self.counters[name.removeprefix("cdf_records.")] = count
        self.tags = tags

    def timing(self, name: str, _: Any, tags: dict[str, str]) -> None:
        self.timers.append(name)


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> Collected:
    collected = Collected()
    monkeypatch.setattr("airflow_provider_cdf_records.hooks.metrics._stats", lambda: collected)
    return collected


def test_a_load_reports_its_numbers_and_why_rows_were_rejected(
    cdf: LocalCdf, stats: Collected, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,n\na,1\nb,none\na,2\nc,3,"more\n')
    source = {"space": "plant", "container": "Alarm", "properties": {"number": "n"}}
    mapping = {"space": "plant", "external_id": "{id}", "sources": [source]}
    summary = CdfRecordsHook().upsert_file(STREAM, path, mapping=mapping, max_rejected=9)
    assert (summary.read, summary.rejected) == (4, 2)
    assert stats.counters == {
        "loads.succeeded": 1,
        "rows.read": 4,
        "rows.upserted": 1,
        "rows.superseded": 1,
        "rows.rejected": 2,
        "rows.rejected.conversion": 1,
        "rows.rejected.unreadable": 1,
        "requests": 1,
        "bytes_sent": summary.bytes_sent,
    }
    assert stats.timers == ["cdf_records.duration"]
    assert stats.tags == {"verb": "upsert", "stream_id": STREAM}


def test_what_cdf_refuses_is_counted_by_status_and_what_exists_apart(cdf: LocalCdf, stats: Collected) -> None:
    cdf.upsert(STREAM, [a_record("there")])
    records = [a_record("there"), a_record("new"), a_record("bad", time=REFUSED_BY_CDF)]
    CdfRecordsHook().ingest_records(STREAM, records, max_rejected=9)
    assert stats.counters["rows.ingested"] == 1
    assert {name: count for name, count in stats.counters.items() if "rejected." in name} == {
        "rows.rejected.existing": 1,
        "rows.rejected.refused_400": 1,
    }


@pytest.mark.usefixtures("empty_metadata_database")
def test_loads_that_fail_or_skip_are_reported_too(cdf: LocalCdf, stats: Collected) -> None:
    with pytest.raises(AirflowFailException):
        CdfRecordsHook().upsert_records(STREAM, [a_record(number="none")])
    assert stats.counters["loads.failed"] == stats.counters["rows.rejected"] == 1
    stats.counters.clear()
    with pytest.raises(AirflowException):
        CdfRecordsHook().upsert_records(STREAM, [], if_empty="skip")
    assert stats.counters == {"loads.skipped": 1}
    stats.counters.clear()
    with pytest.raises(AirflowFailException):
        CdfRecordsHook("missing").upsert_records(STREAM, [])
    assert stats.counters == {"loads.failed": 1}


def test_the_pause_that_cdf_asked_for_is_counted_once_however_many_requests_it_hit() -> None:
    with ScriptedServer() as server:
        busy = Answer(429, headers={"Retry-After": "1"})
        server.answer("/upsert", busy, Answer(202))
        with client_of(server) as client:
            client.upsert_records(STREAM, b'{"items": []}')
            assert 0.9 < client.traffic.throttled_seconds <= 1


def test_metrics_that_cannot_be_sent_fail_no_load(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise OSError("no daemon")

    monkeypatch.setattr("airflow_provider_cdf_records.hooks.metrics._stats", fail)
    assert CdfRecordsHook().upsert_records(STREAM, [a_record()]).accepted == 1
    assert "The metrics of the load could not be reported: no daemon" in caplog.text


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(PATIENCE)
        yield listening


DAG_FILE = """
try:
    from airflow.sdk import dag
except ImportError:
    from airflow.decorators import dag
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from tests.sample_records import a_record

@dag(schedule=None)
def measured():
    CdfRecordsUpsertOperator(task_id="load", stream_id="alarms", records=[a_record("x"), a_record("y")])

measured()
"""


@pytest.mark.skipif(importlib.util.find_spec("statsd") is None, reason="the package statsd is not installed")
def test_a_statsd_daemon_gets_them_from_a_task(cdf: LocalCdf, daemon: socket.socket, tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "measured.py").write_text(DAG_FILE)
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(daemon.getsockname()[1]),
        "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    for arguments in (["db", "migrate"], ["dags", "test", "measured"]):
        command = [sys.executable, "-m", "airflow", *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    seen: dict[str, str] = {}
    while "cdf_records.duration" not in seen:  # the last of them
        name, _, value = daemon.recv(65536).decode().partition(":")
        name, _, tags = name.removeprefix("airflow.").partition(",")
        if name.startswith("cdf_records."):
            seen[name] = value
            assert {"verb=upsert", "stream_id=alarms", "dag_id=measured", "task_id=load"} <= {
                *tags.split(",")
            }
    assert seen["cdf_records.rows.upserted"] == seen["cdf_records.rows.read"] == "2|c"
    assert seen["cdf_records.loads.succeeded"] == seen["cdf_records.requests"] == "1|c"
    assert seen["cdf_records.duration"].endswith("|ms")
