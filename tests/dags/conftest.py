"""A real Airflow of the tests' own: its home, its database, its commands."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.airflow_version import AIRFLOW

ROOT = Path(__file__).parent.parent.parent
COLORS = re.compile("\x1b\\[[0-9;]*m")  # in errors that Airflow 3.0 prints, with any terminal or none


@dataclass
class Airflow:
    """Runs ``airflow`` commands on one database."""

    settings: dict[str, str]
    home: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=os.environ | self.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        done.stdout = COLORS.sub("", done.stdout)
        return done

    def test_dag(self, dag_id: str) -> str:
        """Run all tasks of a DAG and return the log; fails where a task does."""
        if AIRFLOW_3:
            self.learn_assets()
        done = self.run("dags", "test", dag_id)
        assert done.returncode == 0, done.stdout[-5000:]
        return done.stdout

    def learn_assets(self) -> None:
        """Have Airflow know the assets and aliases of its DAGs, where ``dags test`` does not itself."""
        if AIRFLOW < (3, 1):
            self.run("dags", "reserialize")

    def states(self, dag_id: str) -> dict[str, str]:
        """Return the states of the tasks of a DAG's last run."""
        with sqlite3.connect(self.home / "airflow.db") as database:
            query = "SELECT task_id, state FROM task_instance WHERE dag_id = ?"
            return dict(database.execute(query, (dag_id,)))


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {"AIRFLOW_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True
    )
    return home


@pytest.fixture
def empty_cdf(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with LocalServer() as server:
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", server.connection_json())
        yield server


def airflow_on(dags: Path, home: Path, tmp_path: Path) -> Airflow:
    """Return an Airflow that sees a folder of DAGs."""
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "CDF_EXAMPLE_FOLDER": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    return Airflow(settings, home)
