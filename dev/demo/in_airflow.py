"""A real Airflow in this process, imported once, whose DAGs run as ``airflow dags test`` runs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from runpy import run_path
from typing import IO, Any

from dev.demo.server import ROOT

DAG_FILE = ROOT / "example_dags" / "cdf_pump_alarms.py"


class NotAsShown(Exception):
    """The demo did not do what it shows."""


@dataclass(frozen=True)
class Run:
    """A run of a DAG that ended well.

    :ivar log: what it has logged.
    :ivar summary: of its load, as the event of the stream's asset has it.
    :ivar times: when each task began and ended.
    """

    run_id: str
    log: str
    summary: dict[str, Any]
    times: dict[str, tuple[datetime, datetime]]

    @property
    def line(self) -> str:
        """The line of the log that sums the load up, without the paths of this machine."""
        found = [line for line in self.log.splitlines() if " Upserted " in line]
        if not found:
            raise NotAsShown(f"{self.run_id} logged no summary")
        text = found[-1][found[-1].index("Upserted ") :].partition(" [")[0]
        return text.replace(f"{os.environ['CDF_EXAMPLE_FOLDER']}{os.sep}", "")


def settings_for(work: Path) -> dict[str, str]:
    """Return the environment of an Airflow that has its home in a folder, and the example DAGs."""
    return {
        "AIRFLOW_HOME": str(work / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CDF_EXAMPLE_FOLDER": str(work / "files"),
        "TMPDIR": str(work / "tmp"),
    }


@contextmanager
def output_in(log: Path) -> Iterator[IO[str]]:
    """Send all that this process prints to a file; yields what prints to the screen still."""
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file, os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8") as screen:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield screen
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, old in enumerate(kept, 1):
                os.dup2(old, number)
                os.close(old)


class Airflow:
    """Runs the DAG of pump alarms.

    :param log: the file that this process prints to.
    """

    def __init__(self, log: Path) -> None:
        self._log = log

    def start(self) -> None:
        """Import Airflow, and make its database."""
        from airflow.utils.db import initdb

        initdb()

    def run(self, **conf: Any) -> Run:
        """Run the DAG to its end.

        :raises NotAsShown: a task failed.
        """
        from airflow.models.asset import AssetEvent
        from airflow.models.taskinstance import TaskInstance
        from airflow.settings import Session

        before = self._log.stat().st_size
        dag = run_path(str(DAG_FILE))["cdf_pump_alarms"]()  # anew: it keeps the values of its params
        run = dag.test(run_conf=conf)
        sys.stdout.flush()
        with self._log.open("rb") as file:
            file.seek(before)
            log = file.read().decode(errors="replace")
        if run.state != "success":
            raise NotAsShown(f"the run of {dag.dag_id} ended as {run.state}")
        with Session() as session:
            tasks = session.query(TaskInstance).filter_by(run_id=run.run_id).all()
            times = {task.task_id: (task.start_date, task.end_date) for task in tasks}
            events = session.query(AssetEvent).filter_by(source_run_id=run.run_id).all()
            if len(events) != 1:
                raise NotAsShown(f"the load made {len(events)} events, not one")
            return Run(run.run_id, log, dict(events[0].extra), times)

    def events(self) -> list[tuple[str, str]]:
        """Return the asset and the task of each event, in order."""
        from airflow.models.asset import AssetEvent
        from airflow.settings import Session

        with Session() as session:
            events = session.query(AssetEvent).order_by(AssetEvent.id).all()
            return [(one.asset.uri, f"{one.source_dag_id}/{one.source_task_id}") for one in events]

    def due(self) -> list[str]:
        """Return the DAGs that Airflow has put into the queue because of events."""
        from airflow.models.asset import AssetDagRunQueue
        from airflow.settings import Session

        with Session() as session:
            return [one.target_dag_id for one in session.query(AssetDagRunQueue).all()]
