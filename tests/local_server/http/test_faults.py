"""The faults that the server injects when it is told to: what a client sees of each, and what is stored."""

from __future__ import annotations

import http.client
import json
import socket
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_cdf_records.local_server import Clock, Elsewhere, FaultPlan, LocalServer
from airflow_provider_cdf_records.local_server.http.faults import ALL, ELSEWHERE, PASSING
from airflow_provider_cdf_records.local_server.http.faults.on_writes import ON_WRITES
from airflow_provider_cdf_records.local_server.http.faults.plan import PROVEN
from tests.local_server.conftest import Raw, a_record, set_up
from tests.waiting import wait_until

QUICK = {"slow": 0.1, "late": 0.1}
LONG = "x" * 120_000  # more than the server reads ahead
ANSWERS = {  # what the client sees, and whether the record is stored
    "429": (429, False),
    "429 with Retry-After": (429, False),
    "500": (500, False),
    "502 with HTML": (502, False),
    "503": (503, False),
    "504 after storing": (504, True),
    "token expired": (401, False),
    "auto-retryable 409": (409, False),
    "reset before storing": (requests.ConnectionError, False),
    "reset after storing": (requests.ConnectionError, True),
    "truncated answer": (requests.exceptions.ChunkedEncodingError, True),
    "HTML with 200": (200, False),
    "slow answer": (202, True),
    "late": (202, True),
    "409 conflict": (409, False),
    "202 with empty chunks": (202, True),
    "202 with null": (202, True),
    "202 with HTML": (202, True),
    "202 with text": (202, True),
}
PARTLY_STORED = {  # the status, and whether some records can be stored
    "409 conflict, partly stored": (409, True),
    "500, partly stored": (500, True),
    "503, partly stored": (503, True),
    "422, partly stored": (422, True),
    "422 of an internal error": (422, False),
}


def seen_of(raw: Raw, external_id: str) -> Any:
    try:
        return raw.upsert(a_record(external_id)).status_code
    except requests.RequestException as error:
        return type(error)


def test_all_faults_are_tested() -> None:
    assert ANSWERS.keys() | PARTLY_STORED.keys() == ALL.keys() == ON_WRITES.keys()


def test_the_sets_of_faults() -> None:
    assert PASSING.keys() < ALL.keys()
    assert not any(name.startswith(("409 conflict", "422")) for name in PASSING)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_fault_does(server: LocalServer, raw: Raw, name: str) -> None:
    with server.faults(0, rate=1, kinds=[name], **QUICK) as plan:
        plan._used[raw.headers["Authorization"]] = PROVEN
        seen = seen_of(raw, "a")
    status, stored = ANSWERS[name]
    assert seen == status or (isinstance(status, type) and issubclass(seen, status))
    assert ("a" in raw.held()) == stored
    assert plan.injected == {name: 1}


def test_the_headers_of_faults(server: LocalServer, raw: Raw) -> None:
    expected = {
        "429 with Retry-After": ("retry-after", "3"),
        "auto-retryable 409": ("cdf-is-auto-retryable", "true"),
    }
    for name, (header, value) in expected.items():
        with server.faults(0, rate=1, kinds=[name], retry_after=3):
            assert raw.upsert(a_record()).headers[header] == value


def outcomes(server: LocalServer, raw: Raw, seed: int) -> list[Any]:
    with server.faults(seed, rate=0.5, **QUICK):
        return [seen_of(raw, str(number)) for number in range(30)]


def test_the_same_seed_makes_the_same_faults(server: LocalServer, raw: Raw) -> None:
    first = outcomes(server, raw, seed=1)
    raw.headers = {"Authorization": f"Bearer {raw.token()}"}
    assert outcomes(server, raw, seed=1) == first
    raw.headers = {"Authorization": f"Bearer {raw.token()}"}
    assert outcomes(server, raw, seed=2) != first


@pytest.mark.parametrize("kinds", [ALL, set(ALL), list(reversed(ALL))], ids=["dict", "set", "reversed"])
def test_a_seed_means_the_same_in_whatever_order_the_kinds_are_given(kinds: Collection[str]) -> None:
    def drawn(plan: FaultPlan) -> list[Any]:
        return [plan.next(str(number)) for number in range(100)]

    assert drawn(FaultPlan(3, 0.5, kinds=kinds)) == drawn(FaultPlan(3, 0.5, kinds=list(ALL)))
    names = list(ELSEWHERE["token"])

    def drawn_elsewhere(names: Collection[str]) -> list[Any]:
        plan = FaultPlan(3, elsewhere={"token": Elsewhere(names)})
        return [plan.next_elsewhere("token") for _ in range(50)]

    assert drawn_elsewhere(type(names)(reversed(names))) == drawn_elsewhere(names)


