"""An asset of a task's own, with which Airflow keeps state from one run to the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow_provider_cdf_records.version_compat import asset, keeps_state_between_runs


def asset_of_task(task: Any, group: str) -> Any | None:
    """Return an asset ``<group>/<dag_id>/<task_id>`` of a task.

    It becomes an inlet, so that Airflow knows it; that causes no event when the task ends. ``None`` for a
    task without a DAG, and where Airflow keeps no state of assets.
    """
    if not keeps_state_between_runs() or task.get_dag() is None:
        return None
    kept_with = asset(quote(f"{group}/{task.dag_id}/{task.task_id}"), group=group)
    task.inlets.append(kept_with)
    return kept_with


def store_of(context: Any, kept_with: Any | None) -> Any | None:
    """Return where the state of an asset is kept; ``None`` where Airflow has no such place."""
    stores = context.get("asset_state_store")
    return None if stores is None or kept_with is None else stores[kept_with]
