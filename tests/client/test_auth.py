from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest

from airflow_provider_cdf_records.client import (
    CdfApiError,
    CdfAuthError,
    CdfClient,
    ClientCredentials,
    RetryPolicy,
    StaticToken,
)
from airflow_provider_cdf_records.client.throttle import SPREAD
from tests.client.clocks import JumpingClock, StoppedClock
from tests.client.conftest import QUICK, SECRET, MakeClient, a_token, an_error
from tests.scripted_server import Answer, ScriptedServer
from tests.waiting import PATIENCE


def bearers(server: ScriptedServer) -> list[str]:
    return [asked.headers["authorization"].removeprefix("Bearer ") for asked in server.asked_for("/upsert")]


def test_the_token_is_asked_for_as_the_standard_says(client: CdfClient, server: ScriptedServer) -> None:
    client.upsert_records("alarms", b"{}")
    (asked,) = server.asked_for("/token")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["id"],
        "client_secret": [SECRET],
        "scope": ["a b"],
    }


def test_a_token_that_many_threads_miss_is_one_warning(
    make_client: MakeClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    all_wait = threading.Barrier(4)
    server.answer("/token", Answer(503, before=lambda: all_wait.wait(PATIENCE)), a_token("later"))
    client = make_client(pool_size=4, retry=RetryPolicy(max_attempts=9, base=0.01))

    def upsert(number: int) -> None:
        if number:
            all_wait.wait(PATIENCE)
        client.upsert_records("alarms", b"{}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upsert, range(4)))
    assert caplog.text.count("attempt 1 of 9") == 1


def test_an_audience_is_sent_where_one_is_set(make_client: MakeClient, server: ScriptedServer) -> None:
    make_client(auth=ClientCredentials("id", SECRET, f"{server.url}/token", audience="cdf")).upsert_records(
        "a", b"{}"
    )
    form = parse_qs(server.asked_for("/token")[0].body.decode())
    assert form["audience"] == ["cdf"]
    assert "scope" not in form


def test_a_token_is_got_once_for_all_threads(make_client: MakeClient, server: ScriptedServer) -> None:
    client = make_client(pool_size=8)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.upsert_records("alarms", b"{}"), range(32)))
    assert len(server.asked_for("/token")) == 1
    assert set(bearers(server)) == {"token-1"}


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(3600, 3570), (20, 10)])
def test_a_token_is_renewed_ahead_of_its_expiry(
    make_client: MakeClient, server: ScriptedServer, lifetime: float, renewed_after: float
) -> None:
    clock = StoppedClock()
    client = make_client(clock=clock)
    server.answer("/token", a_token("old", expires_in=lifetime), a_token("new"))
    client.upsert_records("alarms", b"{}")
    clock.advance(renewed_after - 1)
    client.upsert_records("alarms", b"{}")
    clock.advance(1)
    client.upsert_records("alarms", b"{}")
    assert bearers(server) == ["old", "old", "new"]


@pytest.mark.parametrize("lifetime", ["1" + "0" * 400, '"soon"', "null", "[1]", "true"])
def test_a_lifetime_that_makes_no_sense_is_one_that_is_not_known(
    client: CdfClient, server: ScriptedServer, lifetime: str
) -> None:
    server.answer("/token", Answer(body=f'{{"access_token": "token-1", "expires_in": {lifetime}}}'))
    client.upsert_records("alarms", b"{}")
    assert server.asked_for("/upsert")[0].headers["authorization"] == "Bearer token-1"


def test_a_401_renews_the_token_once_and_sends_again(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/token", a_token("old"), a_token("new"))
    server.answer("/upsert", an_error(401), Answer(202))
    client.upsert_records("alarms", b'{"items":[1]}')
    assert bearers(server) == ["old", "new"]
    assert server.asked_for("/upsert")[1].json == {"items": [1]}


def test_a_401_of_the_look_at_the_token_does_not_mean_that_it_is_bad(
    client: CdfClient, server: ScriptedServer
) -> None:
    server.answer("/token/inspect", an_error(401, "no rights to look"))
    with pytest.raises(CdfApiError, match="no rights to look") as failure:
        client.inspect_token()
    assert not isinstance(failure.value, CdfAuthError)
    assert len(server.asked_for("/token")) == 1


def test_a_token_that_is_not_issued_fails_the_look_at_it(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/token", Answer(401, {"error": "invalid_client"}))
    with pytest.raises(CdfAuthError, match="invalid_client"):
        client.inspect_token()


def test_a_401_on_a_fresh_token_is_final(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(401, "Unauthorized"))
    with pytest.raises(CdfAuthError, match="check scopes and audience") as failure:
        client.upsert_records("alarms", b"{}")
    assert not failure.value.retryable
    assert len(server.asked_for("/upsert")) == 2


def test_many_401s_at_once_renew_the_token_once(make_client: MakeClient, server: ScriptedServer) -> None:
    client = make_client(pool_size=4)
    server.answer("/token", a_token("old"), a_token("new"))
    together = threading.Barrier(4, timeout=PATIENCE)
    refusals = [Answer(401, {"error": {"message": "expired"}}, before=together.wait) for _ in range(4)]
    server.answer("/upsert", *refusals, Answer(202))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.upsert_records("alarms", b"{}"), range(4)))
    assert len(server.asked_for("/token")) == 2
    assert sorted(bearers(server)) == ["new"] * 4 + ["old"] * 4


