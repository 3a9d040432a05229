"""Faults after which a request is stored in part, or that say so; and successes with odd bodies."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.local_server.http.faults.kinds import ODD_SUCCESSES, PARTLY_STORED
from airflow_provider_cdf_records.local_server.http.faults.partly import BODIES
from tests.local_server.conftest import Raw, a_record

SEEDS = range(40)
IDS = [f"r{number}" for number in range(8)]
PARTLY = ["409 conflict, partly stored", *(name for name in PARTLY_STORED if name.endswith("partly stored"))]
OF_MANY = ["422, partly stored", "422 of an internal error"]


def ids_in(listed: list[dict[str, Any]]) -> set[str]:
    return {one["externalId"] for one in listed}


def upsert_with(server: LocalServer, raw: Raw, seed: int, name: str, ids: list[str]) -> requests.Response:
    with server.faults(seed, rate=1, kinds=[name]) as plan:
        answer = raw.upsert(*map(a_record, ids))
    assert plan.injected == {name: 1}
    return answer


def clear(raw: Raw) -> None:
    items = [{"space": "s", "externalId": name} for name in IDS]
    assert raw.post("/streams/mutable/records/delete", {"items": items}).ok


@pytest.mark.parametrize("name", PARTLY)
def test_some_are_stored_and_the_body_tells_the_truth_about_them(
    server: LocalServer, raw: Raw, name: str
) -> None:
    seen, shapes = set(), set()
    for seed in SEEDS:
        answer = upsert_with(server, raw, seed, name, IDS)
        stored = raw.held().keys()
        assert answer.status_code == answer.json()["error"]["code"] == int(name[:3])
        lists = answer.json() | answer.json()["error"]
        if "succeeded" in lists:
            assert ids_in(lists["succeeded"]) == stored
        if "failed" in lists:
            assert ids_in(lists["failed"]) == set(IDS) - stored
        shapes.add((*answer.json(), *answer.json()["error"]))
        seen.add(frozenset(stored))
        clear(raw)
    assert len(seen) > 20
    assert any(0 < len(stored) < len(IDS) for stored in seen)
    assert len(shapes) == len(BODIES) - 1  # one differs only inside its lists


@pytest.mark.parametrize("name", ["409 conflict", "422 of an internal error"])
def test_nothing_is_stored(server: LocalServer, raw: Raw, name: str) -> None:
    for seed in SEEDS:
        assert upsert_with(server, raw, seed, name, IDS).status_code == int(name[:3])
    assert raw.held() == {}


def test_the_same_seed_stores_the_same_part(server: LocalServer, raw: Raw) -> None:
    def outcome() -> Any:
        answer = upsert_with(server, raw, 5, "500, partly stored", IDS)
        stored = sorted(raw.held())
        clear(raw)
        return answer.json(), stored

    assert outcome() == outcome()


def test_records_that_the_server_refuses_are_never_among_the_stored(server: LocalServer, raw: Raw) -> None:
    records = [a_record(name, required="no number" if name == "r3" else 1) for name in IDS]
    stored = set()
    for seed in SEEDS:
        with server.faults(seed, rate=1, kinds=["500, partly stored"]):
            assert raw.upsert(*records).status_code == 500
        stored |= raw.held().keys()
        clear(raw)
    assert stored == set(IDS) - {"r3"}


@pytest.mark.parametrize("name", OF_MANY)
def test_a_lone_record_is_never_refused_by_an_injected_422(server: LocalServer, raw: Raw, name: str) -> None:
    with server.faults(0, rate=1, kinds=[name]) as plan:
        assert raw.upsert(a_record("alone")).status_code == 202
    assert raw.held().keys() == {"alone"}
    assert not plan.injected


def test_conflicts_happen_to_no_ingest(server: LocalServer, raw: Raw) -> None:
    with server.faults(0, rate=1, kinds=["409 conflict", "409 conflict, partly stored"]) as plan:
        items = list(map(a_record, IDS))
        assert raw.post("/streams/mutable/records", {"items": items}).status_code == 202
    assert not plan.injected


def test_a_delete_is_done_in_part(server: LocalServer, raw: Raw) -> None:
    left = set()
    for seed in SEEDS:
        assert raw.upsert(*map(a_record, IDS)).ok
        with server.faults(seed, rate=1, kinds=["409 conflict, partly stored"]):
            items = [{"space": "s", "externalId": name} for name in IDS]
            assert raw.post("/streams/mutable/records/delete", {"items": items}).status_code == 409
        left.add(len(raw.held()))
    assert len(left) > 3


def test_a_packed_request_is_stored_in_part(server: LocalServer, raw: Raw) -> None:
    body = gzip.compress(json.dumps({"items": list(map(a_record, IDS))}).encode())
    with server.faults(2, rate=1, kinds=["503, partly stored"]):
        answer = raw.post("/streams/mutable/records/upsert", body, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 503
    assert 0 < len(raw.held()) < len(IDS)
    assert server.last_requests()[1].items == len(IDS)


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b'{"items": 1}', b'{"items": [1, {"space": 5}]}'])
def test_a_request_that_is_none_gets_the_fault_too(server: LocalServer, raw: Raw, body: bytes) -> None:
    with server.faults(0, rate=1, kinds=["500, partly stored"]):
        assert raw.post("/streams/mutable/records/upsert", body).status_code == 500


@pytest.mark.parametrize("name", ODD_SUCCESSES)
def test_an_odd_success_is_one_and_a_refusal_stays_a_refusal(
    server: LocalServer, raw: Raw, name: str
) -> None:
    with server.faults(0, rate=1, kinds=[name]):
        good, bad = raw.upsert(a_record("a")), raw.upsert(a_record("b", required="no number"))
    texts = {"202 with empty chunks": "", "202 with null": "null", "202 with text": "Accepted"}
    assert good.text == texts.get(name, good.text)
    assert ("html" in good.text) == (name == "202 with HTML")
    assert ("Content-Length" in good.headers) == (name != "202 with empty chunks")
    assert "items[0]" in bad.json()["error"]["message"]
    assert raw.held().keys() == {"a"}
