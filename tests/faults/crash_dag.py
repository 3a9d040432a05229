"""The DAG of the crash test: one load, which tells its process id and its parent's."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow import DAG

from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator

FOLDER = Path(os.environ.get("CDF_CRASH_FOLDER", "."))


class Load(CdfRecordsUpsertOperator):
    """Keeps each mark, so that a short load has some."""

    def execute(self, context: Any) -> dict[str, Any]:
        from airflow_provider_cdf_records.load import checkpoint

        checkpoint.INTERVAL = 0
        (FOLDER / f"{context['run_id']}.pid").write_text(f"{os.getpid()} {os.getppid()}")
        return super().execute(context)


with DAG("crash", schedule=None):
    Load(
        task_id="load",
        stream_id="{{ run_id }}",
        path=str(FOLDER / "{{ run_id }}.ndjson"),
        rejected_path=str(FOLDER / "{{ run_id }}.rejected"),
        max_rejected=50,
        max_concurrency=2,
        retries=5,
        retry_delay=timedelta(seconds=0),
    )