def test_a_ready_token_is_used_and_cannot_be_renewed(make_client: MakeClient, server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(401, "Unauthorized"))
    with pytest.raises(CdfAuthError, match="extra 'token'"):
        make_client(auth=StaticToken("ready")).upsert_records("alarms", b"{}")
    assert bearers(server) == ["ready"]
    assert not server.asked_for("/token")


def test_wrong_credentials_are_named_without_the_secret(client: CdfClient, server: ScriptedServer) -> None:
    refusal = {"error": "invalid_client", "error_description": f"the secret {SECRET} is wrong"}
    server.answer("/token", Answer(401, refusal))
    with pytest.raises(
        CdfAuthError, match=r"invalid_client.*Client ID \(login\), Client secret \(password\)"
    ) as failure:
        client.upsert_records("alarms", b"{}")
    assert SECRET not in str(failure.value)
    assert not failure.value.retryable
    assert len(server.asked_for("/token")) == 1


def test_an_identity_provider_that_is_down_for_a_moment_is_asked_again(
    client: CdfClient, server: ScriptedServer
) -> None:
    server.answer("/token", Answer(503, "<html>later</html>"), a_token())
    client.upsert_records("alarms", b"{}")
    assert len(server.asked_for("/token")) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_a_refusal_of_the_identity_provider_is_no_error_of_the_api(
    client: CdfClient, server: ScriptedServer, status: int
) -> None:
    refusal = {"error": "invalid_scope", "error_description": "AADSTS500011: unknown resource"}
    server.answer("/token", Answer(status, refusal))
    with pytest.raises(CdfAuthError, match="invalid_scope: AADSTS500011") as failure:
        client.upsert_records("alarms", b"{}")
    assert not isinstance(failure.value, CdfApiError)
    assert (failure.value.status, failure.value.retryable) == (status, False)
    assert len(server.asked_for("/token")) == 1
    assert not failure.value.may_be_applied


@pytest.mark.parametrize(
    "answer",
    [
        Answer(408, f"slow {SECRET}"),
        Answer(429, f"busy {SECRET}"),
        Answer(500, f"<html>{SECRET}</html>"),
        Answer(503, {"error": "busy", "error_description": SECRET}),
        Answer(reset=True),
        Answer(body='{"access', cut=3),
        Answer(body="<html>a login page</html>"),
    ],
    ids=["408", "429", "500", "503", "reset", "cut short", "html"],
)
def test_an_identity_provider_that_stays_down_is_no_error_of_the_api(
    client: CdfClient, server: ScriptedServer, answer: Answer
) -> None:
    server.answer("/token", answer)
    with pytest.raises(CdfAuthError, match=r"The identity provider gave no token\.") as failure:
        client.upsert_records("alarms", b"{}")
    assert failure.value.retryable
    assert not failure.value.may_be_applied
    assert len(server.asked_for("/token")) == QUICK.max_attempts
    assert SECRET not in str(failure.value)


def test_the_identity_providers_retry_after_is_waited_for(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    clock = JumpingClock()
    started = clock.now
    server.answer("/token", an_error(503, Retry_After="7"), a_token())
    make_client(clock=clock, retry=RetryPolicy()).upsert_records("alarms", b"{}")
    assert 7 <= clock.now - started <= 7 + SPREAD


@pytest.mark.parametrize(("before", "may_be_applied"), [(503, True), (429, False)])
def test_a_token_refused_between_attempts_leaves_in_doubt_what_was(
    make_client: MakeClient, server: ScriptedServer, before: int, may_be_applied: bool
) -> None:
    server.answer("/token", a_token(), an_error(400))
    server.answer("/upsert", an_error(before), an_error(401))
    with pytest.raises(CdfAuthError) as failure:
        make_client().upsert_records("alarms", b"{}")
    assert failure.value.may_be_applied is may_be_applied


@pytest.mark.parametrize(
    "answer",
    [{"hello": "world"}, [], None, {"access_token": ""}, {"access_token": None}]
    + [{"access_token": token} for token in (["t"], "line\nend", "a b", "\u20ac", "\x00")],
    ids=repr,
)
def test_an_answer_without_a_token_is_final(client: CdfClient, server: ScriptedServer, answer: Any) -> None:
    server.answer("/token", Answer(200, json.dumps(answer)))
    with pytest.raises(CdfAuthError, match="without an access_token"):
        client.upsert_records("alarms", b"{}")


def test_a_token_that_another_sender_was_given_and_that_expired_is_renewed_too(
    client: CdfClient, server: ScriptedServer
) -> None:
    """A request is refused, renews the token, and meanwhile that one has worked for others and expired."""
    client.upsert_records("s", b'{"items": []}')

    def use_the_new_token() -> None:
        client.get("/others")

    server.answer("/others", Answer(200))
    server.answer("/upsert", an_error(401), Answer(401, {"error": {}}, before=use_the_new_token), Answer(202))
    client.upsert_records("s", b'{"items": []}')
    assert len(server.asked_for("/token")) == 3
