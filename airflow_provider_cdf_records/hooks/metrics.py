"""Hands the numbers of a load to Airflow's metrics. ``docs/metrics.md`` lists their names."""

from __future__ import annotations

import logging
from datetime import timedelta
from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.load.measures import Measures
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.version_compat import running_task

log = logging.getLogger(__name__)

PREFIX = "cdf_records"
MODULES = ("airflow.sdk.observability.stats", "airflow.stats")  # the second before Airflow 3.2


def report(verb: Verb[Any], stream_id: object, ended: str, measures: Measures) -> None:
    """Report one try of a load. Whatever becomes of that, the load ends as it ends.

    :param ended: how: ``"succeeded"``, ``"skipped"`` or ``"failed"``.
    :param measures: of the try.
    """
    try:
        _report(_stats(), verb, ended, measures, _tags(verb, str(stream_id)))
    except Exception as error:
        log.warning("The metrics of the load could not be reported: %s", error)


def _report(stats: Any, verb: Verb[Any], ended: str, measures: Measures, tags: dict[str, str]) -> None:
    counters: dict[str, float] = {
        f"loads.{ended}": 1,
        "rows.read": measures.read,
        f"rows.{verb.done}": measures.accepted,
        "rows.superseded": measures.superseded,
        "rows.rejected": sum(measures.rejected.values()),
        "requests": measures.requests,
        "retries": measures.retries,
        "bytes_sent": measures.bytes_sent,
        "throttled_seconds": round(measures.throttled_seconds, 3),
    }
    for reason, count in measures.rejected.items():
        counters[f"rows.rejected.{reason}"] = count
    for name, value in counters.items():
        if value:
            stats.incr(f"{PREFIX}.{name}", value, tags=tags)
    stats.timing(f"{PREFIX}.duration", timedelta(seconds=measures.seconds), tags=tags)


def _tags(verb: Verb[Any], stream_id: str) -> dict[str, str]:
    tags = {"verb": verb.name, "stream_id": stream_id}
    task = running_task()
    if task is not None:
        tags |= {"dag_id": task.dag_id, "task_id": task.task_id}
    return tags


def _stats() -> Any:
    for module in MODULES:
        try:
            return import_module(module).Stats
        except (ImportError, AttributeError):
            continue
    msg = "this Airflow has no Stats"
    raise ImportError(msg)
