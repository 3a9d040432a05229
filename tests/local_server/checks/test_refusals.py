"""What CDF refuses, the local server refuses: with CDF's error body, naming item and property."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from tests.local_server.conftest import Raw, a_record, refusal
from tests.waiting import PATIENCE

UPSERT = "/streams/mutable/records/upsert"


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (a_record() | changes).items() if value is not ...}


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Bearer a.b", "Basic YTpi", "x" * 9000]
)
def test_a_request_without_a_good_token_is_refused(raw: Raw, authorization: str | None) -> None:
    raw.headers = {} if authorization is None else {"Authorization": authorization}
    assert "Unauthorized" in refusal(raw.upsert(a_record()), 401)
    assert "Unauthorized" in refusal(raw.get("/streams"), 401)


def test_an_expired_token_is_refused(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", token_lifetime=60, clock=Clock(stopped=True)) as server:
        raw = Raw(server.url, server.settings)
        server.clock.advance(59)
        assert raw.get("/streams").ok
        server.clock.advance(2)
        assert "expired" in refusal(raw.get("/streams"), 401)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_no_token_without_the_right_credentials(
    raw: Raw, changes: dict[str, str], status: int, error: str
) -> None:
    answer = raw.ask_for_token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_credentials_may_come_as_http_basic(server: LocalServer) -> None:
    settings = server.settings
    answer = requests.post(
        server.token_url,
        data={"grant_type": "client_credentials"},
        auth=(settings.client_id, settings.client_secret),
        timeout=PATIENCE,
    )
    assert answer.json()["token_type"] == "Bearer"


def test_another_project_is_refused(raw: Raw) -> None:
    assert "no access to project 'other'" in refusal(raw.get("/streams", project="other"), 401)


def test_an_unknown_address_is_refused(raw: Raw) -> None:
    refusal(raw.get("/nothing"), 404)
    refusal(raw.get(UPSERT), 405)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (changed(space="other"), "space: space 'other' does not exist"),
        (changed(space=...), "items[0].space: expected a string, got null"),
        (changed(space="1"), "items[0].space: '1' does not match"),
        (changed(space="system"), "items[0].space: 'system' is reserved"),
        (changed(externalId=...), "items[0].externalId: expected a string"),
        (changed(externalId=""), "items[0].externalId: expected 1 to 256 characters"),
        (changed(externalId="x" * 257), "items[0].externalId: expected 1 to 256 characters"),
        (changed(externalId="a\0"), "null byte"),
        (changed(sources=...), "items[0] (s/a).sources: expected an array"),
        (changed(sources=[]), "sources: expected 1 to 100"),
        (changed(sources=a_record()["sources"] * 101), "sources: expected 1 to 100"),
        (changed(sources=a_record()["sources"] * 2), "container s/C is there twice"),
        ("text", "items[0]: expected an object, got string"),
        (a_record(nothing=1), "properties.nothing: container s/C has no such property"),
        (a_record(text=1), "properties.text: expected a string, got integer"),
        (a_record(text="x" * 11), "properties.text: text of more than 10 bytes"),
        (a_record(text="ø" * 6), "properties.text: text of more than 10 bytes"),
        (a_record(required=None), "properties.required: a value is required"),
    ],
)
def test_a_bad_record_is_refused_by_its_place(raw: Raw, item: Any, message: str) -> None:
    assert message in refusal(raw.upsert(item), 400)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"type": "container", "space": "s", "externalId": "Nothing"}, "container s/Nothing does not exist"),
        ({"type": "container", "space": "s", "externalId": "ForNodes"}, "ForNodes is usedFor 'node'"),
        ({"type": "container", "space": "s", "externalId": "ForBoth"}, "ForBoth is usedFor 'all'"),
        ({"type": "view", "space": "s", "externalId": "V", "version": "1"}, "keeps no views"),
        ({"space": "s", "externalId": "C"}, "source.type: expected 'container', got None"),
        (None, "source: expected an object"),
    ],
)
def test_a_source_that_cannot_hold_records_is_refused(raw: Raw, source: Any, message: str) -> None:
    item = changed(sources=[{"source": source, "properties": {"required": 1}}])
    assert message in refusal(raw.upsert(item), 400)


def test_a_missing_required_property_is_refused_and_a_default_filled_in(raw: Raw) -> None:
    item = changed(sources=[a_record()["sources"][0] | {"properties": {}}])
    assert "required: a value is required" in refusal(raw.upsert(item), 400)
    assert raw.upsert(a_record(filled=None)).ok
    assert raw.held() == {"a": {"required": 1, "filled": "as usual"}}


def test_the_item_that_is_wrong_is_named_and_none_is_stored(raw: Raw) -> None:
    answer = raw.upsert(a_record("good"), a_record("bad", required="x"), a_record("also good"))
    assert "items[1] (s/bad).sources[0].properties.required" in refusal(answer, 400)
    assert raw.held() == {}


@pytest.mark.parametrize("count", [0, 1001])
def test_one_to_a_thousand_items_are_taken(raw: Raw, count: int) -> None:
    answer = raw.upsert(*(a_record(str(n)) for n in range(count)))
    assert f"expected 1 to 1000 items, got {count}" in refusal(answer, 400)
    assert raw.upsert(*(a_record(str(n)) for n in range(1000))).ok


def test_an_identity_twice_in_a_request_is_refused(raw: Raw) -> None:
    answer = raw.upsert(a_record("a"), a_record("b"), a_record("a"))
    refusal(answer, 422)
    assert answer.json()["error"]["duplicated"] == [{"space": "s", "externalId": "a"}]
    assert raw.held() == {}


def test_missing_things_are_listed(raw: Raw) -> None:
    assert raw.upsert(changed(space="other")).json()["error"]["missing"] == [{"space": "other"}]
    assert raw.upsert(a_record(), stream="none").json()["error"]["missing"] == [{"externalId": "none"}]


@pytest.mark.parametrize("operation", ["upsert", "delete"])
def test_an_immutable_stream_is_not_changed(raw: Raw, operation: str) -> None:
    answer = raw.post(f"/streams/immutable/records/{operation}", {"items": [a_record()]})
    assert "is immutable" in refusal(answer, 422)


@pytest.mark.parametrize("path", ["", "/upsert", "/delete", "/filter", "/aggregate", "/sync"])
def test_a_stream_that_is_not_there_is_refused(raw: Raw, path: str) -> None:
    body = {"items": [a_record()], "aggregates": {"n": {"count": {}}}, "initializeCursor": "1d-ago"}
    assert "Stream 'none' does not exist" in refusal(raw.post(f"/streams/none/records{path}", body), 404)


def body_of(size: int) -> bytes:
    start, end = b'{"items":[{"space":"s","externalId":"a","pad":"', b'","sources":[]}]}'
    return start + b"x" * (size - len(start) - len(end)) + end


def test_ten_million_bytes_are_the_most(raw: Raw) -> None:
    refusal(raw.post(UPSERT, body_of(10_000_000)), 400)
    assert "more than 10,000,000 bytes" in refusal(raw.post(UPSERT, body_of(10_000_001)), 413)


def test_the_limit_counts_what_gzip_hides(raw: Raw) -> None:
    packed = {"Content-Encoding": "gzip"}
    refusal(raw.post(UPSERT, gzip.compress(body_of(10_000_000)), **packed), 400)
    refusal(raw.post(UPSERT, gzip.compress(body_of(10_000_001)), **packed), 413)
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b"\0" * 10_000_000) for _ in range(30)) + packer.flush()
    refusal(raw.post(UPSERT, bomb, **packed), 413)


def test_gzip_is_taken_and_broken_gzip_refused(raw: Raw) -> None:
    packed = {"Content-Encoding": "gzip"}
    whole = gzip.compress(b'{"items":[' + b"%s]}" % requests.compat.json.dumps(a_record()).encode())
    assert raw.post(UPSERT, whole, **packed).ok
    refusal(raw.post(UPSERT, whole[:-9], **packed), 400)
    refusal(raw.post(UPSERT, b"not gzip", **packed), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"items":{}}',
        b'{"items":[NaN]}',
        b'{"items":["\xff"]}',
        b'{"items":' + b"[" * 100_000,
        b'{"items":[{"space":"s","externalId":"a","sources":[{"source":{"type":"container","space":"s",'
        b'"externalId":"C"},"properties":{"required":1e999}}]}]}',
    ],
)
def test_what_is_not_a_request_is_refused(raw: Raw, body: bytes) -> None:
    refusal(raw.post(UPSERT, body), 400)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("filter", {}, "need a lower bound"),
        ("filter", {"lastUpdatedTime": {"lt": 5}}, "need a lower bound"),
        ("aggregate", {"aggregates": {"n": {"count": {}}}}, "need a lower bound"),
    ],
)
def test_reading_an_immutable_stream_needs_a_time(raw: Raw, path: str, body: Any, message: str) -> None:
    assert message in refusal(raw.post(f"/streams/immutable/records/{path}", body), 400)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("filter", {"limit": 0}, "limit: expected an integer from 1 to 1000"),
        ("filter", {"limit": 1001}, "limit: expected an integer from 1 to 1000"),
        ("filter", {"limit": "10"}, "limit: expected an integer from 1 to 1000"),
        ("filter", {"filter": {"like": {}}}, "filter.like: not a filter of records"),
        ("filter", {"filter": {"equals": {"property": ["s"], "value": 1}}}, "filter.equals.property"),
        (
            "filter",
            {"filter": {"equals": {"property": ["s", "C", "text"]}}},
            "filter.equals.value: is missing",
        ),
        (
            "filter",
            {"filter": {"range": {"property": ["s", "C", "text"]}}},
            "filter.range: expected at least one",
        ),
        ("filter", {"filter": {"and": {}}}, "filter.and: expected an array"),
        (
            "filter",
            {"filter": {"in": {"property": ["externalId"], "values": ["a"] * 101}}},
            "filter.in.values: expected at most 100, got 101",
        ),
        ("filter", {"filter": {}}, "expected one operator, got 0"),
        ("filter", {"sort": [{"property": ["s", "C", "text"], "direction": "up"}]}, "sort[0].direction"),
        (
            "filter",
            {"sources": [{"source": {"space": "s", "externalId": "C"}, "properties": ["no"]}]},
            "'no'",
        ),
        ("filter", {"lastUpdatedTime": {"gt": "yesterday"}}, "lastUpdatedTime.gt"),
        ("filter", {"lastUpdatedTime": {"after": 1}}, "lastUpdatedTime.after"),
        ("aggregate", {}, "aggregates: expected an object"),
        ("aggregate", {"aggregates": {}}, "aggregates: expected 1 to 5 aggregates, got 0"),
        ("sync", {}, "either cursor or initializeCursor"),
        ("sync", {"cursor": "x", "initializeCursor": "1d-ago"}, "either cursor or initializeCursor"),
        ("sync", {"cursor": "nonsense"}, "not a cursor of this stream"),
        ("sync", {"initializeCursor": "yesterday"}, "initializeCursor: expected a duration"),
    ],
)
def test_a_bad_query_is_refused_by_its_place(raw: Raw, path: str, body: Any, message: str) -> None:
    assert message in refusal(raw.post(f"/streams/mutable/records/{path}", body), 400)


@pytest.mark.parametrize(
    ("path", "item", "message"),
    [
        ("/models/spaces", {"space": "-"}, "items[0].space"),
        ("/models/spaces", {"space": "dms"}, "reserved"),
        ("/models/containers", {"space": "none"}, "properties: expected an object"),
        ("/streams", {"externalId": "Upper"}, "items[0].externalId"),
        ("/streams", {"externalId": "logs"}, "items[0].externalId"),
        ("/streams", {"externalId": "cdf_x"}, "items[0].externalId"),
        ("/streams", {"externalId": "x"}, "items[0].settings"),
        (
            "/streams",
            {"externalId": "x", "settings": {"template": {"name": "None"}}},
            "template.name: 'None'",
        ),
    ],
)
def test_a_bad_definition_is_refused_by_its_place(raw: Raw, path: str, item: Any, message: str) -> None:
    assert message in refusal(raw.post(path, {"items": [item]}), 400)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"externalId": "has-dash"}, "items[0].externalId"),
        ({"space": "none"}, "space 'none' does not exist"),
        ({"usedFor": "records"}, "usedFor: 'records'"),
        ({"properties": {}}, "needs at least one property"),
        ({"properties": {"seq": {"type": {"type": "text"}}}}, "'seq' is reserved"),
        ({"properties": {"p": {"type": {"type": "string"}}}}, "type: 'string' is not one of"),
        ({"properties": {"p": {"type": {"type": "enum"}}}}, "needs 'values'"),
        (
            {"properties": {"p": {"type": {"type": "int32"}, "defaultValue": "x"}}},
            "defaultValue: expected an integer",
        ),
        (
            {"properties": {"p": {"type": {"type": "int32", "list": True, "maxListSize": 2001}}}},
            "properties.p.type.maxListSize: expected an integer from 1 to 2000, got 2001",
        ),
        (
            {"properties": {"p": {"type": {"type": "text", "list": True, "maxListSize": 0}}}},
            "properties.p.type.maxListSize: expected an integer from 1 to 2000, got 0",
        ),
        (
            {"properties": {"p": {"type": {"type": "text", "maxTextSize": -1}}}},
            "properties.p.type.maxTextSize: expected an integer from 1 to 128000, got -1",
        ),
        (
            {"properties": {"p": {"type": {"type": "text", "maxTextSize": "5"}}}},
            "properties.p.type.maxTextSize: expected an integer",
        ),
        (
            {"properties": {f"p{number}": {"type": {"type": "text"}} for number in range(1001)}},
            "a container for records can have 1000, got 1001",
        ),
    ],
)
def test_a_bad_container_is_refused_by_its_place(raw: Raw, changes: Any, message: str) -> None:
    properties = {"p": {"type": {"type": "text"}}}
    item = {"space": "s", "externalId": "New", "usedFor": "record", "properties": properties} | changes
    assert message in refusal(raw.post("/models/containers", {"items": [item]}), 400)


def test_a_container_can_have_a_thousand_properties_and_a_filter_a_hundred_values(raw: Raw) -> None:
    properties = {f"p{number}": {"type": {"type": "text"}} for number in range(1000)}
    item = {"space": "s", "externalId": "Wide", "usedFor": "record", "properties": properties}
    assert raw.post("/models/containers", {"items": [item]}).ok
    names = [f"r{number}" for number in range(100)]
    body = {"filter": {"in": {"property": ["externalId"], "values": names}}}
    assert raw.post("/streams/mutable/records/filter", body).ok


def test_every_answer_has_an_id_of_its_own(raw: Raw) -> None:
    answers = [raw.get("/streams"), raw.upsert(a_record()), raw.upsert(), raw.ask_for_token()]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4


def test_set_up_can_be_repeated(raw: Raw) -> None:
    assert raw.post("/models/spaces", {"items": [{"space": "s"}]}).ok
    settings = {"template": {"name": "BasicLiveData"}}
    again = raw.post("/streams", {"items": [{"externalId": "mutable", "settings": settings}]})
    assert "exists already" in refusal(again, 409)
