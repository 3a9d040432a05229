"""Whatever happens in whatever order between changes, polls, the database and crashes, no change is lost."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_cdf import LocalCdf
from tests.sample_records import SPACE, STREAM, a_record
from tests.triggers.in_process import Database, Triggerer

STEPS = (
    "change",
    "change",
    "delete",
    "polls",
    "polls",
    "database down",
    "database up",
    "crash",
    "stop",
    "start",
)
ARGUMENTS = {"max_identities": 5000}

counter = itertools.count()


class Story:
    """What happens to a stream and to two triggers that watch it."""

    def __init__(self, cdf: LocalCdf) -> None:
        self.cdf = cdf
        self.database = Database()
        self.alive: list[str] = []
        self.deleted: list[str] = []

    def change(self) -> None:
        name = f"r{next(counter)}"
        self.cdf.upsert(STREAM, [a_record(name)])
        self.alive.append(name)

    def delete(self) -> None:
        if self.alive:
            name = self.alive.pop(0)
            items = {"items": [{"space": SPACE, "externalId": name}]}
            self.cdf.client.delete_records(STREAM, json.dumps(items).encode())
            self.deleted.append(name)

    def is_told(self, trigger: str) -> bool:
        """Whether the events of a trigger have told of all changes."""
        events = self.database.events.get(trigger, [])
        told = [record for event in events for record in event["records"]]
        gone = {record["externalId"] for record in told if record["status"] == "deleted"}
        return set(self.alive) <= {record["externalId"] for record in told} and set(self.deleted) <= gone

    async def life(self, steps: list[str]) -> None:
        """Do the steps, and crash."""
        async with Triggerer(self.database) as triggerer:
            running = {"a", "b"}
            for name in running:
                triggerer.start(name, **ARGUMENTS)
            for step in steps:
                if step in ("change", "delete"):
                    await asyncio.to_thread(getattr(self, step))
                elif step == "polls":
                    await asyncio.sleep(0.05)
                elif step == "stop" and "b" in running:
                    running.remove("b")
                    await triggerer.stop("b")
                elif step == "start" and "b" not in running:
                    running.add("b")
                    triggerer.start("b", **ARGUMENTS)
                elif step.startswith("database"):
                    is_up = step == "database up"
                    self.database.takes_events = lambda _, is_up=is_up: is_up

    async def end(self) -> None:
        """Have nothing disturb the triggers any more, and wait until they have told of all changes."""
        self.database.takes_events = lambda _: True
        async with Triggerer(self.database) as triggerer:
            for name in ("a", "b"):
                triggerer.start(name, **ARGUMENTS)
            await triggerer.until(lambda: self.is_told("a") and self.is_told("b"))


@pytest.mark.timeout(900)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_no_change_is_lost_whatever_happens_when(cdf: LocalCdf, steps: list[str]) -> None:
    story = Story(cdf)
    lives: list[list[str]] = [[]]
    for step in steps:
        lives.append([]) if step == "crash" else lives[-1].append(step)
    for life in lives:
        asyncio.run(story.life(life))
    # What Airflow keeps must be enough: whoever begins anew looks back for nothing.
    asyncio.run(story.end())
