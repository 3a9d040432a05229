"""A DAG of the crash test: one load of a query, which goes on from the run before."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow import DAG

from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from tests.sample_records import CONTAINER, SPACE

FOLDER = Path(os.environ.get("CDF_CRASH_FOLDER", "."))


class Load(CdfRecordsFromSqlOperator):
    """Keeps each mark, so that a short load has some."""

    def execute(self, context: Any) -> dict[str, Any]:
        from airflow_provider_cdf_records.load import checkpoint

        checkpoint.INTERVAL = 0
        (FOLDER / f"{context['run_id']}.pid").write_text(str(os.getpid()))
        return super().execute(context)


with DAG("crash_sql", schedule=None):
    Load(
        task_id="load",
        stream_id="from_sql",
        conn_id="lite",
        sql="SELECT id, number FROM reading WHERE number >= :watermark ORDER BY number",
        mapping={
            "space": SPACE,
            "external_id": "{id}",
            "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
        },
        watermark="number",
        initial_watermark=0,
        spool=str(FOLDER / "spool"),
        max_concurrency=2,
        retries=5,
        retry_delay=timedelta(seconds=0),
    )
