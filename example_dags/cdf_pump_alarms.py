"""A CSV file with bad rows becomes typed records, a sensor waits for them, and the asset starts another DAG.

``cdf_pump_alarms`` writes a file of alarms, as another system would, and loads it: rows that make no record
are in the rejected-records file, with the reason. Mended, that file is loaded by the same DAG:

    airflow dags test cdf_pump_alarms --conf '{"path": "/tmp/mended.ndjson"}'

``cdf_pump_report`` starts after each load, by its asset, and prints what it did.

Needs the connection ``cdf_default`` and the container ``plant_pumps/PumpAlarm`` of ``cdf.yaml``. Read on:

* [Rejected records](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/reject-and-reload.md)
* [Assets and lineage](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/lineage.md)
"""

from __future__ import annotations

import csv
import os
import tempfile
from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.assets import cdf_asset
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor

SPACE, CONTAINER, STREAM = "plant_pumps", "PumpAlarm", "plant_pump_alarms"
# The cluster and the project of your connection.
ALARMS = cdf_asset(STREAM, cluster="westeurope-1", project="my-project")
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())
MAPPING = {
    "space": SPACE,
    "external_id": "{Pump}/{Raised}",
    "sources": [
        {
            "space": SPACE,
            "container": CONTAINER,
            "properties": {  # property: column; values become what the container's property is
                "pump": "Pump",
                "severity": "Severity",
                "temperature": "Temperature",
                "raised": "Raised",
                "label": {"format": "{Pump} at {Temperature} degrees"},
            },
        }
    ],
}
SETTINGS: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {"retries": 2, "retry_delay": timedelta(seconds=10)},
    "tags": ["cdf", "example"],
}


@dag(
    schedule=timedelta(minutes=1),
    description="A CSV file with two bad rows, loaded with a mapping",
    doc_md=__doc__,
    params={"path": "", "rows": 12},
    **SETTINGS,
)
def cdf_pump_alarms() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def write_file(path: str, rows: str) -> str:
        """Write alarms of pumps, two of them wrong, and return the file's path; or the path that is given."""
        if path:
            return path
        path, now = os.path.join(FOLDER, "pump_alarms.csv"), datetime.now(timezone.utc)
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Pump", "Severity", "Temperature", "Raised"])
            for row in range(int(rows)):
                raised = (now - timedelta(seconds=row)).isoformat(timespec="milliseconds")
                severity = "high" if row == 4 else 1 + row % 4  # noqa: PLR2004
                temperature = "81,5" if row == 9 else 70 + row % 25  # noqa: PLR2004
                writer.writerow([f"pump-{row:02}", severity, temperature, raised])
        return path

    path = write_file("{{ params.path }}", "{{ params.rows }}")
    load = CdfRecordsUpsertOperator(
        task_id="load",
        stream_id=STREAM,
        path=path,
        mapping=MAPPING,
        rejected_path=f"{path}.rejected.ndjson",
        max_rejected=2,
        outlets=[ALARMS],
    )
    wait_until_visible = CdfRecordsSensor(
        task_id="wait_until_visible", load=load.output, poke_interval=1, timeout=120
    )
    create_stream >> path >> load >> wait_until_visible


@dag(schedule=[ALARMS], description="Started by each load of cdf_pump_alarms", doc_md=__doc__, **SETTINGS)
def cdf_pump_report() -> None:
    @task
    def report(triggering_asset_events: Any = None) -> None:
        """Print the summary of each load that this run is for."""
        for events in (triggering_asset_events or {}).values():
            for event in events:
                print(f"{event.source_dag_id} wrote to {event.asset.uri}: {event.extra}")

    report()


cdf_pump_alarms()
cdf_pump_report()
