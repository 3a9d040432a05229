"""Loads in processes of their own that share a write budget, each of which knows nothing of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dev.shared_budget import Outcome, run_loads, server

LOADS, CONCURRENCY, REQUESTS, BUDGET = 5, 4, 12, 3


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """Five loads that want 20 requests at a time of a budget of 3, less than one for each."""
    with server(BUDGET, latency=0.02) as environment:
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        connection = json.loads(environment["AIRFLOW_CONN_CDF_DEFAULT"])
        connection["extra"]["max_attempts"] = 2  # answers of 429 do not use them up
        environment["AIRFLOW_CONN_CDF_DEFAULT"] = json.dumps(connection)
        return run_loads(environment, LOADS, CONCURRENCY, REQUESTS)


def test_all_loads_end_well_and_lose_nothing(outcome: Outcome) -> None:
    assert [load.error for load in outcome.loads] == [None] * LOADS
    assert len({load.records for load in outcome.loads}) == 1
    assert all(load.requests - load.retries == REQUESTS for load in outcome.loads)
    assert sum(load.retries for load in outcome.loads) > 0


def test_a_load_that_was_refused_wants_less(outcome: Outcome) -> None:
    """Its few requests are not enough for a limit to grow back to what it was."""
    assert all(1 <= load.limit < CONCURRENCY for load in outcome.loads if load.retries)
    assert all(load.limit == CONCURRENCY for load in outcome.loads if not load.retries)


def test_a_load_that_was_refused_pauses(outcome: Outcome) -> None:
    assert all((load.paused > 0) == (load.retries > 0) for load in outcome.loads)
