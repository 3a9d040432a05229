"""A CSV file as other systems write it, and the mapping that makes typed records of its rows.

Needs the connection ``cdf_default`` and the container ``host_network/Interface`` of ``cdf.yaml``. Read on:

* [Load files](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/load-files.md)
* [Map rows to records](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/map.md)
"""

from __future__ import annotations

import csv
import os
import socket
import tempfile
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import psutil

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.assets import cdf_asset
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)

SPACE, CONTAINER, STREAM = "host_network", "Interface", "host_network"
# The cluster and the project of your connection. Other DAGs can start by this asset: schedule=[INTERFACES].
INTERFACES = cdf_asset(STREAM, cluster="westeurope-1", project="my-project")
# On one machine a folder will do; several workers share a bucket instead, such as s3://aws_default@my-bucket/cdf.
FOLDER = os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir())
MAPPING = {
    "space": SPACE,
    "external_id": "{Host}/{Interface}/{Time}",  # a format string over the columns
    "sources": [
        {
            "space": SPACE,
            "container": CONTAINER,
            "properties": {  # property: column; values become what the container's property is
                "host": "Host",
                "name": "Interface",
                "up": "Up",  # yes and no
                "mtu": "MTU",
                "received": "Bytes received",
                "addresses": {"column": "Addresses", "delimiter": " "},
                "label": {"format": "{Interface} of {Host}"},
                "origin": {"value": "psutil"},
                "time": {"column": "Time", "time_zone": "Europe/Oslo"},  # which the file does not say
            },
        }
    ],
}


@dag(
    description="Load a CSV file as other systems write it, by a mapping.",
    doc_md=__doc__,
    schedule=timedelta(hours=1),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["cdf", "example"],
)
def cdf_csv_with_mapping() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def write_file(run: str) -> str:
        """Write a row for each network interface of this machine, and return the file's path."""
        now = datetime.now(ZoneInfo("Europe/Oslo")).strftime("%Y-%m-%d %H:%M:%S")
        path = os.path.join(FOLDER, f"interfaces-{run}.csv")
        states, addresses = psutil.net_if_stats(), psutil.net_if_addrs()
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["Host", "Interface", "Up", "MTU", "Bytes received", "Addresses", "Time"])
            for name, counters in psutil.net_io_counters(pernic=True).items():
                writer.writerow(
                    [
                        socket.gethostname(),
                        name,
                        "yes" if name in states and states[name].isup else "no",
                        states[name].mtu if name in states else "n/a",
                        counters.bytes_recv,
                        " ".join(address.address for address in addresses.get(name, ())),
                        now,
                    ]
                )
        return path

    path = write_file("{{ run_id }}")
    load = CdfRecordsUpsertOperator(
        task_id="load",
        stream_id=STREAM,
        path=path,
        file_options={"delimiter": ";", "null_values": ["", "n/a"]},
        mapping=MAPPING,
        rejected_path=f"{path}.rejected",
        outlets=[INTERFACES],
    )

    @task(trigger_rule="all_done")
    def remove_file(path: str) -> None:
        os.remove(path)

    create_stream >> load >> remove_file(path)


cdf_csv_with_mapping()
