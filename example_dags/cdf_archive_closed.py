"""Closed alarms move from a live stream to an archive, and are deleted only where the archive holds them.

A run finds what is closed in the live stream, whatever the runs before did: what failed is done by the next
run, and the archive may hold a record twice then, but always once. An alarm that changes before it is
deleted stays; it is archived again once it is settled. CDF cannot delete on a condition: a change in the
seconds between the last look and the deletion would be lost, so an alarm is settled only when nobody has
changed it for an hour.

Needs the connection ``cdf_default`` and the container ``plant_alarms/Alarm`` of ``cdf.yaml``. Read on:

* [Archive records](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/archive.md)
* [Delete records](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/delete.md)
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook, as_record
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsIngestOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor

SPACE, CONTAINER = "plant_alarms", "Alarm"
LIVE, ARCHIVE = "plant_alarms", "plant_alarms_archive"
CLOSED = {"equals": {"property": [SPACE, CONTAINER, "state"], "value": "closed"}}
ALARM = {"type": "container", "space": SPACE, "externalId": CONTAINER}
SOURCES = [{"source": ALARM, "properties": ["*"]}]
MOST = 100_000  # alarms a run
HOUR_MS = 3_600_000
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())


def by_identity(items: Iterable[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return records by space and external id, of which an immutable stream may hold several."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in items:
        found.setdefault((item["space"], item["externalId"]), []).append(as_record(item))
    return found


@dag(
    description="Move closed alarms from a live stream to an archive, and delete them when it holds them.",
    doc_md=__doc__,
    schedule=timedelta(hours=1),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    params={"settled_minutes": 60},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["cdf", "example"],
)
def cdf_archive_closed() -> None:
    create_live = CdfStreamCreateOperator(task_id="create_live", stream_id=LIVE, template="BasicLiveData")
    create_archive = CdfStreamCreateOperator(
        task_id="create_archive", stream_id=ARCHIVE, template="BasicArchive"
    )

    @task
    def find_closed(run: str, settled_minutes: str) -> str:
        """Write the settled alarms to a file, as they are now."""
        now, path = round(time.time() * 1000), os.path.join(FOLDER, f"closed-{run}.ndjson")
        settled = {"lte": now - int(settled_minutes) * 60_000}
        closed = CdfRecordsHook().query_records(
            LIVE, filter=CLOSED, sources=SOURCES, last_updated_time=settled
        )
        with open(path, "w", encoding="utf-8") as file:
            for item in islice(closed, MOST):
                print(json.dumps(as_record(item)), file=file)
        return path

    found = find_closed("{{ run_id }}", "{{ params.settled_minutes }}")
    ingest = CdfRecordsIngestOperator(task_id="ingest", stream_id=ARCHIVE, path=found, if_empty="skip")
    wait_until_visible = CdfRecordsSensor(
        task_id="wait_until_visible", load=ingest.output, poke_interval=5, timeout=1200
    )

    @task
    def delete_archived(path: str) -> None:
        """Delete the alarms that the archive holds as they are in the file, and that are still so."""
        hook = CdfRecordsHook()
        with open(path, encoding="utf-8") as file:
            written = [json.loads(line) for line in file]
        # A copy is younger than its alarm, also one of a run before: the archive keeps no second one.
        since = min(one["lastUpdatedTime"] for one in written) - HOUR_MS  # for the clocks of others
        archived = by_identity(hook.query_records(ARCHIVE, sources=SOURCES, last_updated_time={"gte": since}))
        live = by_identity(hook.query_records(LIVE, filter=CLOSED))
        verified, unchanged = [], []
        for one in written:
            identity = one["space"], one["externalId"]
            if any(copy["sources"] == one["sources"] for copy in archived.get(identity, ())):
                verified.append(one)
                if any(now["lastUpdatedTime"] == one["lastUpdatedTime"] for now in live.get(identity, ())):
                    unchanged.append(one)
        hook.delete_records(LIVE, unchanged)
        if missing := len(written) - len(verified):
            raise RuntimeError(f"The archive does not show {missing} of {len(written)} alarms yet.")

    @task(trigger_rule="none_failed")
    def remove_file(path: str) -> None:
        os.remove(path)

    [create_live, create_archive] >> found
    (ingest >> wait_until_visible >> delete_archived(found) >> remove_file(found))


cdf_archive_closed()
