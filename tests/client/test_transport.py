from __future__ import annotations

import gc
import gzip
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_cdf_records import __version__
from airflow_provider_cdf_records.client import (
    CdfApiError,
    CdfAuthError,
    CdfCancelledError,
    CdfClient,
    CdfConnectionError,
    ClientCredentials,
    RetryPolicy,
    StaticToken,
    Traffic,
)
from airflow_provider_cdf_records.client.throttle import SPREAD
from tests.client.clocks import JumpingClock, StoppedClock
from tests.client.conftest import MakeClient, a_token, an_error
from tests.scripted_server import Answer, ScriptedServer, client_of
from tests.waiting import PATIENCE, SOON, wait_until

CHUNKED = {"Transfer-Encoding": "chunked"}


def test_upsert_posts_the_body_to_the_stream(client: CdfClient, server: ScriptedServer) -> None:
    client.upsert_records("alarms", b'{"items":[1]}')
    (asked,) = server.asked_for("/upsert")
    assert asked.path == "/api/v1/projects/p/streams/alarms/records/upsert"
    assert asked.json == {"items": [1]}
    assert asked.headers["content-type"] == "application/json"


def test_requests_name_the_provider_and_its_version(client: CdfClient, server: ScriptedServer) -> None:
    client.upsert_records("alarms", b"{}")
    headers = server.asked_for("/upsert")[0].headers
    assert headers["x-cdp-app"] == f"airflow-provider-cdf-records/{__version__}"
    assert headers["user-agent"].startswith(f"airflow-provider-cdf-records/{__version__} ")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_a_success(client: CdfClient, server: ScriptedServer, status: int) -> None:
    server.answer("/upsert", Answer(status, "" if status == 204 else "{}"))
    client.upsert_records("alarms", b"{}")


def test_bodies_are_compressed_where_asked(make_client: MakeClient, server: ScriptedServer) -> None:
    body = b'{"items":[' + b"1," * 10_000 + b"1]}"
    client = make_client(gzip=True)
    client.upsert_records("alarms", body)
    (asked,) = server.asked_for("/upsert")
    assert asked.body == body
    assert len(asked.raw) < len(body) / 10
    assert client.traffic.bytes_sent == len(asked.raw)


def test_one_connection_serves_all_requests(client: CdfClient, server: ScriptedServer) -> None:
    for _ in range(5):
        client.upsert_records("alarms", b"{}")
    assert len({asked.peer for asked in server.asked}) == 1


def test_requests_leave_nothing_for_the_garbage_collection(client: CdfClient) -> None:
    def held() -> int:
        parts = {"tenacity", "requests", "urllib3"}
        return sum(str(type(thing).__module__).partition(".")[0] in parts for thing in gc.get_objects())

    client.upsert_records("alarms", b"{}")
    gc.collect()
    gc.disable()
    try:
        before = held()
        for _ in range(20):
            client.upsert_records("alarms", b"{}")
        assert held() - before < 20
    finally:
        gc.enable()


def test_the_pool_is_as_large_as_the_parallelism(make_client: MakeClient, server: ScriptedServer) -> None:
    together = threading.Barrier(3, timeout=PATIENCE)
    server.answer("/upsert", Answer(before=together.wait))
    client = make_client(pool_size=3)
    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: client.upsert_records("alarms", b"{}"), range(3)))
    assert len({asked.peer for asked in server.asked_for("/upsert")}) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(client: CdfClient, server: ScriptedServer, status: int) -> None:
    server.answer("/upsert", Answer(status, "<html>oops</html>"), Answer(202))
    client.upsert_records("alarms", b'{"items":[7]}')
    assert [asked.json for asked in server.asked_for("/upsert")] == [{"items": [7]}] * 2
    assert (client.traffic.requests, client.traffic.retries) == (2, 1)


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_final_failure_is_not(client: CdfClient, server: ScriptedServer, status: int) -> None:
    server.answer("/upsert", an_error(status, "that will not do"))
    with pytest.raises(CdfApiError, match="that will not do") as failure:
        client.upsert_records("alarms", b"{}")
    assert (failure.value.status, failure.value.retryable) == (status, False)
    assert len(server.asked_for("/upsert")) == 1


@pytest.mark.parametrize("write", [CdfClient.upsert_records, CdfClient.delete_records])
def test_a_conflict_with_other_changes_passes(
    client: CdfClient, server: ScriptedServer, write: Callable[..., None]
) -> None:
    conflict = an_error(409, "records are being changed")
    for path in ("/upsert", "/delete"):
        server.answer(path, conflict, conflict, Answer(202))
    write(client, "alarms", b"{}")
    assert client.traffic.requests == 3
    for path in ("/upsert", "/delete"):
        server.answer(path, conflict)
    with pytest.raises(CdfApiError) as failure:
        write(client, "alarms", b"{}", conflict_attempts=2)
    assert client.traffic.requests == 5
    assert (failure.value.retryable, failure.value.may_be_applied) == (True, True)


