"""Whatever an identity provider or CDF answers, a row is rejected only if CDF refused it alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import (
    CdfClient,
    CdfError,
    ClientConfig,
    ClientCredentials,
    RetryPolicy,
)
from airflow_provider_cdf_records.client.retry import PASSING_STATUSES
from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.target_stream import StreamUnusableError
from airflow_provider_cdf_records.load.token_access import MissingCapabilityError
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT, Verb
from airflow_provider_cdf_records.records.errors import LoadFailedError
from airflow_provider_cdf_records.sources import RecordsSource
from tests.sample_records import SPACE, STREAM, a_record
from tests.scripted_server import Answer, Asked, ScriptedServer

ROWS = [a_record(name) for name in "abcdef"]
PATHS = {"upsert": "/records/upsert", "ingest": "/records", "delete": "/records/delete"}
OF_RECORDS = {
    "upsert": {400, 404, 413, 422},
    "ingest": {400, 404, 409, 413, 422},
    "delete": {400, 404, 413, 422},
}  # statuses that may be the fault of a record
PASSING_HEADER = {"cdf-is-auto-retryable": "true", "Retry-After": "0"}

IDENTIFIERS = st.lists(
    st.sampled_from(ROWS).map(lambda row: {"space": SPACE, "externalId": row["externalId"]})
)
ERRORS = st.fixed_dictionaries(
    {"code": st.integers(), "message": st.text(max_size=9)},
    optional={"missing": IDENTIFIERS, "duplicated": IDENTIFIERS, "failed": IDENTIFIERS},
)
BODIES = st.one_of(
    ERRORS.map(lambda error: json.dumps({"error": error})),
    st.sampled_from(["", "{}", "null", "<html>", '{"error": "invalid_client"}', "[]", '{"items": []}']),
    st.just(json.dumps({"access_token": "t", "expires_in": 1})),
)
STATUSES = st.one_of(
    st.sampled_from([200, 202, 400, 401, 403, 404, 409, 413, 422, 429, 500, 503]), st.integers(200, 599)
)


def answers(
    statuses: st.SearchStrategy[int], bodies: st.SearchStrategy[str] = BODIES
) -> st.SearchStrategy[Answer]:
    headers = st.sampled_from([{}, {}, {}, {"Retry-After": "0"}, PASSING_HEADER])
    return st.builds(Answer, statuses, bodies, headers, reset=st.sampled_from([False] * 9 + [True]))


ANY = answers(STATUSES)
REFUSALS = answers(
    st.sampled_from([400, 404, 409, 413, 422]), ERRORS.map(lambda error: json.dumps({"error": error}))
)
WRITES = st.one_of(REFUSALS, REFUSALS, st.just(Answer(202)), ANY)
GOOD_TOKEN = Answer(body={"access_token": "t", "expires_in": 3600})
TOKENS = st.one_of(st.just(GOOD_TOKEN), st.just(GOOD_TOKEN), ANY)
LOOKS = st.one_of(st.just(Answer(403)), st.just(Answer(403)), ANY)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def refused_alone(asked: Asked, verb: Verb[Any]) -> str | None:
    """Return the record of a request that was refused for a fault that can be its own."""
    answer, items = asked.answer, asked.json["items"]
    is_passing = answer.status in PASSING_STATUSES or "cdf-is-auto-retryable" in answer.headers
    if len(items) > 1 or answer.reset or is_passing or answer.status not in OF_RECORDS[verb.name]:
        return None
    return str(items[0]["externalId"])


@given(
    verb=st.sampled_from([UPSERT, INGEST, DELETE]),
    writes=st.lists(WRITES, min_size=1, max_size=12),
    tokens=st.lists(TOKENS, min_size=1, max_size=4),
    inspected=LOOKS,
    stream=LOOKS,
    containers=LOOKS,
    check_schema=st.booleans(),
)
def test_a_row_is_rejected_only_after_it_was_refused_alone(
    server: ScriptedServer,
    verb: Verb[Any],
    writes: list[Answer],
    tokens: list[Answer],
    inspected: Answer,
    stream: Answer,
    containers: Answer,
    check_schema: bool,
) -> None:
    server.asked.clear()
    server.answer("/token", *tokens)
    server.answer("/token/inspect", inspected)
    server.answer(f"/streams/{STREAM}", stream)
    server.answer("/containers/byids", containers)
    server.answer(PATHS[verb.name], *writes)
    credentials = ClientCredentials("id", "secret", f"{server.url}/token")
    retry = RetryPolicy(
        max_attempts=3, max_wait=0.05, base=0.0001, cap=0.0001
    )  # 429s count for the wait alone
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rejected.ndjson"
        with CdfClient(ClientConfig(server.url, "p", credentials, environment=False, retry=retry)) as client:
            load = Load(
                client,
                verb,
                STREAM,
                RecordsSource(ROWS),
                check_schema=check_schema,
                max_rejected=1.0,
                rejected_path=path,
            )
            with suppress(LoadFailedError, CdfError, MissingCapabilityError, StreamUnusableError):
                load.run()
        lines = [json.loads(line) for line in path.open("rb")] if path.exists() else []
    event(f"rejected: {len(lines)}")
    summary = load.summary()
    assert summary.rejected == len(lines)
    asked = [asked for asked in server.asked if asked.path.endswith(PATHS[verb.name])]
    refused = {refused_alone(one, verb) for one in asked}
    for line in lines:
        assert line["status"] is None or line["externalId"] in refused
        assert line["status"] is not None or "container" in line["message"]
