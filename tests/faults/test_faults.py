"""Whatever happens on the way, the stream holds what a plain sequential model of the source says.

A failing seed is run again by its number: ``pytest tests/faults/test_faults.py -k "Upserts-17"``.
``make soak`` runs ten times as many.
"""

from __future__ import annotations

import json
import os
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
from airflow_provider_cdf_records.local_server.http.faults import ALL
from airflow_provider_cdf_records.sources import iterables
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.faults.conftest import TimeOutFor
from tests.faults.models import ArchivedIngests, Deletes, Ingests, Model, Upserts
from tests.local_cdf import LocalCdf, local_cdf
from tests.waiting import PATIENCE

SEEDS = int(os.environ.get("CDF_FAULT_SEEDS", "300"))
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
    monkeypatch.setattr(iterables, "ROWS_AT_ONCE", 9)
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    monkeypatch.setattr(throttle, "SPREAD", 0.005)
    monkeypatch.setattr(connection, "RetryPolicy", partial(RetryPolicy, base=0.002, cap=0.02))


def a_stream(cdf: LocalCdf, model: Model, name: str) -> str:
    cdf.client.create_stream(name, model.template)
    model.prepare(cdf, name)
    return name


def cases(share: float = 1.0) -> list[Any]:
    """Return models with seeds: most of them upserts, which are what most loads are."""
    shares = {Upserts: 1.0, Ingests: 0.4, ArchivedIngests: 0.2, Deletes: 0.2}
    return [
        pytest.param(model, seed, id=f"{model.__name__}-{seed}")
        for model, of_all in shares.items()
        for seed in range(int(SEEDS * of_all * share))
    ]


def connect(monkeypatch: pytest.MonkeyPatch, cdf: LocalCdf, attempts: int) -> None:
    fields = json.loads(cdf.server.connection_json())
    fields["extra"] |= {"timeout": PATIENCE, "max_attempts": attempts}
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))


@pytest.mark.parametrize(("model", "seed"), cases())
def test_one_try_ends_with_the_right_stream(
    model: type[Model],
    seed: int,
    cdf: LocalCdf,
    quick: None,
    time_out_for: TimeOutFor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rows = model(seed)
    stream_id = a_stream(cdf, rows, f"once-{model.__name__.lower()}-{seed}")
    path = tmp_path / "rejected.ndjson"
    connect(monkeypatch, cdf, attempts=40)
    with cdf.server.faults(seed, rate=0.35, kinds=ALL, **TIMING) as plan:
        time_out_for(plan)
        hook = CdfRecordsHook(max_concurrency=1 + seed % 4)
        summary = getattr(hook, f"{rows.verb}_records")(
            stream_id, iter(rows.rows), max_rejected=len(rows.rows), rejected_path=str(path)
        )
    rows.check_stream(cdf, stream_id)
    assert summary.read == len(rows.rows) == summary.accepted + summary.superseded + summary.rejected
    rows.check_rejected(path, first=0, in_one_try=True)
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


@pytest.mark.parametrize(("model", "seed"), cases(0.5))
def test_tries_that_go_on_from_each_other_end_with_the_right_stream(
    model: type[Model],
    seed: int,
    cdf: LocalCdf,
    quick: None,
    time_out_for: TimeOutFor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rows, store = model(seed), Memory()
    stream_id = a_stream(cdf, rows, f"tries-{model.__name__.lower()}-{seed}")
    source, path = tmp_path / "rows.ndjson", tmp_path / "rejected.ndjson"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows.rows))
    resumed = Counter[bool]()
    connect(monkeypatch, cdf, attempts=3)
    with cdf.server.faults(seed, rate=0.45, kinds=ALL, **TIMING) as plan:
        time_out_for(plan)
        summary = None
        for _ in range(100):
            hook = CdfRecordsHook(max_concurrency=1 + seed % 4)
            try:
                summary = getattr(hook, f"{rows.verb}_file")(
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
    rows.check_stream(cdf, stream_id)
    assert summary.read == len(rows.rows) == summary.accepted + summary.superseded + summary.rejected
    rows.check_rejected(path, first=1)
    assert not store.kept
    assert (summary.resumed_from is not None) <= (resumed[True] > 0)
