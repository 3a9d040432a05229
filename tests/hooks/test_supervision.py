"""A load ends when the process that supervises its task has died."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from airflow_provider_cdf_records.hooks.supervision import ended_with_supervisor
from tests.dags.conftest import ROOT
from tests.waiting import SOON, wait_until

TASK = """
import sys, threading
from pathlib import Path
from airflow_provider_cdf_records.hooks import supervision

supervision.has_supervisor = lambda: True
supervision.ENDS_WITHIN = 0.1
folder, obeys = Path(sys.argv[1]), sys.argv[2] == "obeys"
told = threading.Event()
with supervision.ended_with_supervisor(told.set):
    (folder / "runs").touch()
    told.wait()
    if not obeys:
        (folder / "told").touch()
        threading.Event().wait()
(folder / "ended by itself").touch()
"""
SUPERVISOR = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], close_fds=False)"


@pytest.mark.parametrize("obeys", ["obeys", "does not"])
def test_a_load_is_told_to_end_when_its_supervisor_dies_and_ended_when_it_does_not(
    tmp_path: Path, obeys: str
) -> None:
    reading, writing = os.pipe()  # at its end once both processes have ended, which hold the other side
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, TASK, str(tmp_path), obeys],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        pass_fds=[writing],
    )
    os.close(writing)
    wait_until((tmp_path / "runs").exists)
    supervisor.kill()
    supervisor.wait(SOON)
    has_ended, _, _ = select.select([reading], [], [], SOON)
    os.close(reading)
    assert has_ended, "the task's process goes on"
    assert (tmp_path / "ended by itself").exists() == (obeys == "obeys")
    assert (tmp_path / "told").exists() == (obeys != "obeys")


def test_what_runs_without_a_supervisor_is_not_watched() -> None:
    before = threading.active_count()
    with ended_with_supervisor(lambda: None):
        assert threading.active_count() == before
