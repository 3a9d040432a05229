"""The example DAGs, in a real Airflow against the real local server."""

from __future__ import annotations

import ast
import json
import re
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path
from runpy import run_path
from typing import Any
from unittest.mock import patch

import psutil
import pytest
import yaml
from jinja2 import Environment
from jinja2.meta import find_undeclared_variables

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT, airflow_on

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

EXAMPLES = ROOT / "example_dags"


@pytest.fixture
def examples_cdf(empty_cdf: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    # An example sets it where it is read, as when another test reads all DAGs in this process.
    monkeypatch.delenv("AIRFLOW_CONN_CDF_EXAMPLE", raising=False)
    empty_cdf.load(EXAMPLES / "cdf.yaml")
    return empty_cdf


def test_host_telemetry_arrives_and_is_printed(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    log = airflow.test_dag("cdf_host_telemetry")
    assert set(airflow.states("cdf_host_telemetry").values()) == {"success"}
    with CdfRecordsHook().get_conn() as client:
        records = client.filter_records("host_telemetry", limit=1000)
    readings = [record["properties"]["host_telemetry"]["HostReading"] for record in records]
    assert {"cpu.busy", "memory.used", "network.sent"} <= {reading["metric"] for reading in readings}
    assert f"Upserted {len(records)} of {len(records)} records into stream host_telemetry" in log
    printed = [line for line in log.splitlines() if line.startswith("memory.used")]
    assert len(printed) == 1


def test_a_written_file_arrives(examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    airflow.test_dag("cdf_file_to_stream")
    assert set(airflow.states("cdf_file_to_stream").values()) == {"success"}
    with CdfRecordsHook().get_conn() as client:
        records = client.filter_records("host_processes", limit=1000)
    assert any(record["properties"]["host_processes"]["Process"]["threads"] > 0 for record in records)
    assert not list(tmp_path.glob("*.ndjson"))


def test_pump_alarms_arrive_but_the_two_that_are_wrong_which_are_kept(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    airflow.test_dag("cdf_pump_alarms")
    assert set(airflow.states("cdf_pump_alarms").values()) == {"success"}
    alarms = properties_in("plant_pump_alarms", "plant_pumps", "PumpAlarm")
    assert sorted(alarm["pump"] for alarm in alarms) == [f"pump-{n:02}" for n in range(12) if n not in (4, 9)]
    rejected = (tmp_path / "pump_alarms.csv.rejected.ndjson").read_text()
    assert [json.loads(line)["position"] for line in rejected.splitlines()] == [5, 10]
    airflow.test_dag("cdf_pump_report")
    assert set(airflow.states("cdf_pump_report").values()) == {"success"}


def properties_in(stream_id: str, space: str, container: str) -> list[dict[str, Any]]:
    with CdfRecordsHook().get_conn() as client:
        records = client.filter_records(stream_id, limit=1000)
    return [record["properties"][space][container] for record in records]


def test_a_csv_file_becomes_typed_records(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    airflow.test_dag("cdf_csv_with_mapping")
    assert set(airflow.states("cdf_csv_with_mapping").values()) == {"success"}
    interfaces = properties_in("host_network", "host_network", "Interface")
    (loopback,) = [found for found in interfaces if found["name"] == "lo"]
    assert loopback["up"] is True
    assert loopback["mtu"] > 0
    assert "127.0.0.1" in loopback["addresses"]
    assert loopback["label"] == f"lo of {loopback['host']}"
    written = datetime.fromisoformat(loopback["time"].replace("Z", "+00:00"))
    assert abs(datetime.now(timezone.utc) - written) < timedelta(minutes=10)
    assert not list(tmp_path.glob("*.csv"))


def test_the_rows_of_a_query_arrive(examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    log = airflow.test_dag("cdf_sql_to_stream")
    assert set(airflow.states("cdf_sql_to_stream").values()) == {"success"}
    usage = properties_in("host_usage", "host_usage", "ProcessUsage")
    assert any(found["memory"] > 0 and found["is_large"] in (True, False) for found in usage)
    assert "records into stream host_usage" in log


def test_each_file_of_a_folder_is_loaded_by_a_task_of_its_own_in_the_pool(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    airflow.settings["CDF_EXAMPLE_POOL"] = "cdf"
    assert airflow.run("pools", "set", "cdf", "2", "for the test").returncode == 0
    log = airflow.test_dag("cdf_folder_of_files")
    assert set(airflow.states("cdf_folder_of_files").values()) == {"success"}
    cpus = {found["cpu"] for found in properties_in("host_cpus", "host_cpus", "CpuTime")}
    assert cpus == set(range(psutil.cpu_count()))
    assert log.count("records into stream host_cpus") >= len(cpus)  # Airflow 3.0 shows a line twice
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        pools = database.execute(
            "SELECT pool FROM task_instance WHERE task_id = 'load' AND dag_id LIKE '%folder%'"
        )
        assert [pool for (pool,) in pools] == ["cdf"] * len(cpus)
    assert not list(tmp_path.glob("cpus-*"))


def test_a_file_is_loaded_in_parts_by_mapped_tasks(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    log = airflow.test_dag("cdf_load_in_parts")
    assert set(airflow.states("cdf_load_in_parts").values()) == {"success"}
    texts = {found["text"] for found in properties_in("plant_alarms_in_parts", "plant_alarms", "Alarm")}
    assert texts == {f"Alarm {number}" for number in range(1000)}
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        loads = database.execute(
            "SELECT map_index FROM task_instance WHERE task_id = 'load' AND dag_id = 'cdf_load_in_parts'"
        )
        assert sorted(index for (index,) in loads) == [0, 1, 2, 3]
    assert ".ndjson#bytes=" in log
    assert not list(tmp_path.glob("alarms-*"))


def test_the_last_row_of_each_identity_stays_of_a_file_in_parts(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    airflow.test_dag("cdf_parts_by_identity")
    assert set(airflow.states("cdf_parts_by_identity").values()) == {"success"}
    numbers = [found["number"] for found in properties_in("plant_meters", "plant_meters", "Reading")]
    assert sorted(numbers) == list(range(9_900, 10_000))
    assert not list(tmp_path.glob("meters-*"))


def alarms(**states: str) -> list[dict[str, Any]]:
    source = {"type": "container", "space": "plant_alarms", "externalId": "Alarm"}
    return [
        {
            "space": "plant_alarms",
            "externalId": name,
            "sources": [{"source": source, "properties": {"state": state, "text": f"{name} is {state}"}}],
        }
        for name, state in states.items()
    ]


def alarms_in(stream_id: str) -> dict[str, str]:
    with CdfRecordsHook().get_conn() as client:
        records = client.filter_records(stream_id, last_updated_time={"gte": 0}, limit=1000)
    found = [(one["externalId"], one["properties"]["plant_alarms"]["Alarm"]["text"]) for one in records]
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.fixture
def archive(examples_cdf: LocalServer) -> CdfRecordsHook:
    """A live stream with alarms of which two are closed, and an empty archive."""
    hook = CdfRecordsHook()
    hook.create_stream("plant_alarms", "BasicLiveData")
    hook.create_stream("plant_alarms_archive", "BasicArchive")
    hook.upsert_records("plant_alarms", alarms(a="open", b="closed", c="closed"))
    return hook


def test_closed_alarms_are_archived_and_deleted(
    archive: CdfRecordsHook, airflow_home: Path, tmp_path: Path
) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    done = airflow.run("dags", "test", "cdf_archive_closed", "--conf", '{"settled_minutes": 0}')
    assert done.returncode == 0, done.stdout[-5000:]
    assert set(airflow.states("cdf_archive_closed").values()) == {"success"}
    assert alarms_in("plant_alarms") == {"a": "a is open"}
    assert alarms_in("plant_alarms_archive") == {"b": "b is closed", "c": "c is closed"}
    assert not list(tmp_path.glob("closed-*"))


@pytest.fixture
def archiving(archive: CdfRecordsHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The functions of the DAG's tasks."""
    monkeypatch.setenv("CDF_EXAMPLE_FOLDER", str(tmp_path))
    dag = run_path(str(EXAMPLES / "cdf_archive_closed.py"))["cdf_archive_closed"]()
    return {name: getattr(task, "python_callable", None) for name, task in dag.task_dict.items()}


def test_an_alarm_that_changes_after_it_was_archived_is_not_deleted(
    archive: CdfRecordsHook, archiving: dict[str, Any]
) -> None:
    found = archiving["find_closed"]("run", "0")
    archive.ingest_file("plant_alarms_archive", found)
    archive.upsert_records("plant_alarms", alarms(b="closed") + alarms(c="open"))
    archiving["delete_archived"](found)
    assert alarms_in("plant_alarms").keys() == {"a", "b", "c"}
    archiving["delete_archived"](found)
    assert alarms_in("plant_alarms").keys() == {"a", "b", "c"}


def test_an_alarm_that_the_archive_does_not_show_is_not_deleted(
    archive: CdfRecordsHook, archiving: dict[str, Any]
) -> None:
    found = archiving["find_closed"]("run", "0")
    archive.ingest_records("plant_alarms_archive", alarms(b="closed"))
    other = alarms(c="closed")
    other[0]["sources"][0]["properties"]["text"] = "something else"
    archive.ingest_records("plant_alarms_archive", other)
    with pytest.raises(RuntimeError, match="does not show 1 of 2 alarms yet"):
        archiving["delete_archived"](found)
    assert alarms_in("plant_alarms").keys() == {"a", "c"}
    archive.ingest_records("plant_alarms_archive", alarms(c="closed"))
    archiving["delete_archived"](found)
    assert alarms_in("plant_alarms").keys() == {"a"}


def test_an_alarm_that_was_closed_a_moment_ago_is_left_alone(
    archive: CdfRecordsHook, archiving: dict[str, Any]
) -> None:
    assert not Path(archiving["find_closed"]("run", "60")).read_text()


@pytest.mark.skipif(not AIRFLOW_3, reason="watchers came with Airflow 3")
def test_alarms_are_raised_and_closed_for_a_dag_that_watches_them(
    examples_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    """Without an event that starts it; ``triggers/test_watching_in_airflow.py`` has some come."""
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    for dag_id in ("cdf_raise_alarms", "cdf_watch_stream"):
        airflow.test_dag(dag_id)
        assert set(airflow.states(dag_id).values()) == {"success"}
    alarms = properties_in("plant_alarms", "plant_alarms", "Alarm")
    assert sorted(alarm["state"] for alarm in alarms) == ["closed"] * 5 + ["open"] * 5


UNDEFINED = {  # in a run without a logical date, as those by `airflow dags trigger` and by assets are
    "logical_date",
    "data_interval_start",
    "data_interval_end",
    *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
}


def names_in_templates(code: str) -> set[str]:
    """Return the names that the templates in a DAG's file take from the run."""
    texts = [
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{{" in node.value
    ]
    return {name for text in texts for name in find_undeclared_variables(Environment().parse(text))}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_no_example_needs_a_logical_date(path: Path) -> None:
    assert names_in_templates("a = ['{{ ds }}', b('x-{{ ti.map_index }}')]") == {"ds", "ti"}
    assert not names_in_templates(path.read_text()) & UNDEFINED


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_says_what_it_shows_and_what_it_needs(path: Path) -> None:
    if path.stem == "cdf_watch_stream" and not AIRFLOW_3:
        pytest.skip("watchers came with Airflow 3")
    shown: list[Any] = []
    with patch.object(DAG, "__init__", wrapped(DAG.__init__, shown)):
        run_path(str(path))
    assert shown
    for dag in shown:
        assert dag.description
        assert {"cdf", "example"} <= set(dag.tags)
        assert "Needs the connection" in dag.doc_md
        (name,) = set(re.findall(r"container ``(\w+/\w+)``", dag.doc_md))
        assert name in known_containers()
        pages = re.findall(r"/docs/([\w-]+\.md)\)", dag.doc_md)
        assert pages
        assert all((ROOT / "docs" / page).exists() for page in pages)


def wrapped(init: Any, made: list[Any]) -> Any:
    def and_keep(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        made.append(self)

    return and_keep


def known_containers() -> set[str]:
    definitions = yaml.safe_load((EXAMPLES / "cdf.yaml").read_text())
    return {f"{one['space']}/{one['externalId']}" for one in definitions["containers"]}


def test_no_example_asks_cdf_by_hand() -> None:
    for path in EXAMPLES.glob("*.py"):
        assert ".post(" not in path.read_text(), path.name
