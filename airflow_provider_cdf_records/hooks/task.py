"""The task that a load is of."""

from __future__ import annotations

import inspect
import os
from contextlib import suppress

from airflow_provider_cdf_records.rejected import Owner
from airflow_provider_cdf_records.version_compat import AirflowException, running_task


def folders_of_dag() -> list[str]:
    """Return the folders of the files that make the running task; none outside of a task.

    The first is that of the DAG's file; then come those of the code that calls the operator, and of the
    task's function.
    """
    task = running_task()
    if task is None:
        return []
    folders = []
    with suppress(AttributeError, RuntimeError, AirflowException):  # a task need not be of a DAG
        folders.append(os.path.dirname(str(task.task.dag.fileloc)))
    folders += getattr(task.task, "folders_of_callers", [])  # of an operator of ours
    function = getattr(task.task, "python_callable", None)
    if callable(function) and (code := getattr(inspect.unwrap(function), "__code__", None)) is not None:
        folders.append(os.path.dirname(os.path.abspath(code.co_filename)))
    return list(dict.fromkeys(folders))


def owner_of_task() -> Owner | None:
    """Return the task that is running, by the names that all its tries share; ``None`` outside of a task."""
    task = running_task()
    if task is None:
        return None
    index = task.map_index
    suffix = f"[{index}]" if index is not None and index >= 0 else ""
    return Owner(f"{task.dag_id}/{task.task_id}{suffix}", str(task.run_id))