def test_a_conflict_of_an_ingest_is_final(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/records", an_error(409, "it exists"))
    with pytest.raises(CdfApiError) as failure:
        client.ingest_records("alarms", b"{}")
    assert (client.traffic.requests, failure.value.retryable) == (1, False)


def test_the_server_may_call_any_failure_passing(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(400, cdf_is_auto_retryable="true"), Answer(202))
    client.upsert_records("alarms", b"{}")
    assert len(server.asked_for("/upsert")) == 2


@pytest.mark.parametrize(
    "broken",
    [
        Answer(reset=True),
        Answer(202, body='{"half": 1}', cut=4),
        Answer(202, body="<html>half a page</html>", cut=1),
        Answer(202, "2\r\n{}\r\n0\r\n\r\n", CHUNKED, cut=5),
        Answer(202, "2\r\n{}\r\n0\r\n\r\n", CHUNKED, cut=8),
        Answer(202, gzip.compress(b"{}"), {"Content-Encoding": "gzip"}, cut=3),
        Answer(200, body="\n<!doctype html><title>Log in to the guest network</title>"),
    ],
    ids=["reset", "cut", "html", "without the last chunk", "half a chunk", "compressed", "a login page"],
)
def test_a_broken_answer_is_tried_again(client: CdfClient, server: ScriptedServer, broken: Answer) -> None:
    server.answer("/upsert", broken, Answer(202))
    client.upsert_records("alarms", b"{}")
    assert len(server.asked_for("/upsert")) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer(202, "0\r\n\r\n", CHUNKED),
        Answer(202, "", {"Content-Type": "application/json"}),
        Answer(202, "<html>a page</html>", {"Content-Type": "text/html"}),
        Answer(202, '{"half'),
        Answer(202, b"\xff\xfe\x00"),
        Answer(202, "{}", {"Content-Encoding": "gzip"}),
        Answer(202, "{}", {"Content-Encoding": "unheard-of"}),
        Answer(202, "[" * 100_000),
        Answer(207, '{"error": {"code": 400}}'),
        Answer(299, "null"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "write", [CdfClient.upsert_records, CdfClient.ingest_records, CdfClient.delete_records]
)
def test_a_write_that_is_answered_with_any_2xx_is_done_whatever_the_body(
    client: CdfClient, server: ScriptedServer, answer: Answer, write: Callable[..., None]
) -> None:
    for path in ("/records", "/records/upsert", "/records/delete"):
        server.answer(path, answer)
    for _ in range(6):  # more than there are connections: each of them can be used again
        write(client, "alarms", b"{}")
    assert client.traffic == Traffic(requests=6, retries=0, bytes_sent=12)


@pytest.mark.parametrize("status", [300, 304, 305])
def test_what_is_no_2xx_is_no_success(client: CdfClient, server: ScriptedServer, status: int) -> None:
    server.answer("/upsert", Answer(status, ""))
    with pytest.raises(CdfApiError) as failure:
        client.upsert_records("alarms", b"{}")
    assert failure.value.status == status


@pytest.mark.parametrize("body", ["<html>a login page</html>", '{"half', b"\xff"])
def test_a_query_that_is_answered_without_json_is_asked_again(
    client: CdfClient, server: ScriptedServer, body: str | bytes
) -> None:
    server.answer("/records/filter", Answer(200, body), Answer(200, '{"items": []}'))
    assert client.filter_records("alarms") == []
    assert len(server.asked_for("/records/filter")) == 2


def test_answers_are_decompressed(client: CdfClient, server: ScriptedServer) -> None:
    body = gzip.compress(b'{"items": [{"externalId": "a"}]}')
    server.answer("/records/filter", Answer(200, body, {"Content-Encoding": "gzip"}))
    assert client.filter_records("alarms") == [{"externalId": "a"}]


def test_the_status_counts_also_where_the_body_cannot_be_decompressed(
    client: CdfClient, server: ScriptedServer
) -> None:
    refusal = {"error": {"code": 400, "message": "that will not do"}}
    server.answer("/upsert", Answer(400, refusal, {"Content-Encoding": "gzip"}))
    with pytest.raises(CdfApiError, match="that will not do"):
        client.upsert_records("alarms", b"{}")


def test_a_slow_answer_is_tried_again(make_client: MakeClient, server: ScriptedServer) -> None:
    has_stored = threading.Event()
    server.answer("/upsert", Answer(before=lambda: has_stored.wait(PATIENCE)), Answer(202))
    patient = RetryPolicy(max_attempts=1000, base=0.01, cap=0.05)  # on a slow machine others time out, too
    make_client(timeout=0.2, retry=patient).upsert_records("alarms", b"{}")
    assert len(server.asked_for("/upsert")) >= 2
    has_stored.set()


def test_attempts_are_bounded(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(503, "busy"))
    with pytest.raises(CdfApiError, match="busy") as failure:
        client.upsert_records("alarms", b"{}")
    assert failure.value.retryable
    assert len(server.asked_for("/upsert")) == 4


def test_waiting_is_bounded(make_client: MakeClient, server: ScriptedServer) -> None:
    clock = JumpingClock()
    started = clock.now
    server.answer("/upsert", an_error(429, Retry_After="3"))
    with pytest.raises(CdfApiError):
        make_client(clock=clock, retry=RetryPolicy(max_wait=10)).upsert_records("alarms", b"{}")
    assert 9 <= clock.now - started <= 10
    assert len(server.asked_for("/upsert")) == 4


@pytest.mark.parametrize(
    ("before", "may_be_applied"),
    [
        (Answer(reset=True), True),
        (Answer(body='{"half": 1}', cut=4), True),
        (an_error(408), True),
        (an_error(500), True),
        (an_error(503, Retry_After="0"), True),
        (an_error(409, cdf_is_auto_retryable="true"), True),
        (an_error(429), False),
        (an_error(401), False),
    ],
    ids=["reset", "cut short", "408", "500", "503", "auto-retryable", "429", "401"],
)
def test_an_error_says_whether_an_earlier_attempt_may_be_applied(
    client: CdfClient, server: ScriptedServer, before: Answer, may_be_applied: bool
) -> None:
    server.answer("/records", before, an_error(409, "exists already"))
    with pytest.raises(CdfApiError, match="exists already") as failure:
        client.ingest_records("alarms", b"{}")
    assert failure.value.may_be_applied is may_be_applied


def test_what_an_attempt_before_the_last_one_left_open_is_not_forgotten(
    client: CdfClient, server: ScriptedServer
) -> None:
    server.answer("/records", an_error(503), an_error(429), an_error(409))
    with pytest.raises(CdfApiError) as failure:
        client.ingest_records("alarms", b"{}")
    assert failure.value.may_be_applied


def test_a_request_that_times_out_may_be_applied(make_client: MakeClient, server: ScriptedServer) -> None:
    over = threading.Event()
    server.answer("/records", Answer(before=lambda: over.wait(PATIENCE)))
    client = make_client(timeout=0.2, auth=StaticToken("t"), retry=RetryPolicy(max_attempts=1))
    with pytest.raises(CdfConnectionError) as failure:
        client.ingest_records("alarms", b"{}")
    over.set()
    assert failure.value.may_be_applied


def test_what_other_calls_and_the_identity_provider_leave_open_does_not_count(
    client: CdfClient, server: ScriptedServer
) -> None:
    server.answer("/token", an_error(503), a_token())
    server.answer("/records", an_error(409))
    server.answer("/upsert", an_error(503), an_error(400))
    with pytest.raises(CdfApiError) as others:
        client.upsert_records("alarms", b"{}")
    with pytest.raises(CdfApiError) as failure:
        client.ingest_records("alarms", b"{}")
    assert (others.value.may_be_applied, failure.value.may_be_applied) == (True, False)


def test_calls_at_the_same_time_know_only_their_own_attempts(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    client = make_client(pool_size=2)
    together = threading.Barrier(2, timeout=PATIENCE)
    no_capacity = {"error": {"message": "later"}}
    server.answer("/broken/records", Answer(503, no_capacity, before=together.wait), an_error(409))
    server.answer("/sound/records", Answer(429, no_capacity, before=together.wait), an_error(409))

    def outcome(stream_id: str) -> bool:
        with pytest.raises(CdfApiError) as failure:
            client.ingest_records(stream_id, b"{}")
        return failure.value.may_be_applied

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(outcome, ["broken", "sound"])) == [True, False]


def test_a_request_that_was_never_sent_is_not_applied(make_client: MakeClient) -> None:
    with pytest.raises(CdfConnectionError) as failure:
        make_client(base_url="http://127.0.0.1:9", auth=StaticToken("t")).ingest_records("alarms", b"{}")
    assert not failure.value.may_be_applied


def test_nothing_listening_is_an_error_that_may_pass(make_client: MakeClient) -> None:
    with pytest.raises(CdfConnectionError, match=r"POST http://127.0.0.1:9/") as failure:
        make_client(base_url="http://127.0.0.1:9").upsert_records("alarms", b"{}")
    assert failure.value.retryable


@pytest.mark.parametrize(
    "answer",
    [
        an_error(429, Retry_After="5"),
        an_error(503, Retry_After="5"),
        an_error(503, Date="Fri, 02 Jan 2099 03:04:05 GMT", Retry_After="Fri, 02 Jan 2099 03:04:10 GMT"),
    ],
    ids=["429", "503", "a date, which counts from the server's clock"],
)
def test_retry_after_is_waited_for(make_client: MakeClient, server: ScriptedServer, answer: Answer) -> None:
    clock = JumpingClock()
    started = clock.now
    server.answer("/upsert", answer, Answer(202))
    make_client(clock=clock, retry=RetryPolicy()).upsert_records("alarms", b"{}")
    assert 5 <= clock.now - started <= 5 + SPREAD


def test_a_pause_holds_all_senders(make_client: MakeClient, server: ScriptedServer) -> None:
    clock = StoppedClock()
    client = make_client(pool_size=2, clock=clock)
    server.answer("/upsert", an_error(429, Retry_After="3"), Answer(202))
    with ThreadPoolExecutor(2) as pool:
        throttled = pool.submit(client.upsert_records, "alarms", b"{}")
        clock.until_somebody_waits()
        other = pool.submit(client.upsert_records, "alarms", b"{}")
        clock.until_somebody_waits(2)
        assert len(server.asked_for("/upsert")) == 1
        while not (throttled.done() and other.done()):
            clock.advance(1)
    assert len(server.asked_for("/upsert")) == 3
    assert clock.now >= 1003


def test_an_error_carries_all_that_the_answer_says(client: CdfClient, server: ScriptedServer) -> None:
    missing, duplicated = [{"space": "s", "externalId": "m"}], [{"externalId": "d"}]
    body = {"error": {"code": 400, "message": "bad", "missing": missing, "duplicated": duplicated}}
    server.answer("/upsert", Answer(400, body, {"x-request-id": "req-7"}))
    with pytest.raises(CdfApiError) as failure:
        client.upsert_records("alarms", b"{}")
    error = failure.value
    assert (error.status, error.message, error.request_id) == (400, "bad", "req-7")
    assert (error.missing, error.duplicated) == (missing, duplicated)
    assert "/records/upsert was answered with 400: bad" in str(error)
    assert "req-7" in str(error)


def test_an_error_page_of_a_proxy_is_quoted(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/upsert", Answer(403, "<html>\n Blocked by policy</html>"))
    with pytest.raises(CdfApiError, match="Blocked by policy"):
        client.upsert_records("alarms", b"{}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_that_names_the_host_field(
    client: CdfClient, server: ScriptedServer, status: int
) -> None:
    server.answer("/upsert", Answer(status, "<p>Moved", {"Location": "https://login.example.com/?for=me"}))
    with pytest.raises(
        CdfApiError, match=r"to https://login\.example\.com/; .*Cluster \(host\) must be CDF's"
    ):
        client.upsert_records("alarms", b"{}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirecting_token_url_is_named(client: CdfClient, server: ScriptedServer, status: int) -> None:
    server.answer("/token", Answer(status, "<p>Moved", {"Location": "https://me:pass@login.example.com/"}))
    with pytest.raises(CdfAuthError, match=r"to https://\*\*\*@login\.example\.com/; .*token URL") as failure:
        client.upsert_records("alarms", b"{}")
    assert "Host" not in str(failure.value)


@pytest.mark.parametrize("location", ["http://[", "//", "/login", "https://host:99999/", "nowhere://\u00e9"])
def test_a_redirect_that_leads_nowhere_is_one_too(
    client: CdfClient, server: ScriptedServer, location: str
) -> None:
    server.answer("/upsert", Answer(302, "<p>Moved", {"Location": location}))
    with pytest.raises(CdfApiError, match=r"redirected to .*Cluster \(host\) must be CDF's") as failure:
        client.upsert_records("alarms", b"{}")
    assert location in str(failure.value)


def test_only_what_is_sent_again_is_a_retry(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/token", an_error(503), an_error(503), a_token())
    client.upsert_records("alarms", b"{}")
    assert (client.traffic.requests, client.traffic.retries) == (1, 0)
    server.answer("/upsert", Answer(401), Answer(503), Answer(202))
    client.upsert_records("alarms", b"{}")
    assert (client.traffic.requests, client.traffic.retries) == (4, 2)


def test_a_cancelled_client_stops_waiting(make_client: MakeClient, server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(429, Retry_After="60"))
    clock = StoppedClock()
    client = make_client(retry=RetryPolicy(max_wait=100), clock=clock)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.upsert_records, "alarms", b"{}")
        clock.until_somebody_waits()
        client.cancel()
        with pytest.raises(CdfCancelledError):
            waiting.result(PATIENCE)


@pytest.mark.parametrize("is_first", [True, False], ids=["the first token", "a renewed one"])
def test_a_cancelled_client_does_not_wait_for_a_slow_identity_provider(
    make_client: MakeClient, server: ScriptedServer, is_first: bool
) -> None:
    is_over = threading.Event()
    slow = Answer(before=lambda: is_over.wait(PATIENCE))
    server.answer("/token", *([slow] if is_first else [a_token(), slow]))
    server.answer("/upsert", an_error(401))
    client = make_client(timeout=PATIENCE, pool_size=2)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(client.upsert_records, "alarms", b"{}") for _ in range(4)]
        wait_until(lambda: len(server.asked_for("/token")) == (1 if is_first else 2))
        client.cancel()
        try:
            for call in waiting:
                with pytest.raises(CdfCancelledError):
                    call.result(SOON)
        finally:
            is_over.set()


def test_a_token_is_taken_after_the_pause_in_which_the_one_before_expires(
    make_client: MakeClient, server: ScriptedServer
) -> None:
    clock = StoppedClock()
    client = make_client(pool_size=3, clock=clock, retry=RetryPolicy())
    server.answer("/token", a_token("old", expires_in=60), a_token("new"))
    server.answer("/upsert", an_error(429, Retry_After="100"), Answer(202))
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(client.upsert_records, "alarms", b"{}")]
        clock.until_somebody_waits()
        calls += [pool.submit(client.upsert_records, "alarms", b"{}") for _ in range(2)]
        clock.until_somebody_waits(3)
        while not all(call.done() for call in calls):
            clock.advance(50)
    bearers = [asked.headers["authorization"] for asked in server.asked_for("/upsert")]
    assert bearers == ["Bearer old"] + ["Bearer new"] * 3
    assert client.traffic.requests == 4


def test_a_netrc_entry_does_not_replace_the_token(
    make_client: MakeClient,
    server: ScriptedServer,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"  # type: ignore[operator]
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    make_client(environment=True).upsert_records("alarms", b"{}")
    assert server.asked_for("/upsert")[0].headers["authorization"] == "Bearer token-1"
    assert "authorization" not in server.asked_for("/token")[0].headers


def test_secrets_are_in_no_repr(client: CdfClient) -> None:
    config = client._config
    assert isinstance(config.auth, ClientCredentials)
    assert config.auth.secret not in repr(config)


def test_the_connections_proxy_goes_before_the_environments(
    make_client: MakeClient, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    client = make_client(
        base_url="http://cdf.test",
        auth=StaticToken("ready"),
        proxies={"http": server.url},
        environment=True,
        retry=RetryPolicy(max_attempts=1),
    )
    client.upsert_records("alarms", b"{}")
    assert server.asked[0].path.startswith("http://cdf.test/api/v1/")


def test_a_budget_that_others_use_up_does_not_use_up_the_attempts(server: ScriptedServer) -> None:
    server.answer("/upsert", *[an_error(429)] * 20, an_error(503), Answer(202))
    client = client_of(server, max_attempts=3)
    client.upsert_records("alarms", b"{}")
    assert client.traffic.requests == 22
    assert client.traffic.retries == 21


def test_a_budget_that_stays_used_up_ends_by_max_wait(server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(429))
    with pytest.raises(CdfApiError):
        client_of(server, max_attempts=3, max_wait=0.1).upsert_records("alarms", b"{}")
    assert len(server.asked_for("/upsert")) > 3


def test_other_failures_use_up_the_attempts_between_answers_of_429(server: ScriptedServer) -> None:
    server.answer("/upsert", *[an_error(429), an_error(503)] * 3)
    with pytest.raises(CdfApiError, match="503"):
        client_of(server, max_attempts=3).upsert_records("alarms", b"{}")
    assert len(server.asked_for("/upsert")) == 6


def test_one_attempt_is_one_request_also_when_it_is_answered_429(server: ScriptedServer) -> None:
    server.answer("/upsert", an_error(429))
    with pytest.raises(CdfApiError, match="429"):
        client_of(server, max_attempts=1).upsert_records("alarms", b"{}")
    assert len(server.asked_for("/upsert")) == 1
