"""Rate limits, latency and capacity: off by default, and otherwise answered as CDF does."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from airflow_provider_cdf_records.local_server.settings import Quota
from tests.local_server.conftest import Raw, a_record, refusal, set_up
from tests.waiting import PATIENCE, wait_until, wait_until_it_stays


def stopped() -> Clock:
    return Clock(stopped=True)


def statuses(ask: Callable[[], requests.Response], times: int) -> Counter[int]:
    return Counter(ask().status_code for _ in range(times))


def test_nothing_is_limited_unless_asked_for(raw: Raw) -> None:
    assert statuses(lambda: raw.get("/streams"), 300) == {200: 300}


def test_requests_beyond_the_rate_are_refused_until_it_allows_more(tmp_path: Path) -> None:
    limit = Quota(project=10)
    with LocalServer(tmp_path / "cdf.sqlite", requests_per_second=limit, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        assert statuses(lambda: raw.get("/streams"), 15) == {200: 10, 429: 5}
        answer = raw.get("/streams")
        assert "too many requests a second for this project" in refusal(answer, 429)
        assert answer.headers["retry-after"] == "1"
        server.clock.advance(0.35)
        assert statuses(lambda: raw.get("/streams"), 5) == {200: 3, 429: 2}
        server.clock.advance(60)
        assert statuses(lambda: raw.get("/streams"), 15) == {200: 10, 429: 5}


def test_tokens_are_not_limited(tmp_path: Path) -> None:
    limit = Quota(project=1)
    with LocalServer(tmp_path / "cdf.sqlite", requests_per_second=limit, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        assert statuses(raw.ask_for_token, 20) == {200: 20}


def test_one_identity_leaves_room_for_others(tmp_path: Path) -> None:
    quota = Quota(project=1000, identity=3)
    clients = {"other": "its-secret"}
    settings: dict[str, Any] = {"clients": clients, "requests_per_second": quota, "clock": stopped()}
    with LocalServer(tmp_path / "cdf.sqlite", **settings) as server:
        raw, other = Raw(server.url, server.settings), Raw(server.url, server.settings)
        other.headers = {
            "Authorization": f"Bearer {other.token(client_id='other', client_secret='its-secret')}"
        }
        assert statuses(lambda: raw.get("/streams"), 3) == {200: 3}
        answer = raw.get("/streams")
        assert "for identity 'local-client'" in refusal(answer, 429)
        assert other.get("/streams").ok


def test_parallel_requests_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"parallel_requests": Quota(project=2), "latency": 5, "clock": stopped()}
    with LocalServer(tmp_path / "cdf.sqlite", **settings) as server:
        raw = Raw(server.url, server.settings)
        with ThreadPoolExecutor(6) as pool:
            answers = [pool.submit(Raw.get, raw, "/streams") for _ in range(6)]
            wait_until(lambda: sum(answer.done() for answer in answers) == 4 and server.clock.sleepers == 2)
            server.clock.advance(5)
        assert Counter(answer.result().status_code for answer in answers) == {200: 2, 429: 4}
        refused = next(answer.result() for answer in answers if not answer.result().ok)
        assert "more than 2 parallel requests" in refusal(refused, 429)
        assert refused.headers["retry-after"] == "1"


def test_bytes_beyond_the_rate_are_refused(tmp_path: Path) -> None:
    limit = Quota(project=100_000)
    with LocalServer(tmp_path / "cdf.sqlite", bytes_per_second=limit, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        large = a_record(filled="x" * 120_000)
        assert raw.upsert(large).ok
        answer = raw.upsert(large)
        assert "too many bytes a second for this project" in refusal(answer, 429)
        server.clock.advance(int(answer.headers["retry-after"]))
        assert raw.upsert(a_record()).ok


def test_retry_after_tells_when_there_is_room_again(tmp_path: Path) -> None:
    limit = Quota(project=20_000)
    with LocalServer(tmp_path / "cdf.sqlite", bytes_per_second=limit, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        server.clock.advance(1)
        assert raw.upsert(a_record(filled="x" * 110_000)).ok
        answer = raw.upsert(a_record())
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        server.clock.advance(4)
        assert raw.upsert(a_record()).headers["retry-after"] == "1"
        server.clock.advance(1)
        assert raw.upsert(a_record()).ok


def test_every_tenth_of_a_second_allows_one_of_ten_requests(tmp_path: Path) -> None:
    limit = Quota(project=10)
    with LocalServer(tmp_path / "cdf.sqlite", requests_per_second=limit, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        assert statuses(lambda: raw.get("/streams"), 11) == {200: 10, 429: 1}
        for _ in range(50):
            server.clock.advance(0.1)
            assert statuses(lambda: raw.get("/streams"), 2) == {200: 1, 429: 1}


def test_latency_is_added_to_each_request(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", latency=2, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(raw.get, "/streams")
            wait_until(lambda: server.clock.sleepers)
            server.clock.advance(1.9)
            assert wait_until_it_stays(answer.done) is False
            server.clock.advance(0.1)
            assert answer.result(PATIENCE).ok


def test_latency_passes_by_itself(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", latency=0.05) as server:
        raw = Raw(server.url, server.settings)
        started = time.monotonic()
        assert raw.get("/streams").ok
        assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("limit", [{"max_records": 3}, {"max_gigabytes": 140e-9}])
def test_a_full_stream_takes_no_more_and_nothing_of_the_request(tmp_path: Path, limit: Any) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", **limit) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        assert raw.upsert(*(a_record(name) for name in "abc")).ok
        assert "would hold more than" in refusal(raw.upsert(a_record("a"), a_record("d")), 422)
        assert "would hold more than" in refusal(
            raw.post("/streams/mutable/records", {"items": [a_record("d")]}), 422
        )
        assert raw.held().keys() == set("abc")
        assert raw.upsert(a_record("a")).ok
        assert raw.post("/streams/mutable/records/delete", {"items": [{"space": "s", "externalId": "a"}]}).ok
        assert raw.upsert(a_record("d")).ok


def test_statistics_tell_the_capacity_and_what_is_used_of_it(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", max_records=3, max_gigabytes=2) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        raw.upsert(a_record("a"), a_record("b"))
        raw.upsert(a_record("a", text="longer"))
        raw.post("/streams/mutable/records/delete", {"items": [{"space": "s", "externalId": "b"}]})
        raw.post("/streams/mutable/records/delete", {"items": [{"space": "s", "externalId": "b"}]})
        limits = raw.get("/streams/mutable?includeStatistics=true").json()["settings"]["limits"]
        assert limits["maxRecordsTotal"] == {"provisioned": 3, "consumed": 1}
        assert limits["maxGigaBytesTotal"]["provisioned"] == 2
        stored = b'{"s":{"C":{"filled":"as usual","required":1,"text":"longer"}}}'
        assert limits["maxGigaBytesTotal"]["consumed"] == len(stored) / 1e9


def test_upserts_ingests_and_deletes_share_one_budget_and_queries_do_not(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite") as server:
        set_up(Raw(server.url, server.settings))
    settings: dict[str, Any] = {"parallel_writes": 3, "latency": 5, "clock": stopped()}
    with LocalServer(tmp_path / "cdf.sqlite", **settings) as server:
        raw = Raw(server.url, server.settings)
        named = {"space": "s", "externalId": "d"}
        writes = [("/upsert", a_record("u")), ("", a_record("i")), ("/delete", named)]
        with ThreadPoolExecutor(8) as pool:
            answers = [
                pool.submit(Raw.post, raw, f"/streams/mutable/records{path}", {"items": [item]})
                for path, item in writes * 2
            ]
            wait_until(lambda: sum(answer.done() for answer in answers) == 3 and server.clock.sleepers == 3)
            queries = [pool.submit(Raw.post, raw, "/streams/mutable/records/filter", {}) for _ in range(3)]
            wait_until(lambda: server.clock.sleepers == 6)
            server.clock.advance(5)
        refused, *others = [answer.result() for answer in answers if answer.result().status_code == 429]
        assert len(others) == 2
        assert all(query.result().ok for query in queries)
        assert "more than 3 parallel requests for record writes of this project" in refusal(refused, 429)


@pytest.mark.parametrize(
    ("allowed", "what"),
    [
        ({"filter": 20}, "retrievals"),
        ({"aggregate": 15}, "aggregates"),
        ({"filter": 20, "aggregate": 15, "sync": 5}, "queries"),
    ],
)
def test_queries_of_mutable_streams_have_rates_of_their_own(
    tmp_path: Path, allowed: dict[str, int], what: str
) -> None:
    body = {"initializeCursor": "1d-ago", "aggregates": {"n": {"count": {}}}, "lastUpdatedTime": {"gt": 0}}
    with LocalServer(tmp_path / "cdf.sqlite", query_limits=True, clock=stopped()) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        for kind, times in allowed.items():
            path = f"/streams/mutable/records/{kind}"
            assert statuses(lambda path=path: raw.post(path, body), times) == {200: times}  # type: ignore[misc]
        message = refusal(raw.post(path, body), 429)
        assert f"too many requests a second for {what} of mutable streams" in message
        archive = path.replace("mutable", "immutable")
        assert statuses(lambda: raw.post(archive, body), 50) == {200: 50}
        assert raw.upsert(a_record()).ok
        server.clock.advance(1)
        assert raw.post(path, body).ok
