"""The rows of a SQL query become records, with nothing in between.

Needs the connection ``cdf_default`` and the container ``host_usage/ProcessUsage`` of ``cdf.yaml``. Read on:

* [Load the rows of a query](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/load-sql.md)
* [Databases](https://github.com/OWNER/airflow-provider-cdf-records/blob/main/docs/databases.md)
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import tempfile
from datetime import datetime, timedelta, timezone

import psutil

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.operators.cdf_records import CdfStreamCreateOperator
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator

SPACE, CONTAINER, STREAM = "host_usage", "ProcessUsage", "host_usage"
# A real project keeps its connection in Airflow, to a PostgreSQL or whatever it has. This file makes its own.
DATABASE = os.path.join(os.environ.get("CDF_EXAMPLE_FOLDER", tempfile.gettempdir()), "host_usage.sqlite")
os.environ.setdefault("AIRFLOW_CONN_CDF_EXAMPLE", json.dumps({"conn_type": "sqlite", "host": DATABASE}))


@dag(
    description="Load the rows of a SQL query.",
    doc_md=__doc__,
    schedule=timedelta(hours=1),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["cdf", "example"],
)
def cdf_sql_to_stream() -> None:
    create_stream = CdfStreamCreateOperator(
        task_id="create_stream", stream_id=STREAM, template="BasicLiveData"
    )

    @task
    def fill_table(run: str) -> None:
        """Add a row for each process of this machine to a table."""
        host, now = socket.gethostname(), datetime.now(timezone.utc).isoformat()
        rows = [
            (
                run,
                host,
                found["pid"],
                found["name"],
                sum(found["cpu_times"][:2]),
                found["memory_info"].rss,
                now,
            )
            for found in (
                process.info for process in psutil.process_iter(["pid", "name", "cpu_times", "memory_info"])
            )
            if found["cpu_times"] and found["memory_info"]
        ]
        with sqlite3.connect(DATABASE) as database:
            database.execute("CREATE TABLE IF NOT EXISTS usage (run, host, pid, name, cpu, memory, time)")
            database.execute("DELETE FROM usage WHERE run = ?", [run])
            database.executemany("INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.close()

    load = CdfRecordsFromSqlOperator(
        task_id="load",
        stream_id=STREAM,
        conn_id="cdf_example",
        sql="""
            SELECT host, pid, name, cpu AS cpu_seconds, memory, memory > 100000000 AS is_large, time
            FROM usage WHERE run = ? ORDER BY time
        """,
        parameters=["{{ run_id }}"],
        mapping={
            "space": SPACE,
            "external_id": "{host}/{pid}/{time}",
            "sources": [
                {
                    "space": SPACE,
                    "container": CONTAINER,
                    "properties": {
                        "host": "host",
                        "process": "name",
                        "cpu_seconds": "cpu_seconds",
                        "memory": "memory",
                        "is_large": "is_large",
                        "time": "time",
                    },
                }
            ],
        },
    )

    create_stream >> fill_table("{{ run_id }}") >> load


cdf_sql_to_stream()
