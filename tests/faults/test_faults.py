"""Whatever happens on the way, the stream holds what a plain sequential model of the source says.

A failing seed is run again by its number: ``pytest tests/faults/test_faults.py -k "Upserts-17"``.
``make soak`` runs ten times as many.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.client import RetryPolicy, throttle
from airflow_provider_cdf_records.hooks import base, connection
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches, checkpoint
from airflow_provider_cdf_records.local_server.http.faults import ALL, ELSEWHERE, Elsewhere
from airflow_provider_cdf_records.sources import iterables
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.faults.conftest import TimeOutFor
from tests.faults.models import ArchivedIngests, Deletes, Ingests, Model, Upserts
from tests.local_cdf import LocalCdf, local_cdf
from tests.state_store import Memory
from tests.waiting import PATIENCE

MODELS = (Upserts, Ingests, Upserts, Deletes, Upserts, ArchivedIngests)
SEEDS = int(os.environ.get("CDF_FAULT_SEEDS", "300"))
A_TRY_ON_ANOTHER_DISK = 0.2  # the share of tries that do not find the rejected file of the one before
TIMING: dict[str, Any] = {"slow": PATIENCE, "late": 0.02, "retry_after": 0.02, "jitter": 0.002}


@pytest.fixture(scope="module")
def servers() -> Iterator[list[LocalCdf]]:
    """A server that stores a refused request not at all, and one that stores its good records."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        local_cdf(monkeypatch) as whole,
        local_cdf(monkeypatch, partial_writes=True) as partial_writes,
    ):
        yield [whole, partial_writes]


@pytest.fixture
def cdf(servers: list[LocalCdf], model: type[Model], seed: int) -> LocalCdf:
    # A 400 is about the form of a request, so an ingest takes nothing of it for stored: records that exist
    # afterwards would be others' records.
    return servers[0 if model is Ingests else seed // len(MODELS) % 2]


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
    # Airflow's masker would look for the tokens of all tests in every line of the log.
    monkeypatch.setattr(base, "mask_secret", lambda _: None)


def a_stream(cdf: LocalCdf, model: Model, name: str) -> str:
    cdf.client.create_stream(name, model.template)
    model.prepare(cdf, name)
    return name


def passing_weather(seed: int) -> dict[str, Any]:
    """Return faults of all kinds that a load gets over in one try."""
    draw = random.Random(seed)
    return {
        "kinds": ALL,
        "elsewhere": {
            "token": Elsewhere(PASSING_ELSEWHERE, rate=draw.choice([0, 0.3])),
            "inspect": Elsewhere(
                [draw.choice(TELLING_NOTHING), *PASSING_ELSEWHERE], rate=draw.choice([0, 0.6])
            ),
            "stream": Elsewhere(["403", "empty object", *PASSING_ELSEWHERE], rate=draw.choice([0, 0.6])),
            "containers": Elsewhere(["403", *PASSING_ELSEWHERE], rate=draw.choice([0, 0.6])),
        },
        "clock_skew": draw.choice([0, -7200, 7200]),
        "lifetime_skew": draw.choice([0, -3595, 7200]),
    }


def any_weather(draw: random.Random) -> dict[str, Any]:
    """Return faults of all kinds, among them refusals of tokens that end a try, at any moment."""
    weather = passing_weather(draw.randrange(10**6))
    ends = draw.random()
    if ends < 0.2:
        weather["elsewhere"]["token"] = Elsewhere([draw.choice(REFUSED_TOKENS)], after=draw.randrange(4))
    elif ends < 0.3:
        weather["elsewhere"]["stream"] = Elsewhere(["401"], after=draw.randrange(2))
    return weather


def connect(monkeypatch: pytest.MonkeyPatch, cdf: LocalCdf, attempts: int) -> None:
    fields = json.loads(cdf.server.connection_json())
    fields["extra"] |= {"timeout": PATIENCE, "max_attempts": attempts}
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))


CASES = [
    pytest.param(model, seed, id=f"{model.__name__}-{seed}")
    for seed in range(SEEDS)
    for model in [MODELS[seed % len(MODELS)]]
]


PASSING_ELSEWHERE = ("429", "500", "503", "502 with HTML", "slow", "cut")
TELLING_NOTHING = tuple(name for name in ELSEWHERE["inspect"] if name not in PASSING_ELSEWHERE)
REFUSED_TOKENS = ("400", "401", "404", "409", "422")


@pytest.mark.parametrize(("model", "seed"), CASES)
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
    with cdf.server.faults(seed, rate=0.35, **TIMING, **passing_weather(seed)) as plan:
        time_out_for(plan)
        hook = CdfRecordsHook(max_concurrency=1 + seed % 4)
        summary = getattr(hook, f"{rows.verb}_records")(
            stream_id, iter(rows.rows), max_rejected=len(rows.rows), rejected_path=str(path)
        )
    rows.check_stream(cdf, stream_id)
    assert summary.read == len(rows.rows) == summary.accepted + summary.superseded + summary.rejected
    rows.check_rejected(path, first=0, in_one_try=True)
    assert summary.rejected == len(path.read_text().splitlines() if path.exists() else [])


@pytest.mark.parametrize(("model", "seed"), CASES)
def test_tries_that_go_on_from_each_other_end_with_the_right_stream(
    model: type[Model],
    seed: int,
    cdf: LocalCdf,
    quick: None,
    time_out_for: TimeOutFor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rows, store, draw = model(seed), Memory(), random.Random(seed)
    stream_id = a_stream(cdf, rows, f"tries-{model.__name__.lower()}-{seed}")
    source, path = tmp_path / "rows.ndjson", tmp_path / "rejected.ndjson"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows.rows))
    connect(monkeypatch, cdf, attempts=3)
    has_left_a_mark, summary, refused = False, None, list[str]()
    for number in range(100):
        with cdf.server.faults(seed * 100 + number, rate=0.45, **TIMING, **any_weather(draw)) as plan:
            time_out_for(plan)
            hook = CdfRecordsHook(max_concurrency=1 + seed % 4)
            try:
                summary = getattr(hook, f"{rows.verb}_file")(
                    stream_id,
                    source,
                    max_rejected=len(rows.bad),
                    rejected_path=str(path),
                    state_store=store,
                )
            except AirflowFailException as error:
                refused.append(str(error))  # which somebody mends before the next try
            except AirflowException:
                pass
            else:
                break
        has_left_a_mark |= checkpoint.KEY in store.kept
        if draw.random() < A_TRY_ON_ANOTHER_DISK:
            path.unlink(missing_ok=True)
    assert summary is not None
    assert all("token" in message for message in refused)
    rows.check_stream(cdf, stream_id)
    assert summary.read == len(rows.rows) == summary.accepted + summary.superseded + summary.rejected
    rows.check_rejected(path, first=1)
    assert not store.kept
    assert summary.resumed_from is None or has_left_a_mark
