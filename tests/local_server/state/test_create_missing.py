"""Without set-up, the server creates what records name as they arrive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, refusal


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "cdf.sqlite", create_missing=True) as server:
        yield server


@pytest.fixture
def raw(server: LocalServer) -> Raw:
    return Raw(server.url, server.settings)


def a_record(external_id: str, **properties: Any) -> dict[str, Any]:
    source = {"type": "container", "space": "schemas", "externalId": "Alarm"}
    return {
        "space": "plant",
        "externalId": external_id,
        "sources": [{"source": source, "properties": properties}],
    }


def types(raw: Raw) -> dict[str, Any]:
    (container,) = raw.get("/models/containers").json()["items"]
    return {
        name: [held["type"]["type"]] if held["type"]["list"] else held["type"]["type"]
        for name, held in container["properties"].items()
    }


def test_everything_is_made_by_the_first_upsert(raw: Raw) -> None:
    assert raw.upsert(a_record("a", severity="high"), stream="alarms").ok
    spaces = {space["space"] for space in raw.get("/models/spaces").json()["items"]}
    assert spaces == {"plant", "schemas"}
    (stream,) = raw.get("/streams").json()["items"]
    assert (stream["externalId"], stream["type"]) == ("alarms", "Mutable")
    (record,) = raw.post("/streams/alarms/records/filter", {}).json()["items"]
    assert record["properties"] == {"schemas": {"Alarm": {"severity": "high"}}}


def test_an_ingest_makes_everything_too(raw: Raw) -> None:
    assert raw.post("/streams/alarms/records", {"items": [a_record("a", value=1)]}).ok


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x"], "text"),
        (["2026-01-02T03:04:05Z"], "timestamp"),
        (["2026-01-02"], "date"),
        (["2026-01-02", "unknown"], "text"),
        ([True], "boolean"),
        ([1], "int64"),
        ([1.5], "float64"),
        ([1, 2.5], "float64"),
        ([None, 3], "int64"),
        ([None], "text"),
        ([{"space": "assets", "externalId": "pump"}], "direct"),
        ([{"any": "thing"}], "json"),
        ([["a"], ["b"]], ["text"]),
        ([[1], [2.5]], ["float64"]),
        ([[], [1]], ["int64"]),
        ([[]], ["text"]),
        ([[{"space": "assets", "externalId": "pump"}]], ["direct"]),
        ([[{"any": 1}]], "json"),
        ([[[1]]], "json"),
    ],
    ids=str,
)
def test_a_type_follows_from_the_values_of_the_first_request(
    raw: Raw, values: list[Any], expected: Any
) -> None:
    records = [a_record(str(number), p=value) for number, value in enumerate(values)]
    answer = raw.upsert(*records, stream="alarms")
    assert answer.ok, answer.text
    assert types(raw) == {"p": expected}


def test_a_later_property_is_added_and_the_others_stay(raw: Raw) -> None:
    raw.upsert(a_record("a", severity="high"), stream="alarms")
    assert raw.upsert(a_record("b", value=1.5), stream="alarms").ok
    assert types(raw) == {"severity": "text", "value": "float64"}


def test_a_value_of_another_type_is_refused_by_its_place(raw: Raw) -> None:
    raw.upsert(a_record("a", value=1.5), stream="alarms")
    message = refusal(raw.upsert(a_record("b", value="high"), stream="alarms"), 400)
    assert "properties.value: expected a number, got string" in message


def in_container(external_id: str, space: str, name: str) -> dict[str, Any]:
    record = a_record(external_id, p=1)
    record["sources"][0]["source"] |= {"space": space, "externalId": name}
    return record


BAD = {
    "items[1] (plant/b).sources[0].properties.bad-name: 'bad-name' does not match": a_record(
        "b", **{"bad-name": 1, "p": 1}
    ),
    "items[1] (plant/b).sources[0].properties.seq: 'seq' is reserved": a_record("b", seq=1),
    "items[1].space: 'node' is reserved": a_record("b", p=1) | {"space": "node"},
    "items[1] (plant/b).sources[0].source.space: 'edge' is reserved": in_container("b", "edge", "Alarm"),
    "items[1] (plant/b).sources[0].source.externalId: '1st' does not match": in_container(
        "b", "schemas", "1st"
    ),
}


@pytest.mark.parametrize("message", BAD)
@pytest.mark.parametrize("partial_writes", [True, False])
def test_a_record_with_a_name_that_nothing_can_have_is_the_one_that_is_refused(
    message: str, partial_writes: bool
) -> None:
    with LocalServer(create_missing=True, partial_writes=partial_writes) as server:
        raw = Raw(server.url, server.settings)
        answer = raw.upsert(a_record("a", p=1), BAD[message], a_record("c", q=1), stream="alarms")
        assert message in refusal(answer, 400)
        assert {record["externalId"] for record in server.records("alarms")} == (
            {"a", "c"} if partial_writes else set()
        )


@pytest.mark.parametrize(
    ("item", "stream"),
    [
        (a_record("a", **{"bad-name": 1}), "alarms"),
        (a_record("a") | {"space": "1"}, "alarms"),
        (a_record("a") | {"sources": "none"}, "alarms"),
        ("text", "alarms"),
        (a_record("a", p=1), "Upper"),
    ],
)
def test_what_can_not_be_made_is_refused(raw: Raw, item: Any, stream: str) -> None:
    refusal(raw.upsert(item, stream=stream), 400)


def test_a_deleted_stream_is_not_made_again(raw: Raw) -> None:
    raw.upsert(a_record("a", value=1), stream="alarms")
    raw.post("/streams/delete", {"items": [{"externalId": "alarms"}]})
    assert "stays reserved" in refusal(raw.upsert(a_record("a", value=1), stream="alarms"), 409)


def test_many_first_upserts_at_once_all_get_through(server: LocalServer) -> None:
    clients = [Raw(server.url, server.settings) for _ in range(8)]
    barrier = threading.Barrier(len(clients))

    def upsert(number: int) -> bool:
        barrier.wait()
        return clients[number].upsert(a_record(str(number), **{f"p{number}": 1}), stream="alarms").ok

    with ThreadPoolExecutor(len(clients)) as pool:
        assert all(pool.map(upsert, range(len(clients))))
    assert types(clients[0]).keys() == {f"p{number}" for number in range(len(clients))}


def test_strict_servers_make_nothing(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "strict.sqlite") as strict:
        raw = Raw(strict.url, strict.settings)
        refusal(raw.upsert(a_record("a", value=1), stream="alarms"), 404)
        assert raw.get("/models/spaces").json()["items"] == []
