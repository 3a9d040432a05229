"""The README's example: a DAG and the command that writes what it needs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT, airflow_on
from tests.dags.test_docs import START_DATE

README = (ROOT / "README.md").read_text()
CSV = "tag,time,severity,value\npump-7,2026-01-02T03:04:05Z,high,12.5\n"


def test_the_dag_loads_a_csv_file_by_what_the_command_has_written(
    empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "alarms.csv").write_text(CSV)
    (command,) = re.findall(r"`python (-m airflow_provider_cdf_records suggest [^`]*)`", README)
    subprocess.run([sys.executable, *shlex.split(command)], cwd=tmp_path, check=True, capture_output=True)
    empty_cdf.load(tmp_path / "cdf.yaml")
    (text,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    text = text.replace("/data/", f"{tmp_path}/")
    if not AIRFLOW_3:
        text = text.replace("airflow.sdk", "airflow.decorators").replace("@dag(", f"@dag({START_DATE}, ")
    (tmp_path / "load_alarm.py").unlink()
    (tmp_path / "alarms_to_cdf.py").write_text(text)
    airflow_on(tmp_path, airflow_home, tmp_path).test_dag("alarms_to_cdf")
    (record,) = empty_cdf.records("alarms")
    assert record["properties"]["plant"]["Alarm"]["value"] == 12.5
