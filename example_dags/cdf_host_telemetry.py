"""Every minute, a function yields readings of the machine that runs the task, and they go into a stream.

Needs the connection ``cdf_default`` and the container ``host_telemetry/HostReading`` of ``cdf.yaml``.
Read on:

* [Load records](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/load-records.md)
* [Wait for records](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/waiting.md)
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import psutil

try:
    from airflow.sdk import dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.operators.python import get_current_context

from airflow_provider_cdf_records.assets import cdf_asset
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import CdfStreamCreateOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor

SPACE, CONTAINER, STREAM = "host_telemetry", "HostReading", "host_telemetry"
READING = {"type": "container", "space": SPACE, "externalId": CONTAINER}
# The cluster and the project of your connection. Other DAGs can start by this asset: schedule=[READINGS].
READINGS = cdf_asset(STREAM, cluster="westeurope-1", project="my-project")
THIS_RUN = {"equals": {"property": [SPACE, CONTAINER, "run"], "value": "{{ run_id }}"}}


@dag(
    description="Load what a function yields, wait until it can be read, and print it.",
    doc_md=__doc__,
    schedule=timedelta(minutes=1),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["cdf", "example"],
)
def cdf_host_telemetry() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task.cdf_records_upsert(stream_id=STREAM, outlets=[READINGS])
    def load() -> Iterator[dict[str, Any]]:
        """Read CPU, memory, disks and network, and yield the readings as records."""
        now = datetime.now(timezone.utc)
        host, run_id = socket.gethostname(), get_current_context()["run_id"]
        readings = [
            ("cpu.busy", f"cpu{n}", busy, "%") for n, busy in enumerate(psutil.cpu_percent(1, percpu=True))
        ]
        memory = psutil.virtual_memory()
        readings += [("memory.used", "", memory.used, "B"), ("memory.available", "", memory.available, "B")]
        for disk in psutil.disk_partitions():
            readings.append(("disk.used", disk.mountpoint, psutil.disk_usage(disk.mountpoint).used, "B"))
        for interface, counters in psutil.net_io_counters(pernic=True).items():
            readings.append(("network.sent", interface, counters.bytes_sent, "B"))
            readings.append(("network.received", interface, counters.bytes_recv, "B"))
        for metric, device, value, unit in readings:
            properties = {
                "host": host,
                "metric": metric,
                "device": device,
                "value": float(value),
                "unit": unit,
                "time": now,
                "run": run_id,
            }
            yield {
                "space": SPACE,
                "externalId": f"{host}/{metric}/{device}/{now:%Y%m%dT%H%M%S}",
                "sources": [{"source": READING, "properties": properties}],
            }

    loaded = load()
    wait_until_visible = CdfRecordsSensor(
        task_id="wait_until_visible", load=loaded, deferrable=True, poke_interval=2, timeout=120
    )

    @task
    def show() -> None:
        """Print what this run stored."""
        mine = {"equals": THIS_RUN["equals"] | {"value": get_current_context()["run_id"]}}
        with CdfRecordsHook().get_conn() as cdf:
            records = cdf.filter_records(STREAM, filter=mine, limit=1000)
        print(f"{'metric':<18}{'device':<28}{'value':>18} unit")
        for record in sorted(records, key=lambda record: record["externalId"]):
            reading = record["properties"][SPACE][CONTAINER]
            print(
                f"{reading['metric']:<18}{reading['device']:<28}{reading['value']:>18,.1f} {reading['unit']}"
            )

    create_stream >> loaded >> wait_until_visible >> show()


cdf_host_telemetry()
