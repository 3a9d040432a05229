"""Decorated functions as tasks; in a running Airflow: ``tests/dags/test_functions.py``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.decorators import cdf_records_delete, cdf_records_upsert
from airflow_provider_cdf_records.version_compat import AIRFLOW_3, AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf
from tests.operators.test_cdf_records import FakeXCom, Returns, context_with
from tests.sample_records import STREAM, a_record
from tests.waiting import SOON, wait_until

AHEAD = 2500  # rows that a load may read before the first of them is stored: batches, and chunks ahead


def task_of(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with DAG("d", schedule=None):
        return cdf_records_upsert(stream_id=STREAM, **options)(function)(*args).operator


def run(function: Callable[..., Any], **options: Any) -> tuple[Any, FakeXCom]:
    context = context_with()
    return task_of(function, **options).execute(context), context["ti"]


def test_a_generator_is_loaded_while_it_runs(cdf: LocalCdf) -> None:
    def waits_for_its_own_rows() -> Iterator[dict[str, Any]]:
        for number in range(AHEAD):
            yield a_record(f"r-{number}")
        wait_until(cdf.held)
        yield a_record("last")

    summary, _ = run(waits_for_its_own_rows)
    assert summary["upserted"] == AHEAD + 1


def test_an_asynchronous_generator_is_loaded_while_it_runs_and_what_runs_beside_it_goes_on(
    cdf: LocalCdf,
) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.001)

    async def waits_for_its_own_rows() -> AsyncIterator[dict[str, Any]]:
        beside = asyncio.create_task(beat())
        for number in range(AHEAD):
            yield a_record(f"r-{number}")
        before = beats
        while not cdf.held() or beats == before:
            await asyncio.sleep(0.01)
        yield a_record("last")
        beside.cancel()

    summary, _ = run(waits_for_its_own_rows)
    assert summary["upserted"] == AHEAD + 1


def test_an_asynchronous_generator_waits_when_it_is_far_ahead(cdf: LocalCdf) -> None:
    yielded, closed = 0, threading.Event()

    async def endless() -> AsyncIterator[dict[str, Any]]:
        nonlocal yielded
        try:
            while True:
                yielded += 1
                yield a_record(f"r-{yielded}")
        finally:
            closed.set()

    summary, _ = run(endless, limit=10)
    assert summary["upserted"] == 10
    assert closed.wait(SOON)
    assert yielded < 1000


@pytest.mark.parametrize("is_async", [False, True])
def test_what_fails_in_the_middle_fails_the_load_as_it_stands(cdf: LocalCdf, is_async: bool) -> None:
    def breaks() -> Iterator[dict[str, Any]]:
        yield from (a_record(f"r-{number}") for number in range(1500))
        raise OSError("the plant is down")

    async def breaks_async() -> AsyncIterator[dict[str, Any]]:
        for record in (a_record(f"r-{number}") for number in range(1500)):
            yield record
        raise OSError("the plant is down")

    context = context_with()
    with pytest.raises(OSError, match="the plant is down"):
        task_of(breaks_async if is_async else breaks).execute(context)
    assert context["ti"].pushed["summary"]["upserted"] == len(cdf.held()) == 1500


def test_a_generator_is_closed_when_the_load_leaves_it(cdf: LocalCdf) -> None:
    closed = threading.Event()

    def endless() -> Iterator[dict[str, Any]]:
        try:
            while True:
                yield a_record(number="none")
        finally:
            closed.set()

    with pytest.raises(AirflowFailException, match="expected int64") as failure:
        run(endless)
    assert closed.wait(SOON), failure  # which holds what the load held


@pytest.mark.parametrize("is_async", [False, True])
def test_a_kill_ends_the_load_whatever_the_function_is_doing(cdf: LocalCdf, is_async: bool) -> None:
    begun, leave = threading.Event(), threading.Event()
    ended = threading.Event()

    def blocks() -> Iterator[dict[str, Any]]:
        yield from (a_record(f"r-{number}") for number in range(1500))
        begun.set()
        leave.wait()

    async def blocks_async() -> AsyncIterator[dict[str, Any]]:
        for number in range(1500):
            yield a_record(f"r-{number}")
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = task_of(blocks_async if is_async else blocks)

    def kill() -> None:
        begun.wait()
        task.on_kill()

    threading.Thread(target=kill, daemon=True).start()
    try:
        with pytest.raises(AirflowException, match="told to stop") as failure:
            task.execute(context_with())
        assert not isinstance(failure.value, AirflowFailException)
        assert not is_async or ended.wait(SOON)
    finally:
        leave.set()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, r"give\(\) returned None; it must return or yield records"),
        ({"a": 1}, r"got dict .*; put a single record into a list, or yield it"),
        ("/data/a.csv", r"got str '/data/a.csv'; a file is loaded by an operator with path=give\(\)"),
        (7, r"give\(\) must return or yield records, or return a frame, got int 7\."),
    ],
)
def test_what_can_be_no_rows_is_a_final_error_that_names_the_function(
    cdf: LocalCdf, result: Any, message: str
) -> None:
    def give() -> Any:
        return result

    with pytest.raises(AirflowFailException, match=message):
        run(give)


def test_a_frame_and_lists_of_rows_are_loaded(cdf: LocalCdf) -> None:
    import pandas as pd

    mapping = {
        "space": "plant",
        "external_id": "{id}",
        "sources": [{"space": "plant", "container": "Alarm", "properties": {"value": "v"}}],
    }
    frame = pd.DataFrame({"id": ["a", "b"], "v": [1.0, 2.0]})

    async def frames() -> AsyncIterator[Any]:
        yield frame
        yield [{"id": "c", "v": 3.0}]

    assert run(lambda: frame, task_id="frame", mapping=mapping)[0]["upserted"] == 2
    assert run(frames, mapping=mapping)[0]["upserted"] == 3
    assert cdf.held()["c"] == {"value": 3.0}


def test_a_function_that_fails_leaves_a_summary(cdf: LocalCdf) -> None:
    def fails() -> Any:
        raise OSError("no plant")

    async def fails_async() -> Any:
        raise OSError("no plant")

    for function in (fails, fails_async):
        context = context_with()
        with pytest.raises(OSError, match="no plant"):
            task_of(function).execute(context)
        assert context["ti"].pushed["summary"]["read"] == 0


def test_arguments_make_upstream_tasks_and_errors_of_them_name_the_argument() -> None:
    def extract(since: Any) -> Any:
        return []

    with DAG("d", schedule=None):
        upstream = Returns(task_id="upstream")
        task = cdf_records_upsert(stream_id=upstream.output)(extract)(since=1).operator
        other = cdf_records_upsert(stream_id=STREAM)(extract)(upstream.output).operator
    assert task.upstream_task_ids == other.upstream_task_ids == {"upstream"}
    with pytest.raises(ValueError, match=r"^max_rejected must be "):
        task_of(extract, 1, max_rejected=object())
    with pytest.raises(TypeError, match="missing a required argument"):
        task_of(extract)


def nothing() -> list[Any]:
    return []


@pytest.mark.parametrize("name", ["records", "path", "filter"])
def test_rows_come_from_the_function_and_from_nothing_else(name: str) -> None:
    with pytest.raises(ValueError, match=f"takes no {name}, since its rows are what the function returns"):
        cdf_records_delete(stream_id=STREAM, **{name: "x"})
    with DAG("d", schedule=None), pytest.raises(ValueError, match=f"takes no {name}"):
        cdf_records_delete(stream_id=STREAM)(nothing).override(task_id="t", **{name: "x"})()


def test_literals_of_a_mapped_task_that_make_no_sense_fail_when_the_dag_is_parsed() -> None:
    with DAG("d", schedule=None), pytest.raises(ValueError, match=r"^limit must be "):
        cdf_records_upsert(stream_id=STREAM, limit=0)(nothing)


def test_without_a_stream_it_says_so() -> None:
    with pytest.raises(TypeError, match=r"@task.cdf_records_upsert needs at least a stream"):
        cdf_records_upsert(nothing)


TYPED = """
from collections.abc import AsyncIterator, Iterator
from typing import Any

