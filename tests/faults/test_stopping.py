"""A load that is told to stop ends within seconds, and leaves what the next try needs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.pipeline import batches
from airflow_provider_cdf_records.pipeline.sources import lines
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.faults.test_faults import Memory
from tests.records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

STOPS_WITHIN = 5.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Accepts three batches of ten and then hangs."""
    monkeypatch.setattr(batches, "MAX_RECORDS", 10)
    monkeypatch.setattr(lines, "ROWS_AT_ONCE", 10)
    released = threading.Event()
    with ScriptedServer() as server:
        hang = Answer(before=lambda: released.wait(60))
        server.answer("/upsert", Answer(), Answer(), Answer(), hang)
        server.answer(f"/streams/{STREAM}", Answer(body={"externalId": STREAM, "type": "Mutable"}))
        server.answer("/containers/byids", Answer(403))
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": {"token": "ready"}}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        yield server
        released.set()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.ndjson"
    rows = [json.dumps(a_record(str(n), number=n)) for n in range(200)]
    rows[5] = '{"not": "a record"}'
    path.write_text("\n".join(rows))
    return path


def when_it_hangs(server: ScriptedServer, act: Callable[[], None]) -> None:
    def wait_and_act() -> None:
        while len(server.asked_for("/upsert")) < 4:
            time.sleep(0.01)
        act()

    threading.Thread(target=wait_and_act, daemon=True).start()


def check_what_is_left(store: Memory, rejected: Path) -> None:
    mark = store.kept["cdf_records_upsert"]["mark"]
    assert (mark["position"], mark["rejected"]) == (30, 1)
    assert json.loads(rejected.read_text())["position"] == 6


def test_on_kill_ends_the_load(server: ScriptedServer, source: Path, tmp_path: Path) -> None:
    store, rejected = Memory(), tmp_path / "rejected.ndjson"
    operator = CdfRecordsUpsertOperator(
        task_id="load",
        stream_id=STREAM,
        path=str(source),
        rejected_path=str(rejected),
        max_rejected=1,
        max_concurrency=1,
    )
    when_it_hangs(server, operator.on_kill)
    started = time.monotonic()
    with pytest.raises(AirflowException, match=r"told to stop.*Upserted 30 of") as failure:
        operator.execute({"task_state_store": store})
    assert time.monotonic() - started < STOPS_WITHIN
    assert not isinstance(failure.value, AirflowFailException)
    check_what_is_left(store, rejected)


class TimedOut(BaseException):
    """Like what Airflow raises when ``execution_timeout`` has passed: no ``Exception``."""


def test_a_timeout_ends_the_load(server: ScriptedServer, source: Path, tmp_path: Path) -> None:
    store, rejected = Memory(), tmp_path / "rejected.ndjson"

    def time_out(*_: Any) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, time_out)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1)
        started = time.monotonic()
        with pytest.raises(TimedOut):
            CdfRecordsHook(max_concurrency=1).upsert_file(
                STREAM, source, max_rejected=1, rejected_path=rejected, state_store=store
            )
        assert time.monotonic() - started < 1 + STOPS_WITHIN
    finally:
        signal.signal(signal.SIGALRM, before)
    check_what_is_left(store, rejected)


def test_a_sender_that_hangs_does_not_hold_up_the_end_of_the_process(
    server: ScriptedServer, source: Path
) -> None:
    server.answer("/upsert", Answer(before=lambda: time.sleep(30)))
    code = f"""
import os, signal, threading
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
hook = CdfRecordsHook(max_concurrency=1)
signal.signal(signal.SIGTERM, lambda *_: hook.on_kill())
threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
hook.upsert_file({STREAM!r}, {str(source)!r}, max_rejected=1)
"""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert "told to stop" in done.stderr
    assert time.monotonic() - started < 15  # of which Airflow's own imports take the most


def test_a_look_that_hangs_does_not_hold_up_the_end(server: ScriptedServer, source: Path) -> None:
    released = threading.Event()
    server.answer("/inspect", Answer(before=lambda: released.wait(60)))
    operator = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, path=str(source))
    threading.Timer(0.5, operator.on_kill).start()
    started = time.monotonic()
    try:
        with pytest.raises(AirflowException, match="told to stop"):
            operator.execute({})
        assert time.monotonic() - started < STOPS_WITHIN
    finally:
        released.set()
    assert not server.asked_for("/upsert")
