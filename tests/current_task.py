"""A task that Airflow says is running, without an Airflow that runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from airflow_provider_cdf_records.version_compat import AIRFLOW_3


@contextmanager
def current_task(
    run_id: str = "run", *, task_id: str = "load", map_index: int = -1, **context: Any
) -> Iterator[Any]:
    """Run what is inside as a task of the DAG ``plant``, with that context."""
    module = "airflow.sdk.execution_time.context" if AIRFLOW_3 else "airflow.models.taskinstance"
    task = SimpleNamespace(
        dag_id="plant",
        task_id=task_id,
        run_id=run_id,
        map_index=map_index,
        try_number=1,
        xcom_push=lambda *_: None,
    )
    given = {"ti": task, "run_id": run_id, **context}
    with import_module(module).set_current_context(given):
        yield given