from airflow_provider_cdf_records.decorators import cdf_records_ingest, cdf_records_upsert


@cdf_records_upsert(stream_id="alarms", max_rejected=0.1, if_empty="skip", retries=3)
def extract(since: str, count: int = 1) -> Iterator[dict[str, Any]]:
    yield {"since": since}


@cdf_records_ingest(stream_id="alarms")
async def listen() -> AsyncIterator[dict[str, Any]]:
    yield {}


@cdf_records_upsert(stream_id="alarms")
async def fetch() -> list[dict[str, Any]]:
    return []


summary = extract("today")
print(summary, extract.override(task_id="x").expand(since=["a"]), listen(), fetch())
"""
WRONG = """
extract(7)
cdf_records_upsert()
cdf_records_upsert(stream_id="alarms", if_empty="sometimes")
cdf_records_upsert(stream_id="alarms")(lambda: 7)
"""


@pytest.mark.skipif(not AIRFLOW_3, reason="the types are those of Airflow 3")
def test_an_editor_knows_the_types(tmp_path: Path) -> None:
    path = tmp_path / "typed.py"
    path.write_text(TYPED + WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(path)]
    found = subprocess.run(
        [*command, "--no-error-summary", "--follow-imports", "silent"],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = sorted({int(line.split(":")[1]) for line in found.stdout.splitlines() if ": error:" in line})
    first = len(TYPED.splitlines()) + 1
    assert lines == [first + number for number in range(1, 5)], found.stdout
