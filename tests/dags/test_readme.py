"""The README's files and commands for a first run, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT

FILES = re.compile(r"```(?:yaml|python)\n# (\S+)\n(.*?)```", re.DOTALL)
DATA = re.compile(r"^echo '(.*)' > (/tmp/\S+)$", re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write down the files of the README, with its data beside them."""
    readme = (ROOT / "README.md").read_text()
    ((record, data),) = DATA.findall(readme)
    (tmp_path / "alarms.ndjson").write_text(record + "\n")
    for name, content in FILES.findall(readme):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = content.replace(data, str(tmp_path / "alarms.ndjson"))
        path.write_text(text if AIRFLOW_3 else text.replace("airflow.sdk", "airflow.decorators"))
    return tmp_path


def run(project: Path, home: Path, *command: str, **environment: str) -> str:
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | settings | environment,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def test_the_first_run_brings_the_record_to_the_page(project: Path, airflow_home: Path) -> None:
    with LocalServer(project / "cdf.sqlite") as server:
        server.load(project / "cdf.yaml")
        connection = {"AIRFLOW_CONN_CDF_DEFAULT": server.connection_json()}
        run(project, airflow_home, "airflow", "dags", "test", "load_file", **connection)
        (record,) = server.records("alarms")
    expected = {"severity": "high", "value": 12.5, "time": "2026-01-02T03:04:05Z"}
    assert (record["externalId"], record["properties"]) == ("a-1", {"plant": {"Alarm": expected}})


def test_the_test_of_a_dag_passes(project: Path, airflow_home: Path) -> None:
    assert "1 passed" in run(project, airflow_home, "pytest", "test_load_file.py")


def test_the_test_of_a_dag_fails_when_its_file_is_not_loaded(project: Path, airflow_home: Path) -> None:
    (project / "alarms.ndjson").write_text("")
    with pytest.raises(AssertionError, match="1 failed"):
        run(project, airflow_home, "pytest", "test_load_file.py")
