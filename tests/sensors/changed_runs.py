"""Runs of a DAG with one task, a sensor of changes, without an Airflow that runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow import DAG
from airflow.exceptions import TaskDeferred

from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsChangedSensor
from airflow_provider_cdf_records.version_compat import keeps_state_between_runs
from tests.current_task import current_task
from tests.sample_records import CONTAINER, SPACE, STREAM
from tests.state_store import Memory

KEY = "cdf_records_cursor"
SOURCES = [
    {"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]},
]


class Killed(BaseException):
    """The process of a task is killed."""


class ForAnyAsset(dict[Any, Any]):
    """The state stores of a task's assets, which is one."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getitem__(self, asset: Any) -> Any:
        return self._store


class Runs:
    """The runs, in the order of their logical dates, and what outlives them.

    :ivar store: of the asset; before Airflow 3.3 there is none.
    :ivar outputs: what each run has returned.
    :ivar before_push: called before an XCom is pushed.
    """

    def __init__(self, **arguments: Any) -> None:
        self.arguments: dict[str, Any] = {"stream_id": STREAM, "sources": SOURCES, **arguments}
        self.store = Memory()
        self.tries: dict[str, Memory] = {}
        self.order: list[str] = []
        self.xcoms: dict[str, dict[str, Any]] = {}
        self.outputs: dict[str, dict[str, Any]] = {}
        self.before_push: Callable[[], None] = lambda: None

    def sensor(self, **arguments: Any) -> CdfRecordsChangedSensor:
        with DAG("plant", schedule=None):
            return CdfRecordsChangedSensor(task_id="changed", **{**self.arguments, **arguments})

    def context(self, run_id: str, *, map_index: int = -1) -> dict[str, Any]:
        def push(key: str, value: Any) -> None:
            self.before_push()
            self.xcoms[run_id][key] = json.loads(json.dumps(value))

        def pull(*, task_ids: str, key: str, include_prior_dates: bool, map_indexes: int) -> Any:
            so_far = self.order[: self.order.index(run_id) + 1]
            found = [self.xcoms[run][key] for run in so_far if key in self.xcoms[run]]
            return found[-1] if found else None

        task = SimpleNamespace(
            dag_id="plant",
            task_id="changed",
            run_id=run_id,
            map_index=map_index,
            try_number=1,
            xcom_push=push,
            xcom_pull=pull,
        )
        context: dict[str, Any] = {"ti": task, "run_id": run_id}
        if keeps_state_between_runs():
            context["asset_state_store"] = ForAnyAsset(self.store)
            context["task_state_store"] = self.tries.setdefault(run_id, Memory())
        return context

    def run(self, run_id: str, *, map_index: int = -1, **arguments: Any) -> dict[str, Any] | None:
        """Run a try of a run, or clear it and run it; ``None`` when nothing has changed."""
        if run_id not in self.order:
            self.order.append(run_id)
        self.xcoms[run_id] = {}  # as Airflow does before a try
        context = self.context(run_id, map_index=map_index)
        with current_task(**context):
            found: Any = self.sensor(deferrable=False, **arguments).poke(context)
        if not found:
            return None
        changes: dict[str, Any] = json.loads(json.dumps(found.xcom_value))
        self.outputs[run_id] = changes
        return changes

    def defer(self, run_id: str, **arguments: Any) -> Any:
        """Run a try of a run that finds nothing, and return the trigger that waits for it."""
        self.order.append(run_id)
        self.xcoms[run_id] = {}
        context = self.context(run_id)
        sensor = self.sensor(deferrable=True, poke_interval=0.01, **arguments)
        with current_task(**context), pytest.raises(TaskDeferred) as deferred:
            sensor.pre_execute(context)
            sensor.execute(context)
        assert deferred.value.method_name == "execute_complete"
        return deferred.value.trigger

    def resume(self, run_id: str, event: Any, **arguments: Any) -> dict[str, Any]:
        """Go on after the deferral, as another process does."""
        context = self.context(run_id)
        sensor = self.sensor(deferrable=True, **arguments)
        with current_task(**context):
            changes: dict[str, Any] = sensor.resume_execution("execute_complete", {"event": event}, context)
        self.outputs[run_id] = changes
        return changes

    @property
    def kept(self) -> Any:
        """What is kept for the next run."""
        if keeps_state_between_runs():
            return self.store.get(KEY)
        found = [self.xcoms[run][KEY] for run in self.order if KEY in self.xcoms[run]]
        return found[-1] if found else None


def ids(changes: dict[str, Any] | None) -> list[str]:
    """Return the external ids of the records that were created or updated."""
    assert changes is not None
    return [record["externalId"] for record in changes["records"]]


def deleted(changes: dict[str, Any] | None) -> list[str]:
    assert changes is not None
    return [record["externalId"] for record in changes["deleted_records"]]
