"""Parallel requests end as if they had come one after the other."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, set_up

TOGETHER = 8


@pytest.fixture
def clients(server: LocalServer) -> list[Raw]:
    clients = [Raw(server.url, server.settings) for _ in range(TOGETHER)]
    set_up(clients[0])
    return clients


def all_at_once(clients: list[Raw], path: str, body: Any) -> Counter[int]:
    barrier = threading.Barrier(len(clients))

    def ask(client: Raw) -> int:
        barrier.wait()
        return client.post(path, body).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        return Counter(pool.map(ask, clients))


def test_one_of_many_makes_a_stream(clients: list[Raw]) -> None:
    for number in range(20):
        settings = {"template": {"name": "BasicLiveData"}}
        body = {"items": [{"externalId": f"stream-{number}", "settings": settings}]}
        assert all_at_once(clients, "/streams", body) == {201: 1, 409: TOGETHER - 1}


def test_one_of_many_ingests_a_new_record(clients: list[Raw]) -> None:
    for number in range(20):
        body = {"items": [a_record(f"a-{number}")]}
        assert all_at_once(clients, "/streams/mutable/records", body) == {202: 1, 409: TOGETHER - 1}


def test_a_copy_ingested_many_times_at_once_is_kept_once(clients: list[Raw]) -> None:
    body = {"items": [a_record()]}
    assert all_at_once(clients, "/streams/immutable/records", body) == {202: TOGETHER}
    bounds = {"lastUpdatedTime": {"gt": 0}}
    assert len(clients[0].post("/streams/immutable/records/filter", bounds).json()["items"]) == 1


def test_lists_can_be_read_while_they_grow(clients: list[Raw]) -> None:
    writer, reader, stop = clients[0], clients[1], threading.Event()
    seen: Counter[int] = Counter()

    def read() -> None:
        while not stop.is_set():
            seen.update(reader.get(path).status_code for path in ("/streams", "/models/spaces"))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(100):
        settings = {"template": {"name": "BasicLiveData"}}
        writer.post("/streams", {"items": [{"externalId": f"stream-{number}", "settings": settings}]})
        writer.post("/models/spaces", {"items": [{"space": f"space-{number}"}]})
    stop.set()
    thread.join()
    assert seen.keys() == {200}


def test_a_count_sees_one_moment_however_much_is_changed_meanwhile(clients: list[Raw]) -> None:
    records = [a_record(str(number)) for number in range(1000)]
    assert clients[0].upsert(*records).ok
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            clients[0].upsert(*records)

    thread = threading.Thread(target=change)
    thread.start()
    count = {"aggregates": {"n": {"count": {}}}}
    counts = Counter(
        clients[1].post("/streams/mutable/records/aggregate", count).json()["aggregates"]["n"]["count"]
        for _ in range(50)
    )
    stop.set()
    thread.join()
    assert counts == {1000: 50}


def test_a_stream_that_is_deleted_meanwhile_keeps_nothing(server: LocalServer, clients: list[Raw]) -> None:
    records = [a_record(str(number)) for number in range(500)]  # enough that checking them takes a while
    for number in range(10):
        stream = f"short-{number}"
        settings = {"template": {"name": "BasicLiveData"}}
        clients[0].post("/streams", {"items": [{"externalId": stream, "settings": settings}]})
        with ThreadPoolExecutor(TOGETHER) as pool:
            upserts = [pool.submit(client.upsert, *records, stream=stream) for client in clients[1:]]
            while not any(upsert.done() for upsert in upserts):
                pass
            body = {"items": [{"externalId": stream}]}
            assert clients[0].post("/streams/delete", body).status_code == 200
            assert {upsert.result().status_code for upsert in upserts} <= {202, 404}
    with closing(sqlite3.connect(server.settings.database)) as database:
        assert database.execute("SELECT COUNT(*) FROM record").fetchone() == (0,)
