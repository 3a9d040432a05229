"""A large file, loaded by several tasks, each of which reads a part of it.

The parts are cut by position, since each alarm stands once in the file. A file in which alarms repeat, the
later rows to win, takes ``by="identity"``.

Needs the connection ``cdf_default`` and the container ``plant_alarms/Alarm`` of ``cdf.yaml``. Read on:

* [One load, many workers](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/many-workers.md)
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime, timezone

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.sources import split_source

SPACE, CONTAINER, STREAM = "plant_alarms", "Alarm", "plant_alarms_in_parts"
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())
FILE = os.path.join(FOLDER, "alarms-{{ run_id }}.ndjson")
MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [
        {"space": SPACE, "container": CONTAINER, "properties": {"state": "state", "text": "text"}},
    ],
}


@dag(
    description="Load a large file by several tasks, each of which reads a part.",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    tags=["cdf", "example"],
)
def cdf_load_in_parts() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def write_file(path: str) -> str:
        with open(path, "w", encoding="utf-8") as file:
            for number in range(1000):
                alarm = {"id": f"alarm-{number}", "state": "open", "text": f"Alarm {number}"}
                file.write(json.dumps(alarm) + "\n")
        return path

    @task
    def parts(path: str) -> list[dict[str, object]]:
        return split_source(path, 4, by="position")

    load = CdfRecordsUpsertOperator.partial(
        task_id="load",
        stream_id=STREAM,
        mapping=MAPPING,
        rejected_path=os.path.join(FOLDER, "rejected-{{ run_id }}", "{{ ti.map_index }}.ndjson"),
        max_concurrency=2,
    ).expand_kwargs(parts(write_file(FILE)))

    @task(trigger_rule="all_done")
    def remove_file(path: str) -> None:
        os.remove(path)

    create_stream >> load >> remove_file(FILE)


cdf_load_in_parts()
