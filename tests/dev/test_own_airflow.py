"""What is started here leaves the user's own Airflow alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev import own_airflow
from dev.own_airflow import forget_the_users_airflow, need_airflow_3

ROOT = Path(__file__).parents[2]
USERS = {
    "AIRFLOW_HOME": "/home/user/airflow",
    "AIRFLOW_CONFIG": "/home/user/airflow.cfg",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://production/airflow",
    "AIRFLOW_CONN_CDF_DEFAULT": '{"host": "$westeurope-1"}',
}


def test_settings_of_the_shell_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CDF_EXAMPLE_FOLDER", "kept")
    forget_the_users_airflow()
    assert not [name for name in os.environ if name.startswith("AIRFLOW_")]
    assert os.environ["CDF_EXAMPLE_FOLDER"] == "kept"


def test_airflow_2_is_told_that_it_does_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_airflow, "version", lambda _: "3.0.0")
    need_airflow_3("make demo")
    monkeypatch.setattr(own_airflow, "version", lambda _: "2.11.2")
    with pytest.raises(SystemExit, match=r"make demo needs Airflow 3, and this environment has 2\.11\.2"):
        need_airflow_3("make demo")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not there")
def test_make_hands_on_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "printing.mk").write_text("print-environment:\n\t@env\n")
    command = ["make", "-f", "Makefile", "-f", str(tmp_path / "printing.mk"), "print-environment"]
    environment = os.environ | USERS | {"PYTHONPATH": "/home/user/plugins", "CDF_EXAMPLE_FOLDER": "kept"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "CDF_EXAMPLE_FOLDER" in names
    assert not [name for name in names if name.startswith("AIRFLOW_") or name == "PYTHONPATH"]
