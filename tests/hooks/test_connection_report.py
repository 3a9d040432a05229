"""``test_connection`` says what a connection can be used for, and never raises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

REFUSED = {"error": {"code": 0, "message": "no rights"}}
WRITES = [{"streamRecordsAcl": {"actions": ["WRITE"]}}, {"dataModelsAcl": {"actions": ["WRITE"]}}]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A CDF that takes all records, and whose answers about the token each test decides."""
    with ScriptedServer() as server:
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": {"token": "ready"}}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        server.answer("/upsert", Answer(202))
        server.answer("/byids", Answer(403, REFUSED))
        server.answer(f"/streams/{STREAM}", Answer(403, REFUSED))
        server.answer("/streams", Answer(200, {"items": []}))
        yield server


def test_a_good_connection_says_who_it_is_and_what_it_may_do(cdf: LocalCdf) -> None:
    good, said = CdfRecordsHook().test_connection()
    assert good
    assert said == (
        f"Project 'local' at {cdf.server.url}, with a token of 'local-client'. "
        "Present: StreamRecordsAcl:WRITE, DataModelsAcl:READ, StreamRecordsAcl:READ, StreamsAcl:READ, "
        "StreamsAcl:CREATE."
    )


def test_what_is_missing_or_partial_is_said(server: ScriptedServer) -> None:
    partial = {"dataModelsAcl": {"actions": ["READ"], "scope": {"spaceIdScope": {"spaceIds": ["plant"]}}}}
    token = {"subject": "me", "projects": [{"projectUrlName": "p"}], "capabilities": [WRITES[0], partial]}
    server.answer("/token/inspect", Answer(200, token))
    good, said = CdfRecordsHook().test_connection()
    assert good
    assert "Present: StreamRecordsAcl:WRITE. Only in some spaces: DataModelsAcl:READ. Missing: Stream" in said
    assert len(server.asked) == 1


def test_a_connection_that_cannot_load_says_what_it_can_do(server: ScriptedServer) -> None:
    token = {"subject": "me", "projects": [{"projectUrlName": "p"}], "capabilities": WRITES[1:]}
    server.answer("/token/inspect", Answer(200, token))
    good, said = CdfRecordsHook().test_connection()
    assert not good
    assert said.startswith("The token has no StreamRecordsAcl:WRITE in project 'p'; give it to a group")
    assert "with a token of 'me'. Present: DataModelsAcl:READ." in said


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_token_that_may_not_inspect_itself_is_tried_on_the_streams(
    server: ScriptedServer, status: int
) -> None:
    server.answer("/token/inspect", Answer(status, REFUSED))
    good, said = CdfRecordsHook().test_connection()
    assert good
    assert "shows it this project's streams" in said
    assert "of an unknown subject" in said
    assert "Not known: StreamRecordsAcl:WRITE" in said
    assert CdfRecordsHook().upsert_records(STREAM, [a_record()]).upserted == 1


def test_a_token_that_may_look_at_nothing_may_be_good(server: ScriptedServer) -> None:
    server.answer("/token/inspect", Answer(403, REFUSED))
    server.answer("/streams", Answer(403, REFUSED))
    good, said = CdfRecordsHook().test_connection()
    assert good
    assert "CDF does not say whether the token is for the project; GET " in said


@pytest.mark.parametrize(("status", "words"), [(401, "CDF refuses the access token"), (404, "with 404")])
def test_a_token_that_the_project_refuses_fails(server: ScriptedServer, status: int, words: str) -> None:
    server.answer("/token/inspect", Answer(401, REFUSED))
    server.answer("/streams", Answer(status, REFUSED))
    good, said = CdfRecordsHook().test_connection()
    assert not good
    assert words in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "elsewhere"}, "The token is good, but not for project 'elsewhere'; its projects: local."),
        ({"password": "wrong"}, "invalid_client"),
        ({"host": "http://127.0.0.1:9"}, "; check the connection's Cluster (host), and the network"),
        (
            {"extra": {"token_url": "http://127.0.0.1:9"}},
            "; check the connection's token URL, and the network. The identity provider",
        ),
        (
            {"extra": {"token_url": "http://127.0.0.1:9", "proxies": "http://127.0.0.1:9"}},
            "; check the proxy, of the connection's extra 'proxies' or of the environment. The identity",
        ),
        ({"schema": ""}, "CDF project (schema) is empty"),
        ({"extra": {"verify": "/no/such/file", "token_url": "https://127.0.0.1:9"}}, "/no/such/file"),
    ],
)
def test_a_bad_connection_says_why(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    connection = json.loads(cdf.server.connection_json()) | changes
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(connection))
    good, said = CdfRecordsHook().test_connection()
    assert not good
    assert message in said


def test_a_connection_that_does_not_exist_fails() -> None:
    good, said = CdfRecordsHook("nowhere").test_connection()
    assert not good
    assert "nowhere" in said