@pytest.mark.parametrize("kinds", [None, ["422, partly stored"], ["slow answer"], ["reset before storing"]])
def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_failure(
    server: LocalServer, raw: Raw, kinds: list[str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/api/v1/projects/local/streams/mutable/records/upsert"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {raw.headers['Authorization']}\r\n"
    with server.faults(0, rate=float(kinds is not None), kinds=kinds or ALL, **QUICK) as plan:
        with socket.create_connection((urlsplit(raw.url).hostname, urlsplit(raw.url).port)) as connection:
            connection.sendall(f'{head}Content-Length: 1000\r\n\r\n{{"items'.encode())
            wait_until(lambda: plan.under_way == 1)
        wait_until(lambda: plan.under_way == 0)
    wait_until(lambda: server.last_requests()[0].path.endswith("/upsert"))
    assert server.last_requests()[0].status in (499, None)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_an_expired_token_stays_expired_and_a_new_one_works(server: LocalServer, raw: Raw) -> None:
    with server.faults(0, rate=0.5, kinds=["token expired"]):
        while raw.upsert(a_record()).ok:
            pass
        assert Counter(raw.upsert(a_record()).status_code for _ in range(5)) == {401: 5}
        raw.headers = {"Authorization": f"Bearer {raw.token()}"}
        assert raw.upsert(a_record()).ok


def test_reading_and_setting_up_meet_no_faults(server: LocalServer, raw: Raw) -> None:
    with server.faults(0, rate=1) as plan:
        assert raw.held() == {}
        assert raw.post("/models/spaces", {"items": [{"space": "other"}]}).ok
        assert raw.get("/streams").ok
    assert plan.writes == 0


def test_faults_end_with_their_block(server: LocalServer, raw: Raw) -> None:
    with server.faults(0, rate=1):
        pass
    assert all(raw.upsert(a_record(str(number))).ok for number in range(20))


@contextmanager
def sent(raw: Raw, record: dict[str, Any]) -> Iterator[http.client.HTTPConnection]:
    """Send an upsert; the client disconnects at the end of the block."""
    connection = http.client.HTTPConnection(urlsplit(raw.url).netloc)
    body = json.dumps({"items": [record]})
    path = "/api/v1/projects/local/streams/mutable/records/upsert"
    connection.request("POST", path, body, raw.headers)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def stopped_server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "stopped.sqlite", clock=Clock(stopped=True)) as server:
        set_up(Raw(server.url, server.settings))
        yield server


def test_a_slow_answer_is_withheld_until_its_time_has_come_or_the_client_is_gone(
    stopped_server: LocalServer,
) -> None:
    raw = Raw(stopped_server.url, stopped_server.settings)
    with stopped_server.faults(0, rate=1, kinds=["slow answer"], slow=5) as plan:
        with sent(raw, a_record("a")) as connection:
            wait_until(lambda: len(plan.withheld) == 1)
            assert raw.held().keys() == {"a"}
            stopped_server.clock.advance(5)
            assert connection.getresponse().status == 202
            assert not plan.withheld
        with sent(raw, a_record("b")):
            wait_until(lambda: len(plan.withheld) == 1)
        wait_until(lambda: not plan.withheld)


def test_a_late_request_is_worked_on_when_its_time_has_come(stopped_server: LocalServer) -> None:
    raw = Raw(stopped_server.url, stopped_server.settings)
    with (
        stopped_server.faults(0, rate=1, kinds=["late"], late=5),
        sent(raw, a_record("a")) as connection,
    ):
        wait_until(lambda: stopped_server.clock.sleepers == 1)
        stopped_server.clock.advance(4.9)
        assert raw.held() == {}
        stopped_server.clock.advance(0.1)
        assert connection.getresponse().status == 202
    assert raw.held().keys() == {"a"}


def test_writes_are_held_until_they_are_released(server: LocalServer, raw: Raw) -> None:
    with server.faults(0, rate=0) as plan:
        plan.hold(after=1)
        assert raw.upsert(a_record("a")).ok
        with sent(raw, a_record("b")) as b, sent(raw, a_record("c", filled=LONG)) as c:
            wait_until(lambda: plan.held == 2)
            assert (plan.writes, plan.under_way) == (3, 2)
            assert raw.held().keys() == {"a"}
            plan.release()
            assert (b.getresponse().status, c.getresponse().status) == (202, 202)
        assert raw.held().keys() == {"a", "b", "c"}
        wait_until(lambda: (plan.held, plan.under_way) == (0, 0))


@pytest.mark.parametrize("value", ["short", LONG], ids=["short", "long"])
def test_a_held_write_whose_client_leaves_is_never_stored(server: LocalServer, raw: Raw, value: str) -> None:
    with server.faults(0, rate=0) as plan:
        plan.hold(after=0)
        with sent(raw, a_record("a", filled=value)):
            wait_until(lambda: plan.held == 1)
        wait_until(lambda: plan.under_way == 0)
        plan.release()
        assert raw.upsert(a_record("b")).ok
    assert raw.held().keys() == {"b"}


def test_held_writes_are_released_when_the_faults_end(server: LocalServer, raw: Raw) -> None:
    with server.faults(0, rate=0) as plan:
        plan.hold(after=0)
        other = sent(raw, a_record("a"))
        connection = other.__enter__()
        wait_until(lambda: plan.held == 1)
    assert connection.getresponse().status == 202
    other.__exit__(None, None, None)
