"""A plant's alarms go into a stream, typed by a mapping; what makes no record is set aside with its reason.

Needs the connection ``cdf_default`` and the container ``plant/Alarm``.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import dag, task

from airflow_provider_cdf_records.assets import cdf_asset
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor

STREAM = "plant_alarms"
ALARMS = cdf_asset(STREAM, cluster="westeurope-1", project="my-project")
MAPPING = {
    "space": "plant",
    "external_id": "{tag}/{time}",
    "sources": [
        {
            "space": "plant",
            "container": "Alarm",
            "properties": {"tag": "tag", "time": "time", "severity": "severity", "text": "text"},
        }
    ],
}


@dag(
    schedule=None,
    description="Load a plant's alarms into a stream.",
    doc_md=__doc__,
    tags=["plant", "cdf"],
)
def plant_alarms() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def extract() -> list[dict[str, Any]]:
        """Return a thousand alarms, three of which have no number as severity."""
        start = datetime(2026, 3, 1, 6, tzinfo=timezone.utc)
        return [
            {
                "tag": f"pump-{number % 12 + 1:02}",
                "time": (start + timedelta(seconds=7 * number)).isoformat(),
                "severity": "high" if number in (112, 480, 731) else number % 4 + 1,
                "text": f"Temperature {80 + number % 15} degrees",
            }
            for number in range(1000)
        ]

    load = CdfRecordsUpsertOperator(
        task_id="load",
        stream_id=STREAM,
        records=extract(),
        mapping=MAPPING,
        max_rejected=10,
        rejected_path=os.path.join(os.environ["PLANT_FOLDER"], "rejected.ndjson"),
        outlets=[ALARMS],
    )
    wait_until_visible = CdfRecordsSensor(
        task_id="wait_until_visible", load=load.output, poke_interval=1, timeout=3600
    )

    @task
    def report(summary: dict[str, Any]) -> None:
        print(f"{summary['upserted']:,} alarms are there; {summary['rejected']} need a look.")

    create_stream >> load
    wait_until_visible >> report(load.output)


plant_alarms()
