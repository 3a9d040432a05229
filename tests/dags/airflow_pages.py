"""An Airflow with a finished run, whose pages are looked at in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_cdf_records.local_server import LocalServer
from tests.running_airflow import SERVER, RunningAirflow, running_airflow
from tests.waiting import wait_until

DAG_ID, RUN_ID = "plant_alarms", "first"
DEFINITIONS: dict[str, Any] = {
    "spaces": ["plant"],
    "containers": [
        {
            "space": "plant",
            "externalId": "Alarm",
            "properties": {"tag": "text", "time": "timestamp", "severity": "int32", "text": "text"},
        }
    ],
}


@contextmanager
def airflow_with_a_run(work: Path, files: Path) -> Iterator[tuple[RunningAirflow, LocalServer]]:
    """Start an Airflow and a local server, and run the DAG ``plant_alarms`` once.

    :param work: an empty folder for Airflow.
    :param files: the folder for rejected records, whose path is in the task's log.
    """
    with LocalServer() as server:
        server.load(DEFINITIONS)
        settings = {
            "AIRFLOW_CONN_CDF_DEFAULT": server.connection_json(),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "PLANT_FOLDER": str(files),
        }
        parts = ("scheduler", "dag-processor", SERVER)
        dags = Path(__file__).parent / "shown"
        airflow: RunningAirflow
        with running_airflow(dags, work, settings, components=parts) as airflow:
            wait_until(lambda: airflow.has_dag(DAG_ID) and airflow.answers())
            airflow.trigger(RUN_ID, DAG_ID)
            state = airflow.wait_for(RUN_ID)
            assert state == "success", airflow.log(RUN_ID, "load")
            yield airflow, server


def page_of(airflow: RunningAirflow, *parts: str) -> str:
    """Return the address of a page of Airflow, such as of ``("dags", "plant_alarms")``."""
    return "/".join([f"http://127.0.0.1:{airflow.port}", *parts])


def page_of_task(airflow: RunningAirflow, task_id: str, tab: str = "") -> str:
    """Return the address of a tab of a task of the run; of its log by default."""
    address = page_of(airflow, "dags", DAG_ID, "runs", RUN_ID, "tasks", task_id)
    return f"{address}/{tab}" if tab else address
