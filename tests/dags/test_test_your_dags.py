"""The example of a test of a DAG, as it stands in the documentation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT

PAGE = (ROOT / "docs/test-your-dags.md").read_text()
FILES = re.compile(r"```(?:yaml|python)\n# (\S+)\n(.*?)```", re.DOTALL)
DATA = re.compile(r"^echo '(.*)' > (/tmp/\S+)$", re.MULTILINE)
COMMAND = "python -m pytest test_load_file.py"


@pytest.fixture
def project(tmp_path: Path, airflow_home: Path) -> Path:
    """Write down the files of the page, with its data and a new database of Airflow beside them."""
    (tmp_path / "airflow-of-tests").mkdir()
    shutil.copy(airflow_home / "airflow.db", tmp_path / "airflow-of-tests")
    ((record, data),) = DATA.findall(PAGE)
    (tmp_path / "alarms.ndjson").write_text(record + "\n")
    for name, content in FILES.findall((ROOT / "docs/local-server.md").read_text() + PAGE):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = content.replace(data, str(tmp_path / "alarms.ndjson"))
        path.write_text(text if AIRFLOW_3 else text.replace("airflow.sdk", "airflow.decorators"))
    return tmp_path


def run_the_test(project: Path, tests: str = "test_load_file.py") -> str:
    """Run the page's command with what the page exports, and return what it prints.

    :param tests: the file to run, in place of the one that the command names.
    """
    (block,) = [one for one in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) if COMMAND in one]
    (exports,) = re.findall(r"^export (.*)$", block, re.MULTILINE)
    environment = dict(word.replace("$PWD", str(project)).split("=", 1) for word in exports.split())
    done = subprocess.run(
        [sys.executable, *COMMAND.split()[1:-1], tests],
        env=os.environ | environment,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def test_the_test_of_a_dag_passes(project: Path) -> None:
    assert "1 passed" in run_the_test(project)


def test_the_tests_of_loads_pass(project: Path) -> None:
    assert "3 passed" in run_the_test(project, "test_loads.py")


def test_the_test_of_a_dag_fails_when_its_file_is_not_loaded(project: Path) -> None:
    (project / "alarms.ndjson").write_text("")
    with pytest.raises(AssertionError, match="1 failed"):
        run_the_test(project)
