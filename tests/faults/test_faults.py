"""Whatever happens on the way, the stream holds what a plain sequential model of the source says.

A failing seed is run again by its number: ``pytest "tests/faults/test_faults.py" -k "[17]"``.
``make soak`` runs ten times as many.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.client import RetryPolicy, throttle
from airflow_provider_cdf_records.hooks import connection
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches, checkpoint
from airflow_provider_cdf_records.sources import iterables
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.faults.conftest import TimeOutFor
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import a_record
from tests.waiting import PATIENCE

SEEDS = range(int(os.environ.get("CDF_FAULT_SEEDS", "140")))
IDENTITIES = 40
TIMING = {"slow": PATIENCE, "late": 0.02, "retry_after": 0.02, "jitter": 0.002}


@pytest.fixture(scope="module")
def cdf() -> Iterator[LocalCdf]:
    with pytest.MonkeyPatch.context() as monkeypatch, local_cdf(monkeypatch) as cdf:
        yield cdf


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, short waits, and a checkpoint at every chance."""
    monkeypatch.setattr(batches, "MAX_RECORDS", 10)
    monkeypatch.setattr(batches, "MAX_HELD", 25)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(iterables, "ITEMS_AT_ONCE", 9)
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    monkeypatch.setattr(throttle, "SPREAD", 0.005)
    monkeypatch.setattr(connection, "RetryPolicy", partial(RetryPolicy, base=0.002, cap=0.02))


class Rows:
    """Rows of a seed: versions of identities, some refused by the server, some by our own checks.

    A row that the server would refuse may never get there, when a later row of its identity is in the same
    batch; every other bad row must be rejected.
    """

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.rows: list[dict[str, Any]] = []
        self.expected: dict[str, Any] = {}
        self.bad: set[int] = set()
        self.surely_rejected: set[int] = set()
        poisoned: dict[str, set[int]] = {}
        for number in range(draw.randrange(60, 200)):
            name = f"r{draw.randrange(IDENTITIES)}"
            row = a_record(name, number=number)
            kind = draw.random()
            if kind < 0.03:
                row = a_record(name, number=f"poison {number}")
                poisoned.setdefault(name, set()).add(number)
                self.bad.add(number)
            elif kind < 0.05:
                row["sources"] = []
                self.bad.add(number)
                self.surely_rejected.add(number)
            else:
                self.expected[name] = {"number": number}
                poisoned.pop(name, None)
            self.rows.append(row)
        self.surely_rejected.update(*poisoned.values())

    def check_rejected(self, path: Path, first: int) -> None:
        """Check that the rejected-records file holds the right rows, each once, counting from ``first``."""
        lines = path.read_text().splitlines() if path.exists() else []
        positions = [json.loads(line)["position"] - first for line in lines]
        assert len(positions) == len(set(positions))
        assert self.surely_rejected <= set(positions) <= self.bad


def a_stream(cdf: LocalCdf, seed: int, kind: str) -> str:
    stream_id = f"{kind}-{seed}"
    settings = {"template": {"name": "BasicLiveData"}}
    cdf.client.post("/streams", {"items": [{"externalId": stream_id, "settings": settings}]})
    return stream_id


def connect(monkeypatch: pytest.MonkeyPatch, cdf: LocalCdf, attempts: int) -> None:
    fields = json.loads(cdf.server.connection_json())
    fields["extra"] |= {"timeout": PATIENCE, "max_attempts": attempts}
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))


@pytest.mark.parametrize("seed", SEEDS)
def test_one_try_ends_with_the_right_stream(
    seed: int,
    cdf: LocalCdf,
    quick: None,
    time_out_for: TimeOutFor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rows, stream_id = Rows(seed), a_stream(cdf, seed, "once")
    path = tmp_path / "rejected.ndjson"
    connect(monkeypatch, cdf, attempts=40)
    with cdf.server.faults(seed, rate=0.35, **TIMING) as plan:
        time_out_for(plan)
        summary = CdfRecordsHook(max_concurrency=1 + seed % 4).upsert_records(
            stream_id, iter(rows.rows), max_rejected=len(rows.rows), rejected_path=str(path)
        )
    assert cdf.held(stream_id) == rows.expected
    assert summary.read == len(rows.rows) == summary.upserted + summary.superseded + summary.rejected
    rows.check_rejected(path, first=0)
    assert summary.retries > 0 or plan.injected.keys() <= {"late"}  # which nobody has to mend


class Memory:
    """A store that outlives the tries of a task, as Airflow's does."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        self.kept[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


@pytest.mark.parametrize("seed", SEEDS[: len(SEEDS) // 2])
def test_tries_that_go_on_from_each_other_end_with_the_right_stream(
    seed: int,
    cdf: LocalCdf,
    quick: None,
    time_out_for: TimeOutFor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rows, stream_id, store = Rows(seed), a_stream(cdf, seed, "tries"), Memory()
    source, path = tmp_path / "rows.ndjson", tmp_path / "rejected.ndjson"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows.rows))
    resumed = Counter[bool]()
    connect(monkeypatch, cdf, attempts=3)
    with cdf.server.faults(seed, rate=0.45, **TIMING) as plan:
        time_out_for(plan)
        summary = None
        for _ in range(100):
            hook = CdfRecordsHook(max_concurrency=1 + seed % 4)
            try:
                summary = hook.upsert_file(
                    stream_id,
                    source,
                    max_rejected=len(rows.bad),
                    rejected_path=str(path),
                    state_store=store,
                )
            except AirflowFailException:
                raise
            except AirflowException:
                resumed[bool(store.kept)] += 1
            else:
                break
    assert summary is not None
    assert cdf.held(stream_id) == rows.expected
    before = summary.resumed_from or 0
    assert before + summary.read == len(rows.rows)
    assert summary.read == summary.upserted + summary.superseded + summary.rejected
    rows.check_rejected(path, first=1)
    assert not store.kept
    assert (before > 0) <= (resumed[True] > 0)
