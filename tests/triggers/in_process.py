"""A triggerer in this process: Airflow's own shared streams, and a database that can fail and outlives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger
from tests.waiting import PATIENCE

shared_stream = pytest.importorskip("airflow.triggers.shared_stream", reason="of Airflow 3.3 and later")

Event = dict[str, Any]


class Database:
    """What Airflow has stored.

    :ivar events: of each trigger.
    :ivar states: of assets.
    :ivar writes: how often a state was stored.
    :ivar takes_events: whether events can be stored now, for a trigger.
    """

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = {}
        self.states: dict[tuple[str, str], Any] = {}
        self.writes = 0
        self.takes_events: Callable[[str], bool] = lambda _: True

    def seen(self, name: str) -> set[str]:
        """Return the external ids that the events of a trigger list."""
        return {record["externalId"] for event in self.events.get(name, []) for record in event["records"]}


class AssetState:
    """The state of one asset, for one triggerer."""

    def __init__(self, triggerer: Triggerer, asset: str) -> None:
        self._triggerer = triggerer
        self._asset = asset

    async def aget(self, key: str, default: Any = None) -> Any:
        await asyncio.sleep(0)
        return json.loads(json.dumps(self._triggerer.database.states.get((self._asset, key), default)))

    async def aset(self, key: str, value: Any) -> None:
        await asyncio.sleep(0)
        if not self._triggerer.is_dead:
            self._triggerer.database.states[self._asset, key] = json.loads(json.dumps(value))
            self._triggerer.database.writes += 1


class AssetStates:
    """The states of all assets of a trigger, as Airflow gives them to it."""

    def __init__(self, states: dict[str, Any]) -> None:
        self._by_name = states
        self._by_uri: dict[str, Any] = {}


class Triggerer:
    """One life of a triggerer. Starts triggers that have failed again, as Airflow does.

    :param ack_timeout: seconds after which Airflow fails a trigger whose event is not stored.
    """

    def __init__(self, database: Database, *, ack_timeout: float = PATIENCE) -> None:
        self.database = database
        self.is_dead = False
        self.waiting: list[tuple[str, Event, int | None]] = []
        self.failures: list[BaseException] = []
        self.manager = shared_stream.SharedStreamManager(ack_timeout=ack_timeout)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ids: dict[str, int] = {}

    async def __aenter__(self) -> Triggerer:
        self._storing = asyncio.create_task(self._store())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Be killed: nothing is stored from here on."""
        self.is_dead = True
        for name in list(self._tasks):
            await self.stop(name)
        self._storing.cancel()
        await self.manager.stop_all()

    def start(self, name: str, *assets: str, **arguments: Any) -> None:
        """Start a trigger for assets; the one of its name unless any is given."""
        accessors = {asset: AssetState(self, asset) for asset in assets or (name,)}
        self._ids[name] = len(self._ids)
        self._tasks[name] = asyncio.create_task(self._run_on(name, AssetStates(accessors), arguments))

    async def stop(self, name: str) -> None:
        """Stop a trigger, as when its DAG is paused."""
        task = self._tasks.pop(name)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def until(self, what: Callable[[], Any]) -> None:
        """Wait until something is so."""

        async def looking() -> None:
            while not what():
                await asyncio.sleep(0.002)

        await asyncio.wait_for(looking(), PATIENCE)

    async def _run_on(self, name: str, states: AssetStates, arguments: dict[str, Any]) -> None:
        while True:
            try:
                await self._run(name, states, arguments)
            except Exception as error:
                self.failures.append(error)
                await asyncio.sleep(0.01)

    async def _run(self, name: str, states: AssetStates, arguments: dict[str, Any]) -> None:
        arguments = {"stream_id": "alarms", "poll_interval": 0.02, **arguments}
        trigger = CdfRecordsChangedTrigger(**CdfRecordsChangedTrigger(**arguments).serialize()[1])
        trigger.asset_state_store = states  # type: ignore[assignment]
        key, number = trigger.shared_stream_key(), self._ids[name]
        assert key is not None
        shared = self.manager.subscribe(trigger_id=number, trigger=trigger, key=key)
        try:
            async for event in trigger.filter_shared_stream(shared):
                await asyncio.sleep(0)  # as Airflow logs it
                seq = self.manager.bind_pending_event(trigger_id=number, key=key)
                self.waiting.append((name, event.payload, seq))
        finally:
            await self.manager.unsubscribe(number, key)
            await trigger.cleanup()

    async def _store(self) -> None:
        while True:
            await asyncio.sleep(0.002)
            taken = [one for one in self.waiting if self.database.takes_events(one[0])]
            self.waiting = [one for one in self.waiting if one not in taken]
            for name, event, _ in taken:
                self.database.events.setdefault(name, []).append(json.loads(json.dumps(event)))
            self.manager.confirm_persisted([seq for *_, seq in taken if seq is not None])
