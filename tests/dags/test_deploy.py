"""What the page on production shows: a DAG whose load fails, and code that makes a data model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.version_compat import keeps_state_between_runs
from tests.dags.conftest import ROOT, airflow_on

DAG = re.compile(r"```python\n(# dags/production_alarms\.py\n.*?)```", re.DOTALL)
MODEL = re.compile(r"```python\n([^`]*cdf\.post\(\"/models/containers\".*?)```", re.DOTALL)


@pytest.mark.skipif(not keeps_state_between_runs(), reason="CdfRetryPolicy needs Airflow 3.3")
def test_the_alert_of_a_failed_load_says_how_many_rows_were_rejected_and_where_they_are(
    empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    empty_cdf.load(
        {
            "spaces": ["plant"],
            "containers": [{"space": "plant", "externalId": "Alarm", "properties": {"severity": "text"}}],
            "streams": ["alarms"],
        }
    )
    bad = {"space": "plant", "externalId": "a-1", "sources": []}
    (tmp_path / "alarms.ndjson").write_text(json.dumps(bad) + "\n")
    (tmp_path / "dags").mkdir()
    (text,) = DAG.findall((ROOT / "docs/deploy.md").read_text())
    (tmp_path / "dags/production_alarms.py").write_text(text.replace('"/tmp/', f'"{tmp_path}/'))
    airflow = airflow_on(tmp_path / "dags", airflow_home, tmp_path)
    done = airflow.run("dags", "test", "production_alarms")
    (rejected,) = (tmp_path / "rejected").iterdir()
    assert f"ALERT rejected: 1, kept in {rejected}" in done.stdout
    assert "ALERT production_alarms.load, run manual__" in done.stdout


def test_the_code_that_makes_the_data_model_makes_one_that_loads_can_use(empty_cdf: LocalServer) -> None:
    (code,) = MODEL.findall((ROOT / "docs/deploy.md").read_text())
    exec(code, {})
    values = {"tag": "P-7", "time": "2026-01-02T03:04:05Z", "severity": "high", "value": 12.5}
    container = {"type": "container", "space": "plant", "externalId": "Alarm"}
    record = {"space": "plant", "externalId": "a-1", "sources": [{"source": container, "properties": values}]}
    assert CdfRecordsHook().upsert_records("alarms", [record]).upserted == 1
