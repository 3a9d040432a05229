"""The example DAGs, in a real Airflow against the real local server."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from tests.dags.conftest import ROOT, airflow_on

EXAMPLES = ROOT / "example_dags"


def test_host_telemetry_arrives_and_is_printed(
    empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path
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


def test_a_written_file_arrives(empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    airflow.test_dag("cdf_file_to_stream")
    assert set(airflow.states("cdf_file_to_stream").values()) == {"success"}
    with CdfRecordsHook().get_conn() as client:
        records = client.filter_records("host_processes", limit=1000)
    assert any(record["properties"]["host_processes"]["Process"]["threads"] > 0 for record in records)
    assert not list(tmp_path.glob("*.ndjson"))


def properties_in(stream_id: str, space: str, container: str) -> list[dict[str, Any]]:
    with CdfRecordsHook().get_conn() as client:
        records = client.filter_records(stream_id, limit=1000)
    return [record["properties"][space][container] for record in records]


def test_a_csv_file_becomes_typed_records(empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path) -> None:
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


def test_the_rows_of_a_query_arrive(empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path) -> None:
    airflow = airflow_on(EXAMPLES, airflow_home, tmp_path)
    log = airflow.test_dag("cdf_sql_to_stream")
    assert set(airflow.states("cdf_sql_to_stream").values()) == {"success"}
    usage = properties_in("host_usage", "host_usage", "ProcessUsage")
    assert any(found["memory"] > 0 and found["is_large"] in (True, False) for found in usage)
    assert "records into stream host_usage" in log


def test_each_file_of_a_folder_is_loaded_by_a_task_of_its_own_in_the_pool(
    empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path
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
