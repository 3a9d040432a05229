"""Triggers share the triggerer with others: they hold up no one, whatever CDF does."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.hooks import base as hook_module
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.triggers import CdfRecordsTrigger, CdfStreamTrigger, base
from airflow_provider_cdf_records.triggers.shared_client import AT_ONCE
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.scripted_server import Answer, ScriptedServer
from tests.sensors.modes import built_anew, event_of, lose_connection_at_first
from tests.waiting import PATIENCE, wait_until

SENSORS = 500
THERE = {"status": "holds", "value": None}


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str, host: str, token: str = "t0ken") -> None:
    fields = {"conn_type": "cdf", "host": host, "schema": "p", "extra": {"token": token}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


def own_threads() -> int:
    return sum(thread.name == "cdf-trigger" for thread in threading.enumerate())


async def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


async def soon(what: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(what, PATIENCE)


async def cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await soon(asyncio.gather(*tasks, return_exceptions=True))


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A connection ``hanging`` to a CDF that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=AT_ONCE * 2) as listening:
        connect(monkeypatch, "hanging", f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield
    wait_until(lambda: own_threads() == 0)  # no one waits for long for who is gone


def test_hundreds_that_wait_for_a_cdf_that_hangs_hold_up_no_one_else(hanging: None, cdf: LocalCdf) -> None:
    async def run() -> None:
        waiting = [
            asyncio.create_task(event_of(CdfStreamTrigger(stream_id=STREAM, cdf_conn_id="hanging")))
            for _ in range(SENSORS)
        ]
        await until(lambda: own_threads() == AT_ONCE)
        assert await soon(asyncio.to_thread(lambda: "at once")) == "at once"
        assert await soon(event_of(CdfStreamTrigger(stream_id=STREAM))) == THERE
        assert own_threads() <= AT_ONCE + 1
        assert not any(task.done() for task in waiting)
        await cancel(waiting)
        assert own_threads() <= AT_ONCE + 1, "those that were cancelled in the queue did not start"

    asyncio.run(run())


def test_a_wait_for_a_cdf_that_hangs_times_out_also_in_the_queue(
    hanging: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "PATIENCE", 0.05)

    async def run() -> list[Any]:
        now = time.time()
        wait = {"poke_interval": 0.1, "started_at": now - 1, "deadline": now}
        triggers = [
            CdfStreamTrigger(stream_id=STREAM, cdf_conn_id="hanging", **wait) for _ in range(2 * AT_ONCE)
        ]
        return await soon(asyncio.gather(*(event_of(one) for one in triggers)))

    events = asyncio.run(run())
    assert [event["status"] for event in events] == ["timed_out"] * 2 * AT_ONCE
    assert all(event["seconds"] > 1 for event in events)


def test_a_lookup_of_a_connection_that_hangs_does_not_block_the_event_loop(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, may_go_on = hook_module.find_connection, threading.Event()

    def find_slowly(*arguments: Any) -> Any:
        may_go_on.wait()
        return find(*arguments)

    monkeypatch.setattr(hook_module, "find_connection", find_slowly)

    async def run() -> None:
        waiting = asyncio.create_task(event_of(CdfStreamTrigger(stream_id=STREAM)))
        await until(lambda: own_threads() == 1)
        assert not waiting.done()
        may_go_on.set()
        assert await soon(waiting) == THERE

    asyncio.run(run())


def test_triggers_of_a_connection_share_one_client_while_there_are_any(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[CdfClient] = []
    get_conn = CdfRecordsHook.get_conn

    def count(hook: CdfRecordsHook, **more: Any) -> CdfClient:
        made.append(get_conn(hook, **more))
        return made[-1]

    monkeypatch.setattr(CdfRecordsHook, "get_conn", count)

    async def run() -> None:
        early = asyncio.create_task(event_of(CdfStreamTrigger(stream_id="later", poke_interval=0.01)))
        await until(lambda: len(made) == 1)
        assert await soon(event_of(CdfStreamTrigger(stream_id=STREAM))) == THERE
        await asyncio.to_thread(cdf.client.create_stream, "later", "BasicLiveData")
        assert await soon(early) == THERE
        assert len(made) == 1
        assert await soon(event_of(CdfStreamTrigger(stream_id=STREAM))) == THERE
        assert len(made) == 2

    asyncio.run(run())


def test_a_connection_that_was_mended_is_looked_up_anew_when_its_token_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer() as server:
        connect(monkeypatch, "cdf_default", server.url, "old-token")

        def mend() -> None:
            connect(monkeypatch, "cdf_default", server.url, "new-token")

        none, refused = (Answer(status, {"error": {"message": "no"}}) for status in (404, 401))
        refused.before = mend
        there = Answer(body={"type": "Mutable"})
        server.answer(f"/streams/{STREAM}", none, refused, there)
        assert asyncio.run(event_of(CdfStreamTrigger(stream_id=STREAM, poke_interval=0.01))) == THERE
        tokens = [asked.headers["authorization"] for asked in server.asked]
        assert tokens == ["Bearer old-token", "Bearer old-token", "Bearer new-token"]


def test_a_token_that_is_refused_again_fails_for_good_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer() as server:
        connect(monkeypatch, "cdf_default", server.url, "some-t0ken")
        server.answer(f"/streams/{STREAM}", Answer(401, {"error": {"message": "not some-t0ken"}}))
        trigger = CdfStreamTrigger(stream_id=STREAM)
        event = asyncio.run(event_of(trigger))
    assert (event["status"], event["retryable"]) == ("failed", False)
    assert "CDF refuses the access token" in event["message"]
    assert "some-t0ken" not in f"{event}{trigger!r}{trigger.serialize()}"
    assert len(server.asked) == 1, "the client was new, so there is nothing newer"


def test_a_connection_that_cannot_be_looked_up_now_is_waited_for(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_connection_at_first(monkeypatch)
    assert asyncio.run(event_of(CdfStreamTrigger(stream_id=STREAM, poke_interval=0.01))) == THERE


def test_a_missing_connection_fails_for_good(empty_metadata_database: None) -> None:
    event = asyncio.run(event_of(CdfStreamTrigger(stream_id=STREAM, cdf_conn_id="none")))
    assert (event["status"], event["retryable"]) == ("failed", False)
    assert "there is no connection 'none'" in event["message"]


def test_a_trigger_is_built_anew_from_what_is_kept_of_it() -> None:
    text = {"equals": {"property": ["a", "b", "c"], "value": "{{ not a template }}"}}
    trigger = CdfRecordsTrigger(
        stream_id=STREAM,
        cdf_conn_id="other",
        filter=text,
        min_count=3,
        last_updated_time={"gte": 1},
        poke_interval=1.5,
        started_at=2.25,
        not_before=3.5,
        deadline=9.75,
        exponential_backoff=True,
        max_wait=4.0,
        silent_fail=True,
    )
    assert vars(built_anew(trigger)) == vars(trigger)
    assert built_anew(trigger).make_condition() == trigger.make_condition()
    assert len(trigger.serialize()[1]) == 5 + len(base.CdfTrigger.wait_arguments)
    assert built_anew(CdfStreamTrigger(stream_id=STREAM, stream_type=None)).stream_type is None


def test_the_trigger_does_not_repeat_the_look_of_its_sensor(cdf: LocalCdf) -> None:
    now = time.time()
    trigger = CdfStreamTrigger(stream_id=STREAM, started_at=now, poke_interval=0.2)
    assert asyncio.run(event_of(trigger)) == THERE
    assert time.time() - now >= 0.2
