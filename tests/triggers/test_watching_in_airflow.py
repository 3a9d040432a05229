"""Changed records start DAGs in a real Airflow whose triggerer is killed again and again."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.local_cdf import LocalCdf
from tests.running_airflow import running_airflow
from tests.sample_records import SPACE, STREAM, a_record
from tests.waiting import wait_until

BURSTS = int(os.environ.get("CDF_WATCH_BURSTS", "20"))
SEED = int(os.environ.get("CDF_WATCH_SEED", "20261126"))
DAGS = Path(__file__).parent / "watching"

pytestmark = pytest.mark.xdist_group("a running Airflow")
pytest.importorskip("airflow.triggers.shared_stream", reason="Airflow keeps state for assets from 3.3 on")


@pytest.mark.timeout(3600)
def test_no_change_is_without_an_event_however_often_the_triggerer_is_killed(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    expected: set[tuple[str, str]] = set()
    settings = {"AIRFLOW_CONN_CDF_DEFAULT": cdf.server.connection_json()}
    with running_airflow(DAGS, tmp_path, settings) as airflow:

        def payloads() -> list[dict[str, Any]]:
            return [extra["payload"] for extra in airflow.asset_events("changed_alarms")]

        def told() -> set[tuple[str, str]]:
            records = [record for payload in payloads() for record in payload["records"]]
            return {(record["externalId"], record["status"]) for record in records}

        def has_started() -> bool:
            return "trigger ID 1 starting" in airflow.output("triggerer")[len(output) :]

        def has_fired() -> bool:
            return "Trigger fired event" in airflow.output("triggerer")[len(output) :]

        output = ""  # of the triggerers that were killed
        wait_until(lambda: airflow.has_dag("on_changed_alarms"))
        wait_until(lambda: airflow.query("SELECT 1 FROM asset_state_store"))  # the first cursor, kept
        started = time.monotonic()
        kills = chance.sample(range(BURSTS), max(2, BURSTS // 10))
        killed = 0
        for burst in range(BURSTS):
            names = [
                f"b{burst}-{number}" for number in range(chance.randint(1, 12))
            ]  # all fit into one event
            cdf.upsert(STREAM, [a_record(name) for name in names])
            expected |= {(name, "created") for name in names}
            if chance.random() < 0.2:
                gone = {"space": SPACE, "externalId": names[0]}
                cdf.client.post(f"/streams/{STREAM}/records/delete", {"items": [gone]})
                expected -= {(names[0], "created")}
                expected |= {(names[0], "deleted")}
            time.sleep(chance.uniform(0, 1.5))
            if burst in kills:
                wait_until(has_started)
                if chance.random() < 0.7:  # just when its event is on the way into the database
                    wait_until(has_fired)
                    time.sleep(chance.uniform(0, 1.5))
                else:
                    time.sleep(chance.uniform(0, 10))
                airflow.kill("triggerer")
                killed += 1
                output = airflow.output("triggerer")
                time.sleep(chance.uniform(0, 3))
                airflow.start("triggerer")
        wait_until(lambda: expected <= told())
        seconds = time.monotonic() - started
        events = payloads()
        wait_until(
            lambda: airflow.query(
                "SELECT 1 FROM dag_run WHERE dag_id = 'on_changed_alarms' AND state = 'success'"
            )
        )
        runs = airflow.query("SELECT state, count(*) FROM dag_run GROUP BY state")
        output = airflow.output("triggerer")
    report = (
        f"{BURSTS} bursts, {killed} kills, {len(expected)} changes, {len(events)} events, {seconds:.0f} s"
    )
    print(report, runs)  # for whoever runs it with -s
    assert len(events) <= seconds + 1 + killed, f"more events than polls: {report}"
    assert all(
        len(event["records"]) == event["created"] + event["updated"] + event["deleted"] for event in events
    )
    assert "Traceback" not in output, output[-5000:]
