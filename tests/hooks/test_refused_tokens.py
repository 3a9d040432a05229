"""A token that is refused in the middle of the work says nothing of records or streams."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

ANY_REFUSAL = [400, 401, 403, 404, 409, 413, 422]
WORDS = "AADSTS700016: no such application"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A CDF that refuses the first token, so that a second one is asked for."""
    with ScriptedServer() as server:
        fields = {
            "conn_type": "cdf",
            "host": server.url,
            "schema": "p",
            "login": "id",
            "password": "secret",
            "extra": {"token_url": f"{server.url}/token", "max_attempts": 2, "max_wait": 1},
        }
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        server.answer("/token", Answer(body={"access_token": "t", "expires_in": 3600}), refusal(400))
        server.answer(f"/streams/{STREAM}", Answer(401))
        server.answer("/records/aggregate", Answer(401))
        for verb in ("/records", "/records/upsert", "/records/delete"):
            server.answer(verb, Answer(401))
        yield server


def refusal(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": "invalid_client", "error_description": WORDS}, named)


def refuse_next_token(server: ScriptedServer, answer: Answer) -> None:
    server.answer("/token", Answer(body={"access_token": "t", "expires_in": 3600}), answer)


CALLS: dict[str, Callable[..., object]] = {
    "upsert": CdfRecordsHook.upsert_records,
    "ingest": CdfRecordsHook.ingest_records,
    "delete": CdfRecordsHook.delete_records,
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", ANY_REFUSAL)
def test_the_identity_providers_refusal_rejects_no_record(
    server: ScriptedServer, call: str, status: int, tmp_path: Path
) -> None:
    refuse_next_token(server, refusal(status))
    rejected = tmp_path / "rejected.ndjson"
    rows = [a_record(str(n)) for n in range(10)]
    with pytest.raises(AirflowFailException, match=WORDS) as failure:
        CALLS[call](
            CdfRecordsHook(), STREAM, rows, check_schema=False, max_rejected=10, rejected_path=rejected
        )
    assert "0 rejected" in str(failure.value)
    assert not rejected.exists()
    assert [asked.path.rpartition("/")[2] for asked in server.asked].count("token") == 2
    assert len(server.asked) == 3


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_identity_provider_that_stays_away_fails_the_load_as_worth_a_retry(
    server: ScriptedServer, call: str, status: int
) -> None:
    refuse_next_token(server, refusal(status, Retry_After="0"))
    with pytest.raises(AirflowException, match=WORDS) as failure:
        CALLS[call](CdfRecordsHook(), STREAM, [a_record()], check_schema=False, max_rejected=1)
    assert not isinstance(failure.value, AirflowFailException)
    assert "0 rejected" in str(failure.value)


def test_a_token_that_cdf_refuses_twice_rejects_no_record(server: ScriptedServer) -> None:
    server.answer("/token", Answer(body={"access_token": "t", "expires_in": 3600}))
    with pytest.raises(AirflowFailException, match="CDF refuses the access token") as failure:
        CdfRecordsHook().upsert_records(STREAM, [a_record()], check_schema=False, max_rejected=1)
    assert "0 rejected" in str(failure.value)


@pytest.mark.parametrize("sensor_class", [CdfStreamSensor, CdfRecordsSensor])
@pytest.mark.parametrize("status", ANY_REFUSAL)
def test_a_sensor_does_not_wait_for_a_token_that_is_refused(
    server: ScriptedServer, sensor_class: type, status: int
) -> None:
    server.answer("/token", refusal(status))
    with pytest.raises(AirflowFailException, match=WORDS):
        sensor_class(task_id="wait", stream_id=STREAM).poke({})


@pytest.mark.parametrize("status", [404, 409])
def test_no_stream_is_created_or_found_with_a_token_that_is_refused(
    server: ScriptedServer, status: int
) -> None:
    refuse_next_token(server, refusal(status))
    with pytest.raises(AirflowFailException, match=WORDS):
        CdfRecordsHook().create_stream(STREAM, "BasicLiveData")
    assert not [asked for asked in server.asked if asked.path.endswith("/streams")]
