"""A load that is told to stop ends within seconds, and leaves what the next try needs."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches, checkpoint, in_flight
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.sources import FileSource, RecordsSource, read_ahead
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.state_store import Memory
from tests.waiting import PATIENCE, SOON, wait_until

FOR_EVER = 2 * PATIENCE


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Accepts three batches of ten and then hangs, for longer than any test may take."""
    monkeypatch.setattr(batches, "MAX_RECORDS", 10)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 10)
    released = threading.Event()
    with ScriptedServer() as server:
        hang = Answer(before=lambda: released.wait(FOR_EVER))
        server.answer("/upsert", Answer(), Answer(), Answer(), hang)
        server.answer(f"/streams/{STREAM}", Answer(body={"externalId": STREAM, "type": "Mutable"}))
        server.answer("/containers/byids", Answer(403))
        extra = {"token": "ready", "timeout": FOR_EVER}
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": extra}
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


def when_it_hangs(
    server: ScriptedServer, act: Callable[[], None], *, asked_for: str = "/upsert", times: int = 4
) -> None:
    def wait_and_act() -> None:
        wait_until(lambda: len(server.asked_for(asked_for)) >= times)
        act()

    threading.Thread(target=wait_and_act, daemon=True).start()


def check_what_is_left(store: Memory, rejected: Path) -> None:
    mark = store.kept[checkpoint.KEY]["mark"]
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
    with pytest.raises(AirflowException, match=r"told to stop\.\nUpserted 30 of") as failure:
        operator.execute({"task_state_store": store})
    assert time.monotonic() - started < SOON
    assert not isinstance(failure.value, AirflowFailException)
    check_what_is_left(store, rejected)


def test_on_kill_ends_a_load_whose_threads_send_parts_of_a_refused_batch(
    server: ScriptedServer, source: Path
) -> None:
    released = threading.Event()
    hang = Answer(before=lambda: released.wait(FOR_EVER))
    refused = Answer(400, {"error": {"code": 400, "message": "bad"}})
    server.answer("/upsert", refused, hang)
    operator = CdfRecordsUpsertOperator(
        task_id="load", stream_id=STREAM, path=str(source), limit=4, max_rejected=9
    )
    when_it_hangs(server, operator.on_kill, times=1 + 4)
    started = time.monotonic()
    try:
        with pytest.raises(AirflowException, match="told to stop"):
            operator.execute({})
        assert time.monotonic() - started < SOON
    finally:
        released.set()
    parts = [asked.json["items"] for asked in server.asked_for("/upsert")[1:]]
    assert [len(part) for part in parts] == [1, 1, 1, 1]


def test_what_is_under_way_gets_a_few_seconds_to_end() -> None:
    assert in_flight.STOP_WITHIN <= 5
    assert read_ahead.STOP_WITHIN <= 5


class TimedOut(BaseException):
    """Like what Airflow raises when ``execution_timeout`` has passed: no ``Exception``."""


def test_a_timeout_ends_the_load(server: ScriptedServer, source: Path, tmp_path: Path) -> None:
    store, rejected = Memory(), tmp_path / "rejected.ndjson"

    def time_out(*_: Any) -> None:
        raise TimedOut

    before = signal.signal(signal.SIGALRM, time_out)
    try:
        when_it_hangs(server, lambda: os.kill(os.getpid(), signal.SIGALRM))
        started = time.monotonic()
        with pytest.raises(TimedOut):
            CdfRecordsHook(max_concurrency=1).upsert_file(
                STREAM, source, max_rejected=1, rejected_path=rejected, state_store=store
            )
        assert time.monotonic() - started < SOON
    finally:
        signal.signal(signal.SIGALRM, before)
    check_what_is_left(store, rejected)


def test_a_sender_that_hangs_does_not_hold_up_the_end_of_the_process(
    server: ScriptedServer, source: Path
) -> None:
    released = threading.Event()
    server.answer("/upsert", Answer(before=lambda: released.wait(FOR_EVER)))
    code = f"""
import signal
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
hook = CdfRecordsHook(max_concurrency=1)
signal.signal(signal.SIGTERM, lambda *_: hook.on_kill())
hook.upsert_file({STREAM!r}, {str(source)!r}, max_rejected=1)
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        try:
            when_it_hangs(server, process.terminate, times=1)
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            released.set()
    assert "told to stop" in errors


def test_a_look_that_hangs_does_not_hold_up_the_end(server: ScriptedServer, source: Path) -> None:
    released = threading.Event()
    server.answer("/inspect", Answer(before=lambda: released.wait(FOR_EVER)))
    operator = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, path=str(source))
    when_it_hangs(server, operator.on_kill, asked_for="/inspect", times=1)
    started = time.monotonic()
    try:
        with pytest.raises(AirflowException, match="told to stop"):
            operator.execute({})
        assert time.monotonic() - started < SOON
    finally:
        released.set()
    assert not server.asked_for("/upsert")


class BlockingFile(io.RawIOBase):
    """A file on a disk or network that stops answering after its first rows."""

    def __init__(self, start: bytes, blocks: threading.Event, released: threading.Event) -> None:
        self._start = io.BytesIO(start)
        self._blocks = blocks
        self._released = released

    def read(self, size: int = -1) -> bytes:
        if not (data := self._start.read(size)):
            self._blocks.set()
            self._released.wait(FOR_EVER)
        return data


class BlockingPath:
    protocol = "network"
    name = "rows.ndjson"

    def __init__(self, *file: Any) -> None:
        self._file = file

    def open(self, mode: str) -> BlockingFile:
        return BlockingFile(*self._file)

    def exists(self) -> bool:
        return True

    def is_dir(self) -> bool:
        return False

    def stat(self) -> Any:
        return SimpleNamespace(st_size=1_000_000, st_mtime=0)

    def __fspath__(self) -> str:
        return self.name


@pytest.mark.parametrize("verb", ["upsert", "ingest", "delete"])
@pytest.mark.parametrize("kind", ["generator", "file"])
def test_a_source_that_blocks_does_not_hold_up_the_end(server: ScriptedServer, verb: str, kind: str) -> None:
    server.answer("/records", Answer())
    server.answer("/delete", Answer())
    rows = [a_record(str(number), number=number) for number in range(20)]
    blocks, released = threading.Event(), threading.Event()

    def generate() -> Iterator[dict[str, Any]]:
        yield from rows
        blocks.set()
        released.wait(FOR_EVER)

    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    hook = CdfRecordsHook()
    source = (
        FileSource(BlockingPath(lines, blocks, released)) if kind == "file" else RecordsSource(generate())
    )

    def stop_when_it_blocks() -> None:
        blocks.wait(PATIENCE)
        hook.on_kill()

    threading.Thread(target=stop_when_it_blocks, daemon=True).start()
    started = time.monotonic()
    try:
        with pytest.raises(AirflowException, match="told to stop") as failure:
            getattr(hook, f"{verb}_source")(STREAM, source, check_schema=False)
        assert time.monotonic() - started < SOON
    finally:
        released.set()
    assert not isinstance(failure.value, AirflowFailException)
