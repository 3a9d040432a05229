"""A trigger for asset watchers: each change is in an event, whatever crashes in between."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfConnectionError
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.triggers import watched_stream, watcher
from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.triggers.in_process import Database, Triggerer

SOURCES = [{"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]}]


def upsert(cdf: LocalCdf, *names: str, stream: str = STREAM, **properties: Any) -> None:
    for start in range(0, len(names), 1000):
        cdf.upsert(stream, [a_record(name, **properties) for name in names[start : start + 1000]])


def delete(cdf: LocalCdf, name: str) -> None:
    items = {"items": [{"space": SPACE, "externalId": name}]}
    cdf.client.delete_records(STREAM, json.dumps(items).encode())


def live(database: Database, what: Callable[[Triggerer], Awaitable[None]], **settings: Any) -> Triggerer:
    """Run one life of a triggerer, which ends in a crash."""

    async def life() -> Triggerer:
        async with Triggerer(database, **settings) as triggerer:
            await what(triggerer)
        return triggerer

    return asyncio.run(life())


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The streams that were read, once for each time."""
    read = watched_stream.read_changes
    polls: list[str] = []

    def counted(client: Any, stream_id: str, **more: Any) -> Any:
        polls.append(stream_id)
        return read(client, stream_id, **more)

    monkeypatch.setattr(watched_stream, "read_changes", counted)
    return polls


def test_one_event_tells_of_all_changes_of_a_poll(cdf: LocalCdf, database: Database) -> None:
    upsert(cdf, "a", "b")

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.writes)
        upsert(cdf, "a", value=2.0)
        await triggerer.until(lambda: len(database.events["t"]) == 2)
        delete(cdf, "b")
        await triggerer.until(lambda: len(database.events["t"]) == 3)

    live(database, life)
    created, updated, deleted = database.events["t"]
    assert created == {
        "stream_id": STREAM,
        "project": cdf.client.project,
        "created": 2,
        "updated": 0,
        "deleted": 0,
        "records": [
            {"space": SPACE, "externalId": "a", "status": "created"},
            {"space": SPACE, "externalId": "b", "status": "created"},
        ],
        "has_more_records": False,
    }
    assert (updated["updated"], updated["records"][0]["status"]) == (1, "updated")
    assert (deleted["deleted"], deleted["records"][0]["externalId"]) == (1, "b")


def test_the_cursor_moves_only_once_the_event_is_stored(cdf: LocalCdf, database: Database) -> None:
    async def before(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.writes)
        database.takes_events = lambda _: False
        upsert(cdf, "a")
        await triggerer.until(lambda: triggerer.waiting)
        kept = dict(database.states)
        await asyncio.sleep(0.2)  # some polls; what must not happen has time to
        assert (database.states, database.events) == (kept, {})

    async def after(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.events)

    live(database, before)
    database.takes_events = lambda _: True
    live(database, after)
    assert database.seen("t") == {"a"}


def test_what_changes_while_no_triggerer_runs_after_a_quiet_night_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True)) as cdf:

        async def quiet(triggerer: Triggerer) -> None:
            triggerer.start("t")
            await triggerer.until(lambda: database.writes)

        async def later(triggerer: Triggerer) -> None:
            triggerer.start("t")
            await triggerer.until(lambda: database.events)

        live(database, quiet)
        assert database.events == {}
        upsert(cdf, "a")
        cdf.server.clock.advance(86_400)
        live(database, later)
        assert database.seen("t") == {"a"}


