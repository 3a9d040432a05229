"""From a file to a DAG that has run, with the commands that `suggest` says come next."""

from __future__ import annotations

import shlex
from pathlib import Path

from airflow_provider_cdf_records.commands.running import main
from airflow_provider_cdf_records.local_server import LocalServer
from tests.commands.running import FILES
from tests.dags.conftest import airflow_on


def test_the_suggested_dag_runs(
    empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path, capsys: object
) -> None:
    folder = tmp_path / "dags"
    command = f"suggest {FILES / 'flights.csv'} --space plant --container Flight --out {folder}"
    assert main(shlex.split(command)) == 0
    empty_cdf.load(folder / "cdf.yaml")
    log = airflow_on(folder, airflow_home, tmp_path).test_dag("load_flight")
    assert "Upserted 40 of 40 records" in log
    assert len(empty_cdf.records("flights")) == 40
