"""A DAG that starts when alarms change, by an asset whose watcher follows the stream. Needs Airflow 3.

``cdf_raise_alarms`` stands for the plant: every two minutes it raises a few alarms and closes others. What
``cdf_watch_stream`` does about them, it must be able to do twice: a change is told at least once.

Needs the connection ``cdf_default`` and the container ``plant_alarms/Alarm`` of ``cdf.yaml``. Read on:

* [Records that start DAGs](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/events.md)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_cdf_records.operators.cdf_records import CdfStreamCreateOperator
from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger

SPACE, CONTAINER, STREAM = "plant_alarms", "Alarm", "plant_alarms"
ALARM = {"type": "container", "space": SPACE, "externalId": CONTAINER}
SETTINGS: dict[str, Any] = {
    "doc_md": __doc__,
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {"retries": 2, "retry_delay": timedelta(seconds=10)},
    "tags": ["cdf", "example"],
}

changed = CdfRecordsChangedTrigger(stream_id=STREAM, poll_interval=10)
alarms = Asset("plant_alarms_changed", watchers=[AssetWatcher(name="changed", trigger=changed)])


@dag(schedule=timedelta(minutes=2), description="Raise alarms and close others.", **SETTINGS)
def cdf_raise_alarms() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task.cdf_records_upsert(stream_id=STREAM)
    def raise_alarms() -> Iterator[dict[str, Any]]:
        """Yield five new alarms, and the five of two minutes ago, closed."""
        round_number = int(time.time()) // 120
        for number, state in ((round_number, "open"), (round_number - 1, "closed")):
            for pump in range(5):
                properties = {
                    "state": state,
                    "text": f"Pump {pump} runs hot",
                    "raised": datetime.fromtimestamp(number * 120, timezone.utc),
                }
                yield {
                    "space": SPACE,
                    "externalId": f"pump-{pump}/{number}",
                    "sources": [{"source": ALARM, "properties": properties}],
                }

    create_stream >> raise_alarms()


@dag(schedule=[alarms], description="Handle alarms as they change.", **SETTINGS)
def cdf_watch_stream() -> None:
    @task
    def handle(triggering_asset_events: Any = None) -> None:
        """Print what has changed; a run may have several events, each of many changes."""
        for events in triggering_asset_events.values():
            for event in events:
                changes = event.extra["payload"]
                print({kind: changes[kind] for kind in ("created", "updated", "deleted")})
                for record in changes["records"]:
                    print(record["status"], record["externalId"])

    handle()


cdf_raise_alarms()
cdf_watch_stream()
