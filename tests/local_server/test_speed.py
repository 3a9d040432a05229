"""The server is fast enough for tests, and its memory does not grow with requests."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psutil

from dev.bench_local_server import a_body, measure
from tests.local_server.conftest import a_record, set_up
from tests.local_server.test_running import command, raw_of

REQUESTS = 60  # of 1000 records
TIMES_THE_LEAST = 5  # measured: 2; in CPU seconds, so that other work of the machine does not count
GROWTH_MB = 20


def least_cpu_seconds(folder: Path) -> float:
    """Return the CPU seconds for decoding the same records and writing them to SQLite, without any check."""
    with closing(sqlite3.connect(folder / "least.sqlite", isolation_level=None)) as database:
        database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        database.execute("CREATE TABLE record (id TEXT PRIMARY KEY, sources BLOB)")
        bodies = [a_body(number * 1000, 1000) for number in range(REQUESTS)]
        started = time.process_time()
        for body in bodies:
            rows = [(item["externalId"], json.dumps(item["sources"])) for item in json.loads(body)["items"]]
            with database:
                database.execute("BEGIN")
                database.executemany("INSERT INTO record VALUES (?, ?)", rows)
        return time.process_time() - started


def test_checking_and_storing_records_costs_little_more_than_it_must(tmp_path: Path) -> None:
    least = least_cpu_seconds(tmp_path)
    spent = measure(REQUESTS, parallel=2)["cpu_seconds_per_million"] * REQUESTS / 1000
    assert spent <= TIMES_THE_LEAST * least


def test_memory_does_not_grow_with_requests(tmp_path: Path) -> None:
    with command("--database", str(tmp_path / "cdf.sqlite")) as (process, (_, export)):
        raw = raw_of(export)
        set_up(raw)
        memory = psutil.Process(process.pid).memory_info

        def ask(rounds: int) -> None:
            for _ in range(rounds):
                assert raw.upsert(*(a_record(str(number), filled="x" * 100) for number in range(200))).ok
                assert raw.upsert(a_record("a", required="wrong")).status_code == 400
                assert raw.post("/streams/mutable/records/filter", {"limit": 100}).ok
                assert raw.ask_for_token().ok

        ask(100)
        early = memory().rss
        ask(500)
        assert (memory().rss - early) / 1e6 < GROWTH_MB
