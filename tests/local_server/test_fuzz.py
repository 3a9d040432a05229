"""No request makes the server fail: more than 5,000 of all kinds."""

from __future__ import annotations

import copy
import errno
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, set_up
from tests.waiting import PATIENCE

PROPERTY, NUMBER, TIME = (["s", "C", name] for name in ("text", "required", "time"))
CONTAINER = {"type": "container", "space": "s", "externalId": "C"}
ENUM = {"type": "enum", "values": {"a": {"name": "A"}}, "unknownValue": "a"}
LEAF = {"equals": {"property": PROPERTY, "value": 1}}
GOOD: dict[str, Any] = {
    "/models/spaces": {"items": [{"space": "s", "name": "S", "description": "D"}]},
    "/models/spaces/byids": {"items": [{"space": "s"}]},
    "/models/containers": {
        "items": [
            {
                "space": "s",
                "externalId": "D",
                "usedFor": "record",
                "properties": {
                    "p": {"type": {"type": "text", "list": True, "maxListSize": 3, "maxTextSize": 5}},
                    "q": {"type": {"type": "int32"}, "nullable": False, "defaultValue": 3},
                    "r": {"type": ENUM, "autoIncrement": False},
                },
            }
        ]
    },
    "/models/containers/byids": {"items": [{"space": "s", "externalId": "C"}]},
    "/streams": {"items": [{"externalId": "x", "settings": {"template": {"name": "BasicArchive"}}}]},
    "/streams/delete": {"items": [{"externalId": "x"}]},
    "/streams/mutable/records": {"items": [a_record(text="x", time="2026-01-02T03:04:05Z")]},
    "/streams/immutable/records": {"items": [a_record(), a_record("b")]},
    "/streams/mutable/records/upsert": {
        "items": [a_record(text="x", filled=None, time="2026-01-02T03:04:05.6+01:00", anything={"a": [1]})]
    },
    "/streams/mutable/records/delete": {"items": [{"space": "s", "externalId": "a"}]},
    "/streams/mutable/records/filter": {
        "filter": {
            "and": [
                LEAF,
                {"range": {"property": NUMBER, "gt": 1, "gte": 1, "lt": 9, "lte": 9}},
                {"or": [{"in": {"property": PROPERTY, "values": ["a", 1]}}, {"not": {"matchAll": {}}}]},
                {"prefix": {"property": ["externalId"], "value": "a"}},
                {"exists": {"property": TIME}},
                {"hasData": [CONTAINER]},
                {"containsAny": {"property": PROPERTY, "values": ["a"]}},
                {"containsAll": {"property": PROPERTY, "values": ["a"]}},
            ]
        },
        "sort": [{"property": NUMBER, "direction": "descending"}, {"property": ["space"]}],
        "sources": [{"source": CONTAINER, "properties": ["*"]}],
        "lastUpdatedTime": {"gt": 1, "lt": "2100-01-01T00:00:00Z"},
        "limit": 5,
        "includeTyping": True,
    },
    "/streams/mutable/records/aggregate": {
        "aggregates": {
            "count": {"count": {"property": PROPERTY}},
            "max": {"max": {"property": TIME}},
            "values": {
                "uniqueValues": {
                    "property": PROPERTY,
                    "size": 3,
                    "aggregates": {"avg": {"avg": {"property": NUMBER}}},
                }
            },
            "numbers": {
                "numberHistogram": {
                    "property": NUMBER,
                    "interval": 2.5,
                    "hardBounds": {"min": 0, "max": 10},
                    "aggregates": {
                        "sum": {"sum": {"property": NUMBER}},
                        "moving": {"movingFunction": {"bucketsPath": "sum", "window": 2, "function": "max"}},
                    },
                }
            },
            "times": {
                "timeHistogram": {
                    "property": TIME,
                    "calendarInterval": "1d",
                    "hardBounds": {"min": "2020-01-01T00:00:00Z"},
                    "aggregates": {"which": {"filters": {"filters": [LEAF, {"matchAll": {}}]}}},
                }
            },
        },
        "filter": {"matchAll": {}},
        "lastUpdatedTime": {"gte": 1},
        "includeTyping": True,
    },
    "/streams/mutable/records/sync": {
        "initializeCursor": "1d-ago",
        "limit": 5,
        "filter": LEAF,
        "sources": [{"source": CONTAINER, "properties": ["text"]}],
        "includeTyping": True,
    },
}
NASTY = st.sampled_from(
    [
        2**31,
        2**63,
        -(2**64),
        10**400,
        1e308,
        5e-324,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999-23:59",
        "999999w-ago",
        "999999999d",
        "1970-01-01",
        "\0",
        "\U0010ffff",
        "_count",
        "*",
        ["externalId"],
        ["lastUpdatedTime"],
        TIME,
        {"matchAll": {}},
    ]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NASTY
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
examples = settings(suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", params=["strict", "create missing"])
def raw(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    database = tmp_path_factory.mktemp("fuzz") / "cdf.sqlite"
    with LocalServer(database, create_missing=request.param == "create missing") as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        properties = {"time": "timestamp", "anything": "json", "text": "text", "required": "int32"}
        server.load({"containers": [{"space": "s", "externalId": "C", "properties": properties}]})
        times = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-02T03:04:05Z"]
        assert raw.upsert(*(a_record(time, time=time, text="x") for time in times)).ok
        yield raw


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """A valid request with one or two of its values replaced, renamed or removed."""
    path = draw(st.sampled_from(sorted(GOOD)))
    body = json.loads(json.dumps(GOOD[path]))  # a deep copy without shared objects
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(list(places(body))))
        new = copy.deepcopy(draw(json_values))
        if not place:
            return path, new
        parent = body
        for key in place[:-1]:
            parent = parent[key]
        if draw(st.booleans()) or isinstance(parent, list):
            parent[place[-1]] = new
        elif draw(st.booleans()):
            parent[draw(st.text(max_size=5))] = parent.pop(place[-1])
        else:
            del parent[place[-1]]
    return path, body


def check(status: int, content: bytes) -> None:
    """Check that the server did not fail, and that an error has CDF's form."""
    assert status < 500, content
    assert status < 400 or json.loads(content)["error"]["message"]


@settings(examples, max_examples=2000)
@given(request=mutated())
def test_a_request_with_a_wrong_place_never_breaks_the_server(raw: Raw, request: tuple[str, Any]) -> None:
    path, body = request
    answer = raw.post(path, json.dumps(body).encode())
    check(answer.status_code, answer.content)


@settings(examples, max_examples=400)
@given(
    path=st.sampled_from(sorted(GOOD)),
    body=st.binary(max_size=60),
    encoding=st.sampled_from(["", "gzip", "GZIP", "deflate", "br"]),
)
def test_bytes_of_any_kind_never_break_the_server(raw: Raw, path: str, body: bytes, encoding: str) -> None:
    answer = raw.post(path, body, **{"Content-Encoding": encoding} if encoding else {})
    check(answer.status_code, answer.content)


WORDS = (
    "api v1 projects local other models spaces containers streams mutable records upsert sync oauth2 token ui"
)
segments = st.sampled_from([*WORDS.split(), "page.js", "", "..", "%00", "%ff", "%F0%9F%98%80"])
PROJECT = "/api/v1/projects/local"
READ = ("/streams", "/streams/mutable", "/models/spaces", "/models/containers")
TOP = ("/", "/ui/state", "/oauth2/token", "/api/v1/token/inspect")
ADDRESSES = [*TOP, *(PROJECT + path for path in [*READ, *GOOD])]
queries = st.dictionaries(
    st.sampled_from(["limit", "cursor", "space", "includeStatistics", "stream"]),
    st.text(max_size=5) | st.integers().map(str),
    max_size=3,
)


@settings(examples, max_examples=400)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]),
    path=st.sampled_from(ADDRESSES) | st.lists(segments, max_size=7).map(lambda parts: "/" + "/".join(parts)),
    query=queries,
    form=st.dictionaries(st.sampled_from(["grant_type", "client_id", "client_secret"]), st.text(max_size=9)),
    authorization=st.sampled_from(
        ["good", "", "Bearer", "Basic Og==", "Basic \xff", "Bearer a.b", "Bearer \xe4.\xf6"]
    ),
    host=st.sampled_from(["127.0.0.1", "localhost", "[", "a.b:x", "[::1]:99999999", ""]),
)
def test_addresses_and_headers_of_any_kind_never_break_the_server(
    raw: Raw,
    method: str,
    path: str,
    query: dict[str, str],
    form: dict[str, str],
    authorization: str,
    host: str,
) -> None:
    connection = http.client.HTTPConnection(urlsplit(raw.url).netloc, timeout=PATIENCE)
    token = raw.headers["Authorization"] if authorization == "good" else authorization
    headers = {"Authorization": token, "Host": host}
    connection.request(method, f"{path}?{urlencode(query)}", urlencode(form), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status < 500, content


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\xff" * 100,
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n",
        b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ncut short",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"x" * 200_000,
    ],
)
def test_what_is_not_http_never_breaks_the_server(raw: Raw, sent: bytes) -> None:
    parts = urlsplit(raw.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert b" 500 " not in connection.recv(100)
        except OSError as error:
            if not isinstance(error, ConnectionError) and error.errno != errno.ENOTCONN:  # it has hung up
                raise
    assert raw.get("/streams").ok
