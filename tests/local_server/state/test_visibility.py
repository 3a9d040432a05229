"""Changes that become visible after a time of their own, in queries, counts and sync."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from airflow_provider_cdf_records.client import sync_records
from airflow_provider_cdf_records.local_server import Clock
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.sample_records import SPACE, STREAM, a_record

JITTER = 100


@pytest.fixture
def uneven(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCdf]:
    settings: dict[str, Any] = {"visibility_delay": 10, "visibility_jitter": JITTER, "visibility_seed": 7}
    with local_cdf(monkeypatch, clock=Clock(stopped=True), **settings) as cdf:
        yield cdf


def seen(cdf: LocalCdf, stream_id: str = STREAM) -> dict[str, int]:
    records = cdf.client.filter_records(stream_id, last_updated_time={"gt": 0}, limit=1000)
    count = cdf.client.count_records(stream_id, last_updated_time={"gt": 0})
    assert len(records) == count, "queries and counts see the same"
    return {record["externalId"]: record["lastUpdatedTime"] for record in records}


def delete(cdf: LocalCdf, *names: str) -> None:
    items = [{"space": SPACE, "externalId": name} for name in names]
    cdf.client.delete_records(STREAM, json.dumps({"items": items}).encode())


def order_of_visibility(cdf: LocalCdf) -> list[str]:
    for number in range(20):
        cdf.upsert(STREAM, [a_record(f"{number}-{row}") for row in "ab"])
    order: list[str] = []
    for _ in range(10 + JITTER + 1):
        new = sorted(seen(cdf).keys() - set(order))
        assert all(f"{name[:-1]}{row}" in new for name in new for row in "ab"), "a request is seen as a whole"
        order += new
        cdf.server.clock.advance(1)
    return order


def test_requests_become_visible_each_after_its_own_time(uneven: LocalCdf) -> None:
    order = order_of_visibility(uneven)
    assert len(order) == 40
    assert order != sorted(order, key=lambda name: int(name.partition("-")[0]))


def test_the_same_seed_gives_the_same_times(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    for seed in (1, 1, 2):
        settings: dict[str, Any] = {"visibility_jitter": JITTER, "visibility_seed": seed}
        with local_cdf(monkeypatch, clock=Clock(stopped=True), **settings) as cdf:
            orders.append(order_of_visibility(cdf))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("seed", range(10))
def test_the_newest_visible_version_is_seen_and_sync_delivers_every_last_change(
    uneven: LocalCdf, seed: int
) -> None:
    random = Random(seed)
    names = ["a", "b", "c"]
    latest: dict[str, int] = {}  # the versions that were seen, which never go back
    cursor, synced, fed = None, {}, []
    for step in range(200):
        if step < 60:
            some = random.sample(names, random.randint(1, 3))
            if random.random() < 0.6:
                uneven.upsert(STREAM, [a_record(name, number=step) for name in some])
            else:
                delete(uneven, *some)
        visible = seen(uneven)
        assert all(at >= latest.get(name, 0) for name, at in visible.items())
        latest |= visible
        for page in sync_records(uneven.client, STREAM, cursor=cursor, initialize_cursor="1d-ago"):
            cursor = page.cursor
            fed += [item["lastUpdatedTime"] for item in page.items]
            synced |= {item["externalId"]: item["status"] for item in page.items}
        uneven.server.clock.advance(random.choice([0, 1, 5]))
    uneven.server.clock.advance(200)
    for page in sync_records(uneven.client, STREAM, cursor=cursor):
        synced |= {item["externalId"]: item["status"] for item in page.items}
    there = {record["externalId"] for record in uneven.server.records(STREAM)}
    assert seen(uneven).keys() == there
    assert {name for name, status in synced.items() if status != "deleted"} == there
    assert fed == sorted(fed)


def test_a_tombstone_that_is_visible_hides_the_record_while_its_next_version_is_not(
    uneven: LocalCdf,
) -> None:
    for number in range(30):  # some of them in the order: deletion visible, next version not yet
        name = str(number)
        uneven.upsert(STREAM, [a_record(name)])
    uneven.server.clock.advance(200)
    for number in range(30):
        delete(uneven, str(number))
        uneven.upsert(STREAM, [a_record(str(number), number=1)])
    states: dict[str, list[str]] = {str(number): [] for number in range(30)}
    newest = {record["externalId"]: record["lastUpdatedTime"] for record in uneven.server.records(STREAM)}
    for _ in range(10 + JITTER + 1):
        visible = seen(uneven)
        for name, passed in states.items():
            state = "gone" if name not in visible else "new" if visible[name] == newest[name] else "old"
            if passed[-1:] != [state]:
                passed.append(state)
        uneven.server.clock.advance(1)
    assert {tuple(passed) for passed in states.values()} == {("old", "gone", "new"), ("old", "new")}


def test_records_of_an_immutable_stream_are_each_seen(uneven: LocalCdf) -> None:
    for number in range(10):
        body = json.dumps({"items": [a_record("same", number=number)]}).encode()
        uneven.client.ingest_records(IMMUTABLE_STREAM, body)
    counts = []
    for _ in range(10 + JITTER + 1):
        counts.append(uneven.client.count_records(IMMUTABLE_STREAM, last_updated_time={"gt": 0}))
        uneven.server.clock.advance(1)
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 10)
    assert len(set(counts)) > 5
