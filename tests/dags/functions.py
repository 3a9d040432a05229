"""DAGs of decorated functions, which ``test_functions.py`` runs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

try:
    from airflow.sdk import dag, task, task_group
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task, task_group

from tests.sample_records import STREAM, a_record

FOLDER = Path(os.environ.get("CDF_EXAMPLE_FOLDER", "."))
TO_STREAM = {"stream_id": STREAM}


@task
def prefixes() -> list[str]:
    return ["m", "n"]


@dag(schedule=None)
def functions() -> None:
    """Every way in which a function gives rows, and in which Airflow gives it arguments."""

    @task
    def one() -> str:
        return "from-xcom"

    @task.cdf_records_upsert(**TO_STREAM)
    def yields(name: str, count: int = 2, run_id: Any = None, **context: Any) -> Iterator[dict[str, Any]]:
        assert run_id == context["dag_run"].run_id
        for number in range(count):
            yield a_record(f"{name}-{number}")

    @task.cdf_records_upsert(**TO_STREAM)
    def returns(name: str) -> list[dict[str, Any]]:
        return [a_record(name)]

    @task.cdf_records_upsert(**TO_STREAM)
    async def awaits() -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        return [a_record("awaited")]

    @task.cdf_records_upsert(**TO_STREAM)
    async def yields_async() -> AsyncIterator[dict[str, Any]]:
        for number in range(3):
            await asyncio.sleep(0)
            yield a_record(f"async-{number}")

    @task.cdf_records_upsert(
        stream_id="{{ params.stream }}", max_rejected="{{ 1 }}", params={"stream": STREAM}
    )
    def rejected() -> Iterator[dict[str, Any]]:
        yield a_record("good")
        yield a_record("bad", number="none")

    @task.cdf_records_upsert(**TO_STREAM, if_empty="skip")
    def nothing() -> None:
        return None

    @task
    def keep(summary: dict[str, Any], read: int) -> None:
        (FOLDER / "summary.json").write_text(json.dumps([summary, read]))

    summary = yields(one(), count=3)
    keep(summary, summary["read"])
    yields.override(task_id="overridden", limit=1)("{{ 'rendered' }}")
    yields.partial(count=1).expand(name=prefixes())
    returns("plain"), awaits(), yields_async(), rejected(), nothing()

    @task_group
    def group(name: str) -> None:
        returns.override(task_id="in_group")(name)

    group.expand(name=["g", "h"])


@dag(schedule=None)
def verbs() -> None:
    @task.cdf_records_ingest(stream_id="archive")
    def archive() -> Iterator[dict[str, Any]]:
        yield a_record("old")

    @task.cdf_records_upsert(**TO_STREAM)
    def live() -> Iterator[dict[str, Any]]:
        yield a_record("gone")
        yield a_record("stays")

    @task.cdf_records_delete(**TO_STREAM)
    def delete() -> Iterator[dict[str, Any]]:
        yield {"space": "plant", "externalId": "gone"}

    archive() >> live() >> delete()


@dag(schedule=None, default_args={"retries": 1, "retry_delay": timedelta(seconds=0)})
def breaks() -> None:
    """A generator that fails in the middle, once."""

    @task.cdf_records_upsert(**TO_STREAM)
    def extract(ti: Any = None) -> Iterator[dict[str, Any]]:
        for number in range(1500):
            yield a_record(f"r-{number}")
        if ti.try_number == 1:
            raise OSError("the plant is down")

    @task.cdf_records_upsert(**TO_STREAM)
    def misses(ti: Any = None, key: Any = None) -> Iterator[dict[str, Any]]:
        yield a_record("never")

    extract() >> misses(key=prefixes()["missing"])


functions(), verbs(), breaks()
