"""The task that a load is of."""

from __future__ import annotations

import os
from contextlib import suppress

from airflow_provider_cdf_records.rejected import Owner
from airflow_provider_cdf_records.version_compat import AirflowException, running_task


def folder_of_dag() -> str | None:
    """Return the folder of the file that defines the running task's DAG; ``None`` outside of a task."""
    task = running_task()
    with suppress(AttributeError, RuntimeError, AirflowException):  # a task need not be of a DAG
        return os.path.dirname(str(task.task.dag.fileloc))  # type: ignore[union-attr]
    return None


def owner_of_task() -> Owner | None:
    """Return the task that is running, by the names that all its tries share; ``None`` outside of a task."""
    task = running_task()
    if task is None:
        return None
    index = task.map_index
    suffix = f"[{index}]" if index is not None and index >= 0 else ""
    return Owner(f"{task.dag_id}/{task.task_id}{suffix}", str(task.run_id))
