"""An extraction task writes a file, and the operator loads it by its path.

Needs the connection ``cdf_default`` and the container ``host_processes/Process`` of ``cdf.yaml``. Read on:

* [Load files](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/load-files.md)
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from datetime import datetime, timedelta, timezone

import psutil

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)

SPACE, CONTAINER, STREAM = "host_processes", "Process", "host_processes"
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())


@dag(
    description="Load a file that an extraction task has written.",
    doc_md=__doc__,
    schedule=timedelta(hours=1),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["cdf", "example"],
)
def cdf_file_to_stream() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def write_file(run: str) -> str:
        """Write one record a line for each process of this machine, and return the file's path."""
        host, path = socket.gethostname(), os.path.join(FOLDER, f"processes-{run}.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            for process in psutil.process_iter(["pid", "name", "memory_info", "num_threads", "create_time"]):
                found = process.info
                started = datetime.fromtimestamp(found["create_time"], timezone.utc)
                properties = {
                    "host": host,
                    "name": found["name"],
                    "memory": found["memory_info"].rss if found["memory_info"] else None,
                    "threads": found["num_threads"],
                    "started": started.isoformat(timespec="milliseconds"),
                }
                source = {"type": "container", "space": SPACE, "externalId": CONTAINER}
                record = {
                    "space": SPACE,
                    "externalId": f"{host}/{found['pid']}/{found['create_time']}",
                    "sources": [{"source": source, "properties": properties}],
                }
                print(json.dumps(record), file=file)
        return path

    path = write_file("{{ run_id }}")
    load = CdfRecordsUpsertOperator(
        task_id="load", stream_id=STREAM, path=path, rejected_path=f"{path}.rejected"
    )

    @task(trigger_rule="all_done")
    def remove_file(path: str) -> None:
        os.remove(path)

    create_stream >> load >> remove_file(path)


cdf_file_to_stream()
