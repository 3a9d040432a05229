"""Sensors that wait in each of Airflow's modes, as Airflow has them wait."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cdf_records.hooks import base as hook_module
from airflow_provider_cdf_records.hooks.lookup import ConnectionLookupError
from airflow_provider_cdf_records.version_compat import AIRFLOW_3

MODES = (
    ("poke", "reschedule", "deferred") if AIRFLOW_3 else ("poke", "deferred")
)  # the third needs a database
in_each_mode = pytest.mark.parametrize("mode", MODES)

EXCEPTIONS = import_module(TaskDeferred.__module__)  # Airflow's, of which common.compat has not all


def wait(sensor: Callable[..., Any], mode: str, **arguments: Any) -> Any:
    """Return what a sensor's wait ends with, or raise what it fails with.

    :param sensor: makes it, of arguments.
    """
    if mode == "deferred":
        try:
            return run(sensor(**arguments, deferrable=True))
        except EXCEPTIONS.TaskDeferred as first:
            deferral = first
        while True:
            event = asyncio.run(event_of(built_anew(deferral.trigger)))
            resumed = sensor(**arguments, deferrable=True)  # in another process
            try:
                return resumed.resume_execution(deferral.method_name, {**deferral.kwargs, "event": event}, {})
            except EXCEPTIONS.TaskDeferred as again:
                deferral = again
    if mode == "poke":
        return run(sensor(**arguments))
    started = datetime.now(timezone.utc)
    task = SimpleNamespace(get_first_reschedule_date=lambda _: started)
    while True:
        try:
            return run(sensor(**arguments, mode="reschedule"), ti=task)
        except EXCEPTIONS.AirflowRescheduleException as again:
            time.sleep(max((again.reschedule_date - datetime.now(timezone.utc)).total_seconds(), 0))


def run(sensor: Any, **context: Any) -> Any:
    """Call what Airflow calls for a task."""
    sensor.pre_execute(context)
    return sensor.execute(context)


def deferral_of(sensor: Any) -> Any:
    """Return how a sensor defers, after it has looked once."""
    with pytest.raises(EXCEPTIONS.TaskDeferred) as caught:
        run(sensor)
    return caught.value


def built_anew(trigger: Any) -> Any:
    """Return the trigger that the triggerer makes of what is kept of one in the database."""
    path, arguments = trigger.serialize()
    kept = json.loads(json.dumps(arguments, allow_nan=False))
    assert kept == arguments, "plain JSON only"
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**kept)


async def event_of(trigger: Any) -> Any:
    """Return the one event of a trigger, as the database keeps it."""
    events = [event.payload async for event in trigger.run()]
    await trigger.cleanup()
    (event,) = events
    return json.loads(json.dumps(event))


def lose_connection_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the connection be found only when it is looked up for the third time."""
    find, failures = hook_module.find_connection, iter([1, 2])

    def fail_at_first(*arguments: Any) -> Any:
        for _ in failures:
            msg = "cannot be looked up now"
            raise ConnectionLookupError(msg, retryable=True)
        return find(*arguments)

    monkeypatch.setattr(hook_module, "find_connection", fail_at_first)
