"""The README's files and commands for a first run, as they stand there."""

from __future__ import annotations

import os
import re
import shutil
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
def project(tmp_path: Path, airflow_home: Path) -> Path:
    """Write down the files of the README, with its data and a new database of Airflow beside them."""
    (tmp_path / "airflow").mkdir()
    shutil.copy(airflow_home / "airflow.db", tmp_path / "airflow")
    readme = (ROOT / "README.md").read_text()
    ((record, data),) = DATA.findall(readme)
    (tmp_path / "alarms.ndjson").write_text(record + "\n")
    for name, content in FILES.findall(readme):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = content.replace(data, str(tmp_path / "alarms.ndjson"))
        path.write_text(text if AIRFLOW_3 else text.replace("airflow.sdk", "airflow.decorators"))
    return tmp_path


def exported(block_with: str, project: Path) -> dict[str, str]:
    """Return what the README exports in the block of commands that has this one."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if block_with in block]
    (exports,) = re.findall(r"^export (.*)$", block, re.MULTILINE)
    return dict(word.replace("$PWD", str(project)).split("=", 1) for word in exports.split())


def run(project: Path, *command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | environment,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def run_the_test(project: Path) -> str:
    command = "python -m pytest test_load_file.py"
    return run(project, "pytest", "test_load_file.py", **exported(command, project))


def test_the_first_run_brings_the_record_to_the_page(project: Path) -> None:
    environment = exported("airflow db migrate\n", project)
    with LocalServer(project / "cdf.sqlite") as server:
        server.load(project / "cdf.yaml")
        environment |= {"AIRFLOW_CONN_CDF_DEFAULT": server.connection_json()}
        run(project, "airflow", "dags", "test", "load_file", **environment)
        (record,) = server.records("alarms")
    expected = {"severity": "high", "value": 12.5, "time": "2026-01-02T03:04:05Z"}
    assert (record["externalId"], record["properties"]) == ("a-1", {"plant": {"Alarm": expected}})


def test_the_test_of_a_dag_passes(project: Path) -> None:
    assert "1 passed" in run_the_test(project)


def test_the_test_of_a_dag_fails_when_its_file_is_not_loaded(project: Path) -> None:
    (project / "alarms.ndjson").write_text("")
    with pytest.raises(AssertionError, match="1 failed"):
        run_the_test(project)
