"""A 409 on upsert and delete: someone else is changing the same records, and no record is at fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.sender import ATTEMPTS_BEFORE_HALVING
from airflow_provider_cdf_records.load.verbs import DELETE, UPSERT
from airflow_provider_cdf_records.records.errors import LoadFailedError
from airflow_provider_cdf_records.sources import RecordsSource
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer, client_of

CONFLICT = Answer(409, {"error": {"code": 409, "message": "records are being changed"}})
ROWS = [a_record(name) for name in "abcd"]
MAX_ATTEMPTS = 6
VERBS = pytest.mark.parametrize("verb", [UPSERT, DELETE], ids=lambda verb: verb.name)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[CdfClient]:
    with client_of(server, max_attempts=MAX_ATTEMPTS) as client:
        yield client


def load(client: CdfClient, verb: Any) -> Load:
    return Load(
        client, verb, STREAM, RecordsSource(ROWS), check_schema=False, max_rejected=1.0, max_concurrency=1
    )


def sent(server: ScriptedServer) -> list[str]:
    return ["".join(item["externalId"] for item in json.loads(asked.body)["items"]) for asked in server.asked]


@VERBS
def test_a_request_is_sent_again_as_it_is(server: ScriptedServer, client: CdfClient, verb: Any) -> None:
    server.answer(f"/records/{verb.name}", CONFLICT, CONFLICT, Answer(202))
    summary = load(client, verb).run()
    assert sent(server) == ["abcd"] * 3
    assert (summary.accepted, summary.rejected, summary.retries) == (4, 0, 2)


@VERBS
def test_a_request_that_goes_on_to_conflict_is_halved(
    server: ScriptedServer, client: CdfClient, verb: Any
) -> None:
    server.answer(f"/records/{verb.name}", *[CONFLICT] * ATTEMPTS_BEFORE_HALVING, CONFLICT, Answer(202))
    summary = load(client, verb).run()
    assert sent(server) == ["abcd"] * ATTEMPTS_BEFORE_HALVING + ["ab", "ab", "cd"]
    assert (summary.accepted, summary.rejected) == (4, 0)


@VERBS
def test_one_that_never_ends_fails_the_load_as_worth_a_retry(
    server: ScriptedServer, client: CdfClient, verb: Any
) -> None:
    server.answer(f"/records/{verb.name}", CONFLICT)
    failing = load(client, verb)
    with pytest.raises(LoadFailedError, match="records are being changed") as failure:
        failing.run()
    assert failure.value.retryable
    assert failing.summary().rejected == 0
    attempts = {part: sent(server).count(part) for part in ("abcd", "ab", "a")}
    assert attempts == {"abcd": ATTEMPTS_BEFORE_HALVING, "ab": ATTEMPTS_BEFORE_HALVING, "a": MAX_ATTEMPTS}


def test_the_stream_is_not_asked_for(server: ScriptedServer, client: CdfClient) -> None:
    server.answer("/records/upsert", CONFLICT, Answer(202))
    load(client, UPSERT).run()
    assert not server.asked_for(f"/streams/{STREAM}")
