"""The task that a load is of."""

from __future__ import annotations

from airflow_provider_cdf_records.rejected import Owner
from airflow_provider_cdf_records.version_compat import running_task


def owner_of_task() -> Owner | None:
    """Return the task that is running, by the names that all its tries share; ``None`` outside of a task."""
    task = running_task()
    if task is None:
        return None
    index = task.map_index
    suffix = f"[{index}]" if index is not None and index >= 0 else ""
    return Owner(f"{task.dag_id}/{task.task_id}{suffix}", str(task.run_id))
