"""A folder of files, loaded by one mapped task per file, so many at a time as a pool has slots.

The pool bounds what all DAGs together ask of one CDF project::

    airflow pools set cdf 2 "Loads into our CDF project"
    export CDF_EXAMPLE_POOL=cdf

Needs the connection ``cdf_default`` and the container ``host_cpus/CpuTime`` of ``cdf.yaml``. Read on:

* [Load files](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/load-files.md)
* [Tune](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/tune.md)
"""

from __future__ import annotations

import csv
import os
import shutil
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

SPACE, CONTAINER, STREAM = "host_cpus", "CpuTime", "host_cpus"
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())
POOL = os.environ.get("CDF_EXAMPLE_POOL", "default_pool")
COLUMNS = ["host", "cpu", "mode", "seconds", "time"]
MAPPING = {
    "space": SPACE,
    "external_id": "{host}/{cpu}/{mode}/{time}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {name: name for name in COLUMNS}}],
}


@dag(
    description="Load a folder, one mapped task per file, in a pool.",
    doc_md=__doc__,
    schedule=timedelta(hours=1),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["cdf", "example"],
)
def cdf_folder_of_files() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def write_files(run: str) -> list[str]:
        """Write a file for each CPU of this machine, and return their paths.

        The tasks run at the same time: no two files hold rows of one record, or the last would not stay.
        """
        host, now = socket.gethostname(), datetime.now(timezone.utc).isoformat()
        folder = os.path.join(FOLDER, f"cpus-{run}")
        os.makedirs(folder, exist_ok=True)
        paths = []
        for cpu, times in enumerate(psutil.cpu_times(percpu=True)):
            path = os.path.join(folder, f"cpu{cpu}.csv")
            with open(path, "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows([host, cpu, mode, seconds, now] for mode, seconds in times._asdict().items())
            paths.append(path)
        return paths

    load = CdfRecordsUpsertOperator.partial(
        task_id="load", stream_id=STREAM, mapping=MAPPING, pool=POOL, max_concurrency=2
    ).expand(path=write_files("{{ run_id }}"))

    @task(trigger_rule="all_done")
    def remove_files(run: str) -> None:
        shutil.rmtree(os.path.join(FOLDER, f"cpus-{run}"), ignore_errors=True)

    create_stream >> load >> remove_files("{{ run_id }}")


cdf_folder_of_files()
