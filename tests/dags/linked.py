"""Tasks whose CDF project has a page in Cognite's web application, and cannot be reached."""

from __future__ import annotations

from datetime import timedelta

try:
    from airflow.sdk import dag
except ImportError:  # Airflow 2
    from airflow.decorators import dag

from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfStreamSensor
from tests.sample_records import STREAM, a_record


@dag(schedule=None)
def linked() -> None:
    given = {"stream_id": STREAM, "cdf_conn_id": "cdf_away"}
    CdfRecordsUpsertOperator.partial(task_id="load", **given).expand(records=[[a_record("x")]])
    CdfStreamSensor(task_id="wait", timeout=timedelta(seconds=0), **given)


linked()
