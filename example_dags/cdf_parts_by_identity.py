"""A large file in which meters repeat, loaded by eight tasks; the last row of each meter stays.

Each task loads the rows of its own meters, so it does not matter which task is faster, or is tried again. The
file is where all workers can read it: in a shared folder, or in a bucket. `make demo-celery` runs this DAG on
two Celery workers and kills one of them.

Needs the connection ``cdf_default`` and the container ``plant_meters/Reading`` of ``cdf.yaml``. Read on:

* [One load, many workers](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/many-workers.md)
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.sources import merge_summaries, split_source

SPACE, CONTAINER, STREAM = "plant_meters", "Reading", "plant_meters"
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())
EXAMPLE = os.path.join(FOLDER, "meters-{{ run_id }}.csv")
METERS, READINGS = 100, 10_000
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MAPPING = {
    "space": SPACE,
    "external_id": "{meter}",
    "sources": [
        {
            "space": SPACE,
            "container": CONTAINER,
            "properties": {"value": "value", "unit": "unit", "number": "number", "time": "time"},
        }
    ],
}


def write_example(path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write("meter,value,unit,number,time\n")
        for number in range(READINGS):
            time = START + timedelta(seconds=number)
            file.write(f"meter-{number % METERS},{number / 8},m3,{number},{time.isoformat()}\n")


@dag(
    description="Load a large file by eight tasks; the last row of each meter stays.",
    doc_md=__doc__,
    schedule=None,
    start_date=START,
    catchup=False,
    params={"path": ""},  # of a file of your own
    default_args={"retries": 3, "retry_delay": timedelta(seconds=5)},
    tags=["cdf", "example"],
)
def cdf_parts_by_identity() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def split(path: str, example: str) -> list[dict[str, Any]]:
        """Return the arguments of each of the tasks that load."""
        if not path:
            write_example(example)
        return split_source(path or example, 8, by="identity")

    load = CdfRecordsUpsertOperator.partial(
        task_id="load",
        stream_id=STREAM,
        mapping=MAPPING,
        rejected_path=os.path.join(FOLDER, "rejected-{{ run_id }}", "{{ ti.map_index }}.ndjson"),
        max_concurrency=4,  # of each task: CDF takes about 20 writes at a time, of all of them together
    ).expand_kwargs(split("{{ params.path }}", EXAMPLE))

    @task(multiple_outputs=False)  # Airflow 3.0 takes no output that is None, as rejected_path may be
    def add_up(summaries: Any) -> dict[str, Any]:
        return merge_summaries(summaries)

    @task(trigger_rule="all_done")
    def remove_example(path: str) -> None:
        if os.path.exists(path):
            os.remove(path)

    create_stream >> load >> remove_example(EXAMPLE)
    add_up(load.output)


cdf_parts_by_identity()
