"""The DAGs of ``test_in_airflow.py``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow import DAG

from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
from airflow_provider_cdf_records.version_compat import BaseOperator

OFTEN: dict[str, Any] = {"deferrable": True, "poke_interval": 0.5, "timeout": 600.0}


class Give(BaseOperator):
    """Returns a value."""

    template_fields = ("value",)

    def __init__(self, *, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value

    def execute(self, context: Any) -> Any:
        return self.value


with DAG("waiting", schedule=None):
    count = Give(task_id="count", value=2)
    text = {"equals": {"property": ["plant", "Alarm", "text"], "value": "{{ run_id }}"}}
    CdfRecordsSensor(
        task_id="records", stream_id="alarms", filter=text, min_count=count.output, **OFTEN
    ) >> Give(task_id="after", value="{{ ti.xcom_pull('records') }}")
    CdfStreamSensor.partial(task_id="streams", **OFTEN).expand(stream_id=["later_1", "later_2"])
    CdfRecordsSensor(
        task_id="since",
        stream_id="alarms",
        last_updated_time={"gte": "{{ macros.datetime(2026, 1, 1) }}"},
        filter=text,
        mode="reschedule",
        exponential_backoff=True,
        max_wait=1,
        **OFTEN,
    )

with DAG("working", schedule=None):
    Give(task_id="work", value="done")

with DAG("failing", schedule=None):
    short: dict[str, Any] = {**OFTEN, "timeout": 3.0, "retries": 3, "retry_delay": timedelta(0)}
    CdfStreamSensor(task_id="late", stream_id="never", **short)
    CdfStreamSensor(task_id="late_soft", stream_id="never", soft_fail=True, **short)
    CdfStreamSensor(task_id="wrong", stream_id="becomes_live", stream_type="Immutable", **OFTEN)
    CdfStreamSensor(task_id="refused", stream_id="never", cdf_conn_id="cdf_refusing", retries=3, **OFTEN)
    CdfStreamSensor(
        task_id="refused_soft", stream_id="never", cdf_conn_id="cdf_refusing", soft_fail=True, **OFTEN
    )
