"""The example DAGs, in a real Airflow against the real local server."""

from __future__ import annotations

from pathlib import Path

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
