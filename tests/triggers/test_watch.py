"""The arguments of the trigger for changed records, and what Airflow keeps of it."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger
from airflow_provider_cdf_records.triggers.stores import AssetStore, stores_of
from airflow_provider_cdf_records.triggers.watch import Watch
from airflow_provider_cdf_records.triggers.watched_stream import NotConfirmedError, WatchedStream, Watchers
from airflow_provider_cdf_records.triggers.watcher import Place, Watcher
from airflow_provider_cdf_records.waiting import Position
from tests.airflow_version import AIRFLOW
from tests.state_store import Memory

pytest.importorskip("airflow.sdk", reason="of Airflow 3")

KEEPS_STATE = pytest.mark.skipif(AIRFLOW < (3, 3), reason="Airflow keeps state for assets from 3.3 on")
FILTER = {"equals": {"property": ["space"], "value": "plant"}}
SOURCES = [
    {"source": {"type": "container", "space": "plant", "externalId": "Alarm"}, "properties": ["value"]}
]
ALL = {
    "stream_id": "alarms",
    "cdf_conn_id": "mine",
    "filter": FILTER,
    "sources": SOURCES,
    "initialize_cursor": "7d-ago",
    "poll_interval": 30.0,
    "max_identities": 7,
}


@pytest.mark.parametrize("arguments", [{"stream_id": "alarms"}, ALL], ids=["defaults", "all"])
def test_what_airflow_keeps_makes_an_equal_trigger(arguments: dict[str, Any]) -> None:
    from airflow.models.trigger import Trigger

    decoded: Callable[[Any], Any]
    try:
        decoded = import_module("airflow.serialization.decoders").smart_decode_trigger_kwargs
    except ImportError:  # Airflow before 3.2, whose _decrypt_kwargs decodes, too

        def decoded(value: Any) -> Any:
            return value

    trigger = CdfRecordsChangedTrigger(**arguments)
    path, kwargs = trigger.serialize()
    kept = Trigger._decrypt_kwargs(Trigger.from_object(trigger).encrypted_kwargs)
    again = CdfRecordsChangedTrigger(**{name: decoded(kept[name]) for name in kept})
    assert again.serialize() == (path, kwargs)
    assert kwargs.items() >= arguments.items()
    assert CdfRecordsChangedTrigger.hash(path, kwargs) == CdfRecordsChangedTrigger.hash(path, kept)
    assert importlib.util.find_spec(path.rpartition(".")[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stream_id": "Not a stream"}, "stream_id must be 1-100"),
        ({"cdf_conn_id": ""}, "cdf_conn_id must be the id of an Airflow connection"),
        ({"filter": "text"}, "filter must be a dict in CDF's filter language, or None, got 'text'"),
        ({"filter": {"a": {1}}}, "filter must be of plain JSON values"),
        ({"sources": []}, "sources must be a list such as"),
        ({"sources": SOURCES[0]}, "sources must be a list such as"),
        ({"initialize_cursor": "yesterday"}, "initialize_cursor must be a duration such as '5m-ago'"),
        ({"poll_interval": 0}, "poll_interval must be a number of seconds above 0, got '0'"),
        ({"poll_interval": float("nan")}, "poll_interval must be a number of seconds"),
        ({"max_identities": -1}, "max_identities must be a whole number, at least 0"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [ValueError, TypeError], ids=["a parsed DAG", "what a triggerer survives"])
def test_what_makes_no_sense_fails_when_the_dag_is_parsed(
    arguments: dict[str, Any], message: str, kind: Any
) -> None:
    with pytest.raises(kind, match=message):
        CdfRecordsChangedTrigger(**{"stream_id": "alarms", **arguments})


def watch(**more: Any) -> Watch:
    arguments = {"filter": None, "sources": None, "initialize_cursor": "5m-ago", "poll_interval": 60.0}
    return Watch(**{"stream_id": "alarms", "cdf_conn_id": "cdf_default", **arguments, **more})


def test_the_cursor_stays_when_only_the_manner_of_watching_changes() -> None:
    other = watch(poll_interval=1.0, sources=SOURCES, initialize_cursor="1d-ago")
    assert watch().state_key == other.state_key
    others = ({}, {"filter": FILTER}, {"stream_id": "b"}, {"cdf_conn_id": "c"})
    assert len({watch(**one).state_key for one in others}) == 4


def test_a_filter_is_the_same_in_any_order_of_its_keys() -> None:
    one, other = {"range": {"gt": 1, "lt": 2}}, {"range": {"lt": 2, "gt": 1}}
    assert watch(filter=one).key == watch(filter=other).key


def test_a_store_that_only_blocks_is_asked_in_a_thread() -> None:
    memory = Memory()

    async def kept() -> Any:
        store = AssetStore(memory)
        await store.set("a", 1)
        return await store.get("a")

    assert asyncio.run(kept()) == 1


@KEEPS_STATE
def test_each_asset_of_a_trigger_has_a_store() -> None:
    from airflow.sdk import Asset
    from airflow.sdk.execution_time.context import AssetStateStoreAccessors

    accessors = AssetStateStoreAccessors(inlets=[Asset(name="a"), Asset(name="b", uri="x://b")])
    assert len(stores_of(accessors)) == 2
    assert stores_of(None) == []


def test_who_left_before_it_began_is_known_and_who_else_failed_is_not() -> None:
    async def settled(failed: int, *watchers: Any) -> list[Any]:
        stream = WatchedStream(watch(), Watchers())
        poll: Any = SimpleNamespace(number=5, watchers=frozenset(watchers))
        return stream.settle(poll, failed)

    class Someone(SimpleNamespace):
        __hash__ = object.__hash__  # type: ignore[assignment]

    done = Someone(begun=5, done=5, is_gone=False)
    gone = Someone(begun=4, done=4, is_gone=True)
    began = Someone(begun=5, done=4, is_gone=True)
    assert asyncio.run(settled(0, done, began)) == [done]
    assert asyncio.run(settled(1, done, gone)) == [done]
    with pytest.raises(NotConfirmedError, match="did not confirm that the events of 1 of 2 triggers"):
        asyncio.run(settled(1, done, began))


@KEEPS_STATE
def test_a_trigger_that_moves_on_while_another_is_kept_is_kept_where_airflow_has_stored_its_events() -> None:
    from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

    from airflow_provider_cdf_records.triggers.changes_producer import ChangesProducer

    class SlowStore:
        """While it keeps a cursor, the next poll comes."""

        def __init__(self) -> None:
            self.kept: Any = None

        async def get(self, key: str) -> Any:
            return self.kept

        async def set(self, key: str, value: Any) -> None:
            self.kept = value
            for watcher in watchers:
                watcher.place = Place(Position("the next poll's", 2.0))

    async def read(place: Place) -> Any:
        raise AssertionError

    async def advance() -> None:
        for watcher in watchers:
            watcher.place, watcher.done = Place(Position("this poll's", 1.0)), 5
        poll: Any = SimpleNamespace(number=5, watchers=frozenset(watchers))
        outcome = AdvanceOutcome(acked=2, failed=0)
        await ChangesProducer(WatchedStream(watch(), Watchers())).advance([AdvanceItem(poll, outcome)])

    stores = [SlowStore(), SlowStore()]
    watchers = [
        Watcher(read, [store], key="cursor", stream_id="alarms", max_identities=1) for store in stores
    ]
    asyncio.run(advance())
    assert [store.kept["cursor"] for store in stores] == ["this poll's"] * 2
