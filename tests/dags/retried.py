"""Tasks with a retry policy; a retry after the task's own delay would come too late for the test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.retry_policies.cdf_records import CdfRetryPolicy
from airflow_provider_cdf_records.version_compat import keeps_state_between_runs
from tests.sample_records import STREAM, a_record

RETRIES: dict[str, Any] = {"retries": 5, "retry_delay": timedelta(days=1)}
if keeps_state_between_runs():
    RETRIES["retry_policy"] = CdfRetryPolicy()


@dag(schedule=None)
def throttled() -> None:
    CdfRecordsUpsertOperator(
        task_id="load", stream_id=STREAM, records=[a_record("x")], check_schema=False, **RETRIES
    )


@dag(schedule=None)
def final() -> None:
    @task(**RETRIES)
    def own() -> None:
        with CdfRecordsHook().get_conn() as cdf:
            cdf.get("/streams/missing")

    own()


throttled(), final()
