"""The operator in a real Airflow, against the real local server; the DAGs are in ``cases.py``."""

from __future__ import annotations

import json
import sqlite3
import threading
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.version_compat import keeps_state_between_runs
from tests.dags.conftest import Airflow, airflow_on
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import STREAM, a_record
from tests.waiting import wait_until


@pytest.fixture
def airflow(airflow_home: Path, tmp_path: Path) -> Airflow:
    return airflow_on(Path(__file__).parent, airflow_home, tmp_path)


def test_rows_from_xcom_are_data_and_not_templates(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("braces")
    assert cdf.held() == {"{{ run_id }}": {"text": "{{ 1 / 0 }} {% nonsense"}}


def test_mapped_tasks_hand_on_and_take_records(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("mapped")
    assert set(airflow.states("mapped").values()) == {"success"}
    assert cdf.held().keys() == {
        *("a-0", "a-1", "b-0", "b-1", "c-0", "c-1"),
        *("d-0", "e-0"),
        *("f-0", "f-1", "g-0", "g-1"),
        *("h-0", "h-1"),
    }


def test_the_summaries_of_mapped_tasks_are_added_up_and_waited_for(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path
) -> None:
    (tmp_path / "rejected").mkdir()
    airflow.test_dag("adds_up")
    merged = json.loads((tmp_path / "merged.json").read_text())
    assert merged["read"] == merged["upserted"] + merged["superseded"] + merged["rejected"] == 4
    assert (merged["rejected"], merged["identities"]) == (1, 2)
    assert merged["rejected_path"] == [str(tmp_path / "rejected/2.ndjson")]
    assert {probe["externalId"] for probe in merged["probes"]} == {"a", "b"}
    assert {airflow.states("adds_up")[task_id] for task_id in ("total", "wait", "again")} == {"success"}


def test_frames_of_pandas_are_handed_on_and_loaded(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("frames")
    assert set(airflow.states("frames").values()) == {"success"}
    assert cdf.held() == {
        f"{tag}-{time}": properties
        for tag in "abc"
        for time, properties in {
            "2026-01-02T03:04:05.678901234Z": {"time": "2026-01-02T03:04:05.678Z", "value": 1.5},
            "2026-01-02T03:04:06.000Z": {"time": "2026-01-02T03:04:06.000Z"},
        }.items()
    }


def test_mapped_tasks_share_no_file_of_rejected_records(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path
) -> None:
    log = " ".join(airflow.run("dags", "test", "shares").stdout.split())  # Airflow 3.0 folds it
    tasks = {}
    for path in tmp_path.iterdir():
        (line,) = map(json.loads, path.read_text().splitlines())
        tasks[path.name] = line["task"]
    assert tasks.pop("one") in ("shares/one_file[0]", "shares/one_file[1]")
    assert tasks.pop("by_hook") in ("shares/load_by_hook[0]", "shares/load_by_hook[1]")
    assert tasks == {"own-0": "shares/own_files[0]", "own-1": "shares/own_files[1]"}
    for task in ("one_file", "load_by_hook"):
        assert f"holds the rejected records of task shares/{task}[" in log


def test_what_cannot_succeed_is_not_tried_again_and_leaves_its_summary(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path
) -> None:
    done = airflow.run("dags", "test", "hopeless")
    assert airflow.states("hopeless") == {"load": "failed", "notify": "success"}
    summary = json.loads((tmp_path / "notified.json").read_text())
    assert (summary["read"], summary["upserted"], summary["rejected"]) == (2, 0, 1)
    assert summary["rejected_path"] == str(tmp_path / "rejected.ndjson")
    log = " ".join(done.stdout.split())  # Airflow 3.0 folds it
    assert "number: expected int64, got 'none'" in log
    assert "TooManyRejectedError:" not in log  # our own error, of which the message is told already
    assert "up_for_retry" not in done.stdout


@pytest.mark.skipif(
    version("apache-airflow").startswith("3.0."),
    reason="In Airflow 3.0, no sensor can be rescheduled by `dags test` (by a scheduler it can)",
)
def test_a_sensor_waits_by_being_rescheduled(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch, visibility_delay=60, clock=Clock(stopped=True)) as cdf:

        def show_after_the_first_look() -> None:
            wait_until(lambda: any("/aggregate" in one.path for one in cdf.server.last_requests()))
            cdf.server.clock.advance(60)

        watch = threading.Thread(target=show_after_the_first_look, daemon=True)
        watch.start()
        log = airflow.test_dag("waits")
        watch.join()
    assert airflow.states("waits") == {"load": "success", "wait": "success"}
    assert "0 of 1 records can be queried" in log
    assert "1 of 1 records can be queried" in log


def test_a_sensor_waits_for_what_a_load_wrote(airflow: Airflow, cdf: LocalCdf) -> None:
    log = airflow.test_dag("waits_for_loads")
    assert set(airflow.states("waits_for_loads").values()) == {"success"}
    assert "All of 3 records that were loaded can be queried" in log, "1,501 rows of three identities"
    assert "All of 2 records that were loaded can be queried" in log
    assert cdf.held().keys() == {"0", "1", "x", "y", "z"}


def test_a_large_xcom_arrives(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("many")
    assert len(cdf.held()) == 20_000


def test_records_are_archived_and_deleted(airflow: Airflow, cdf: LocalCdf) -> None:
    log = airflow.test_dag("life")
    assert set(airflow.states("life").values()) == {"success"}
    assert cdf.held("live").keys() == {f"l-{number}" for number in range(1490, 1500)}
    assert len(cdf.items("history")) == 1500
    assert "Ingested 1,500 of 1,500 records into stream history" in log
    assert "Deleted 1,490 of 1,490 records from stream live" in log


def test_loads_of_nothing_skip_what_is_downstream(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("empty")
    skipped = dict.fromkeys(("no_rows", "no_list", "no_file", "after", "by_hook"), "skipped")
    assert airflow.states("empty") == skipped | {"nothing": "success"}


def test_native_rendering_a_mapping_beside_the_dag_and_a_load_that_sends_nothing(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path
) -> None:
    log = " ".join(airflow.run("dags", "test", "natives").stdout.split())  # Airflow 3.0 folds it
    assert airflow.states("natives") == {
        "load": "success",
        "beside": "success",
        "nowhere": "failed",
        "validate": "success",
    }
    assert cdf.held() == {"x-007": {"number": 1, "text": "1e5"}, "beside-x": {"number": 1}}
    assert (tmp_path / "007").exists()
    beside = Path(__file__).parent
    assert f"mapping 'missing.json' exists neither in the working directory ({Path.cwd()}) nor" in log
    assert f"nor beside the DAG's file ({beside})." in log
    assert "Validated 1 record for stream alarms, and sent nothing (validate_only)" in log


@pytest.mark.skipif(not keeps_state_between_runs(), reason="this Airflow keeps no state between runs")
def test_a_query_goes_on_from_the_run_before(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE reading (id, number)")
        database.executemany("INSERT INTO reading VALUES (?, ?)", [(f"r{n}", n) for n in range(1, 101)])
    log = " ".join(airflow.run("dags", "test", "incremental").stdout.split())
    assert airflow.states("incremental") == {"load": "success", "each": "failed"}
    assert "watermark does not go with mapped tasks" in log
    assert "Upserted 100 of 100 records" in log
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO reading VALUES ('new', 101)")
    log = " ".join(airflow.run("dags", "test", "incremental").stdout.split())
    assert "Loading rows from watermark 100 on." in log
    assert "Upserted 2 of 2 records" in log
    assert len(cdf.held()) == 101


@pytest.mark.parametrize("deferrable", ["no", "yes"])
def test_a_stream_is_copied_by_its_changes_from_run_to_run(
    airflow: Airflow, cdf: LocalCdf, deferrable: str
) -> None:
    airflow.settings["DEFERRABLE"] = deferrable
    cdf.client.create_stream("copy", "BasicLiveData")
    cdf.upsert(STREAM, [a_record("a"), a_record("b")])
    airflow.test_dag("copies_changes")
    assert cdf.held("copy") == cdf.held()
    CdfRecordsHook().delete_records(STREAM, [a_record("a")])
    cdf.upsert(STREAM, [a_record("c")])
    log = " ".join(airflow.test_dag("copies_changes").split())
    assert "Records of stream alarms: 1 created, 0 updated, 1 deleted." in log
    assert cdf.held("copy") == cdf.held()


def test_what_earlier_runs_kept_is_that_of_the_latest(airflow: Airflow) -> None:
    logs = [airflow.test_dag("numbers_its_runs") for _ in range(3)]
    assert ["KEPT None." in logs[0], "KEPT 1." in logs[1], "KEPT 2." in logs[2]] == [True] * 3
