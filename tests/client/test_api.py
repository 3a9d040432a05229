from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfClient, CdfConnectionError
from tests.scripted_server import Answer, ScriptedServer

PROJECT = "/api/v1/projects/p"
ANY: dict[str, Any] = {"matchAll": {}}
BODY = b'{"items":[1]}'
SOURCES = [{"source": {"type": "container", "space": "s", "externalId": "C"}, "properties": ["*"]}]
SORT = [{"property": ["space"], "direction": "descending"}]


@pytest.mark.parametrize(
    ("write", "path"),
    [
        (CdfClient.upsert_records, "/streams/a%2Fb/records/upsert"),
        (CdfClient.ingest_records, "/streams/a%2Fb/records"),
        (CdfClient.delete_records, "/streams/a%2Fb/records/delete"),
    ],
)
def test_writes_post_the_body_and_are_traffic(
    client: CdfClient, server: ScriptedServer, write: Callable[[CdfClient, str, bytes], None], path: str
) -> None:
    server.answer(path[path.rindex("/") :], Answer(503), Answer(202))
    write(client, "a/b", BODY)
    assert [asked.body for asked in server.asked_for(path)] == [BODY, BODY]
    assert server.asked_for(path)[0].path == PROJECT + path
    traffic = client.traffic
    assert (traffic.requests, traffic.retries, traffic.bytes_sent) == (2, 1, 2 * len(BODY))


def test_reads_are_no_traffic(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/streams/s", Answer(body={"externalId": "s", "type": "Mutable"}))
    assert client.retrieve_stream("s")["type"] == "Mutable"
    assert client.traffic.requests == 0


@pytest.mark.parametrize(
    ("ask", "path", "query"),
    [
        (
            lambda client: client.filter_records(
                "s", filter=ANY, sources=SOURCES, last_updated_time={"gt": 1}, sort=SORT, limit=7
            ),
            "/streams/s/records/filter",
            {
                "filter": ANY,
                "sources": SOURCES,
                "lastUpdatedTime": {"gt": 1},
                "sort": SORT,
                "limit": 7,
            },
        ),
        (lambda client: client.filter_records("s"), "/streams/s/records/filter", {"limit": 10}),
        (
            lambda client: client.sync_records_page("s", cursor="c", filter=ANY, sources=SOURCES)["items"],
            "/streams/s/records/sync",
            {"cursor": "c", "filter": ANY, "sources": SOURCES, "limit": 10},
        ),
        (
            lambda client: client.sync_records_page("s", initialize_cursor="7d-ago", limit=5)["items"],
            "/streams/s/records/sync",
            {"initializeCursor": "7d-ago", "limit": 5},
        ),
        (
            lambda client: client.containers_by_ids([{"space": "s", "externalId": "C"}]),
            "/models/containers/byids",
            {"items": [{"space": "s", "externalId": "C"}]},
        ),
    ],
)
def test_queries_send_what_is_given_and_return_the_items(
    client: CdfClient, server: ScriptedServer, ask: Callable[[CdfClient], Any], path: str, query: Any
) -> None:
    server.answer(path, Answer(body={"items": [{"externalId": "a"}], "nextCursor": "c", "hasNext": False}))
    assert ask(client) == [{"externalId": "a"}]
    (asked,) = server.asked_for(path)
    assert (asked.path, asked.json) == (PROJECT + path, query)


def test_a_stream_is_created_from_a_template(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/streams", Answer(201, {"items": [{"externalId": "s", "type": "Mutable"}]}))
    assert client.create_stream("s", "BasicLiveData") == {"externalId": "s", "type": "Mutable"}
    (asked,) = server.asked_for("/streams")
    assert asked.json == {"items": [{"externalId": "s", "settings": {"template": {"name": "BasicLiveData"}}}]}


@pytest.mark.parametrize("answer", ["{}", '{"items": null}', '{"items": [1]}', '{"items": []}'])
def test_a_stream_that_is_not_in_the_answer_is_an_error(
    client: CdfClient, server: ScriptedServer, answer: str
) -> None:
    server.answer("/streams", Answer(201, answer))
    with pytest.raises(CdfConnectionError, match="without the items"):
        client.create_stream("s", "BasicLiveData")


def test_the_token_is_inspected_outside_of_the_project(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/api/v1/token/inspect", Answer(body={"subject": "me"}))
    assert client.inspect_token() == {"subject": "me"}


def test_counting_sends_filter_and_time(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/aggregate", Answer(200, {"aggregates": {"records": {"count": 12}}}))
    assert client.count_records("s", filter=ANY, last_updated_time={"gt": 1}) == 12
    assert server.asked_for("/aggregate")[0].json == {
        "aggregates": {"records": {"count": {}}},
        "filter": ANY,
        "lastUpdatedTime": {"gt": 1},
    }


def test_a_count_that_is_none_is_an_error(client: CdfClient, server: ScriptedServer) -> None:
    server.answer("/aggregate", Answer(200, {"aggregates": {}}))
    with pytest.raises(CdfConnectionError, match="without a count"):
        client.count_records("s")


@pytest.mark.parametrize("answer", ["[]", '{"item": []}'])
def test_an_answer_that_is_not_of_cdf_names_the_field_to_check(
    answer: str, client: CdfClient, server: ScriptedServer
) -> None:
    server.answer("/streams", Answer(201, answer))
    with pytest.raises(CdfConnectionError, match=r"CDF answered with.*Cluster \(host\) leads to CDF"):
        client.create_stream("s", "BasicLiveData")
