"""The links of tasks in a real Airflow; the DAG is in ``linked.py``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import airflow_on

NOWHERE = {"https": "http://127.0.0.1:9"}  # a proxy: no test asks a real CDF


def test_a_task_keeps_the_link_to_its_project_also_when_it_fails(
    airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"token": "t", "max_attempts": 1, "proxies": NOWHERE}
    connection = {"conn_type": "cdf", "host": "westeurope-1", "schema": "my-project", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_CDF_AWAY", json.dumps(connection))
    airflow = airflow_on(Path(__file__).parent, airflow_home, tmp_path)
    log = airflow.run("dags", "test", "linked").stdout
    assert airflow.states("linked") == {"load": "failed", "wait": "failed"}, log
    key = (
        "_link_CdfProjectLink" if AIRFLOW_3 else "cdf_project_link"
    )  # the web server of Airflow 2 asks the task's
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        query = "SELECT task_id, map_index, value FROM xcom WHERE dag_id = 'linked' AND key = ?"
        found = {row[:2]: json.loads(row[2]) for row in database.execute(query, (key,))}
    page = "https://fusion.cognite.com/my-project?cluster=westeurope-1.cognitedata.com"
    assert {task: link.strip('"') for task, link in found.items()} == {("load", 0): page, ("wait", -1): page}