def test_polls_without_changes_write_nothing_but_now_and_then(
    cdf: LocalCdf, database: Database, polls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def quiet(triggerer: Triggerer) -> None:
        triggerer.start("t")
        start = len(polls)
        await triggerer.until(lambda: len(polls) > start + 20)

    live(database, quiet)
    assert (database.writes, database.events) == (1, {})
    monkeypatch.setattr(watched_stream, "KEEP_EVERY", 0.0)
    live(database, quiet)
    assert database.writes > 10
    assert database.events == {}


def test_equal_watches_share_their_polls_and_list_as_many_records_as_each_wants(
    cdf: LocalCdf, database: Database, polls: list[str]
) -> None:
    async def life(triggerer: Triggerer) -> None:
        for name, most in (("none", 0), ("two", 2), ("all", 100)):
            triggerer.start(name, max_identities=most, poll_interval=3600)
        await triggerer.until(lambda: database.writes == 3)
        assert len(polls) == 1
        await triggerer.stop("none")
        upsert(cdf, "a", "b", "c")
        triggerer.start("none", max_identities=0, poll_interval=3600)  # which wakes the others
        await triggerer.until(lambda: len(database.events) == 3)

    live(database, life)
    for name, listed in (("none", 0), ("two", 2), ("all", 3)):
        (event,) = database.events[name]
        assert (event["created"], len(event["records"])) == (3, listed), name
        assert event["has_more_records"] is (listed < 3)


@pytest.mark.parametrize(
    "other",
    [
        {"stream_id": "archive"},
        {"filter": {"exists": {"property": ["space"]}}},
        {"sources": SOURCES},
        {"poll_interval": 7.0},
        {"cdf_conn_id": "other"},
        {"initialize_cursor": "7d-ago"},
    ],
    ids=str,
)
def test_other_watches_have_polls_of_their_own(other: dict[str, Any]) -> None:
    def key(**arguments: Any) -> Any:
        trigger = CdfRecordsChangedTrigger(**{"stream_id": STREAM, **arguments})
        trigger.asset_state_store = object()  # type: ignore[assignment]
        return trigger.shared_stream_key()

    assert key() == key(max_identities=7) is not None
    assert key() != key(**other)


def test_a_trigger_that_was_down_while_others_went_on_catches_up(cdf: LocalCdf, database: Database) -> None:
    async def life(triggerer: Triggerer) -> None:
        triggerer.start("a")
        triggerer.start("b")
        await triggerer.until(lambda: database.writes >= 2)
        await triggerer.stop("b")
        upsert(cdf, "missed")
        await triggerer.until(lambda: "missed" in database.seen("a"))
        triggerer.start("b")
        await triggerer.until(lambda: "missed" in database.seen("b"))
        upsert(cdf, "next")
        await triggerer.until(lambda: {"missed", "next"} <= database.seen("a") & database.seen("b"))

    live(database, life)
    for name in ("a", "b"):
        assert sum(event["created"] for event in database.events[name]) == 2, "nothing came twice"


def test_a_trigger_whose_event_is_never_stored_starts_again_from_its_own_cursor(
    cdf: LocalCdf, database: Database
) -> None:
    async def life(triggerer: Triggerer) -> None:
        triggerer.start("good")
        triggerer.start("bad")
        await triggerer.until(lambda: database.writes >= 2)
        database.takes_events = lambda name: name == "good"
        upsert(cdf, "a")
        await triggerer.until(lambda: triggerer.failures)
        triggerer.waiting.clear()
        database.takes_events = lambda _: True
        await triggerer.until(lambda: "a" in database.seen("bad"))
        upsert(cdf, "b")
        await triggerer.until(lambda: "b" in database.seen("good") & database.seen("bad"))

    live(database, life, ack_timeout=0.5)
    assert database.seen("good") == database.seen("bad") == {"a", "b"}


def test_several_assets_of_one_trigger_go_on_from_the_one_that_was_told_least(
    cdf: LocalCdf, database: Database
) -> None:
    async def told(triggerer: Triggerer) -> None:
        triggerer.start("t", "x", "y")
        await triggerer.until(lambda: database.writes >= 2)

    async def again(triggerer: Triggerer) -> None:
        triggerer.start("t", "x", "y", "new")
        await triggerer.until(lambda: database.events)
        await triggerer.until(lambda: {asset for asset, _ in database.states} == {"x", "y", "new"})

    live(database, told)
    late = dict(database.states)
    upsert(cdf, "a")
    live(database, again)
    database.events.clear()
    ((key, early),) = [one for one in late.items() if one[0][0] == "y"]
    database.states[key] = early
    live(database, again)
    assert database.seen("t") == {"a"}


def test_a_cursor_that_cdf_takes_no_more_loses_nothing(
    cdf: LocalCdf, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def first(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.writes)

    async def second(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.events)

    live(database, first)
    for state in database.states.values():
        state["cursor"] = "of another age"
    upsert(cdf, "a")
    live(database, second)
    assert database.seen("t") == {"a"}
    assert "takes the cursor that was kept for stream alarms no more" in caplog.text


def test_a_cursor_of_another_project_is_not_used(
    cdf: LocalCdf, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.events)

    upsert(cdf, "a")
    live(database, life)
    for state in database.states.values():
        state["origin"] = "elsewhere"
    database.events.clear()
    with caplog.at_level(logging.WARNING):
        live(database, life)
    assert database.seen("t") == {"a"}, "begins at initialize_cursor again"


def test_only_what_matches_the_filter_is_told_of(cdf: LocalCdf, database: Database) -> None:
    x = {"equals": {"property": [SPACE, CONTAINER, "text"], "value": "x"}}

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t", filter=x, sources=SOURCES)
        await triggerer.until(lambda: database.writes)
        upsert(cdf, "no", text="y")
        upsert(cdf, "yes", text="x")
        await triggerer.until(lambda: database.events)

    live(database, life)
    assert database.seen("t") == {"yes"}
    assert database.events["t"][0]["records"][0]["properties"][SPACE][CONTAINER]["text"] == "x"


def test_a_flood_is_one_event_a_poll(cdf: LocalCdf, database: Database) -> None:
    upsert(cdf, *(f"r{number}" for number in range(5000)))

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.events)

    live(database, life)
    (event,) = database.events["t"]
    assert (event["created"], len(event["records"]), event["has_more_records"]) == (5000, 100, True)


def test_a_flood_that_is_too_large_for_one_poll_goes_on_in_the_next_at_once(
    cdf: LocalCdf, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_stream, "read_changes", partial(watched_stream.read_changes, max_pages=2))
    upsert(cdf, *(f"r{number}" for number in range(4500)))

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t", poll_interval=3600.0)
        await triggerer.until(lambda: sum(event["created"] for event in database.events.get("t", [])) == 4500)

    live(database, life)
    assert [event["created"] for event in database.events["t"]] == [2000, 2000, 500]


def test_catching_up_with_a_flood_goes_on_over_several_polls(
    cdf: LocalCdf, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "CATCH_UP_SECONDS", 0.0)

    async def both(triggerer: Triggerer) -> None:
        triggerer.start("a", poll_interval=3600.0)
        triggerer.start("b", poll_interval=3600.0)
        await triggerer.until(lambda: database.writes == 2)

    async def one(triggerer: Triggerer) -> None:
        triggerer.start("a", poll_interval=3600.0)
        await triggerer.until(lambda: database.writes == 3)

    async def late(triggerer: Triggerer) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(watched_stream, "read_changes", partial(watched_stream.read_changes, max_pages=1))
            triggerer.start("a", poll_interval=3600.0)
            triggerer.start("b", poll_interval=3600.0)
            await triggerer.until(lambda: sum(event["created"] for event in database.events["b"]) == 3500)

    live(database, both)
    upsert(cdf, *(f"r{number}" for number in range(3500)))
    live(database, one)
    database.events["b"] = []
    live(database, late)
    assert [event["created"] for event in database.events["b"]] == [1000, 1000, 1000, 500]
    assert sum(event["created"] for event in database.events["a"]) == 3500


def test_a_stream_that_does_not_exist_is_an_error_until_it_does(
    cdf: LocalCdf, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watched_stream, "LONGEST_PAUSE", 0.05)

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t", stream_id="later")
        await triggerer.until(lambda: "cannot be read, and no DAG is started" in caplog.text)
        cdf.client.create_stream("later", "BasicLiveData")
        upsert(cdf, "a", stream="later")
        await triggerer.until(lambda: database.events)
        assert triggerer.failures == []

    live(database, life)
    assert "connection cdf_default and its rights" in caplog.text


def test_what_was_written_while_a_stream_could_not_be_read_is_told(
    cdf: LocalCdf, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = watched_stream.read_changes
    starts: list[Any] = []

    def fail_at_first(*given: Any, position: Any, **more: Any) -> Any:
        starts.append(position)
        if len(starts) < 2:
            raise CdfConnectionError("refused")
        return read(*given, position=position, **more)

    monkeypatch.setattr(watched_stream, "read_changes", fail_at_first)
    before = time.time()

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t", initialize_cursor="10m-ago")
        await triggerer.until(lambda: len(starts) > 1)

    live(database, life)
    assert starts[0] is None
    assert before - 600 <= starts[1].time <= time.time() - 600
    assert starts[1].cursor is None


def test_a_cdf_that_cannot_be_reached_is_tried_again(
    cdf: LocalCdf, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = watched_stream.read_changes
    tries: list[int] = []

    def fail_at_first(*given: Any, **more: Any) -> Any:
        tries.append(1)
        if len(tries) < 4:
            raise CdfConnectionError("refused")
        return read(*given, **more)

    monkeypatch.setattr(watched_stream, "read_changes", fail_at_first)
    upsert(cdf, "a")

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.events)
        assert triggerer.failures == []

    live(database, life)
    assert caplog.text.count("could not be read, the next try is in") == 3


def test_a_state_that_cannot_be_read_yet_is_waited_for(
    cdf: LocalCdf, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.triggers import in_process

    monkeypatch.setattr(watcher, "LOAD_AGAIN", 0.01)
    get = in_process.AssetState.aget
    asked: list[str] = []

    async def fail_at_first(state: Any, key: str, default: Any = None) -> Any:
        asked.append(key)
        if len(asked) < 3:
            raise OSError("the API server restarts")
        return await get(state, key, default)

    monkeypatch.setattr(in_process.AssetState, "aget", fail_at_first)
    upsert(cdf, "a")

    async def life(triggerer: Triggerer) -> None:
        triggerer.start("t")
        await triggerer.until(lambda: database.events)

    live(database, life)
    assert len(asked) == 3


def test_without_a_place_for_cursors_it_polls_alone_and_says_so_once(
    cdf: LocalCdf, caplog: pytest.LogCaptureFixture
) -> None:
    trigger = CdfRecordsChangedTrigger(stream_id=STREAM, poll_interval=0.02)
    assert trigger.shared_stream_key() is None

    async def two_events() -> list[Any]:
        found = []
        CdfRecordsHook().upsert_records(STREAM, [a_record("a")])
        async for event in trigger.run():
            found.append(event.payload)
            if len(found) == 2:
                break
            await asyncio.to_thread(upsert, cdf, "b")
        await trigger.cleanup()
        return found

    first, second = asyncio.run(two_events())
    assert [event["records"][0]["externalId"] for event in (first, second)] == ["a", "b"]
    assert caplog.text.count("changes are read from 5m-ago on") == 1
