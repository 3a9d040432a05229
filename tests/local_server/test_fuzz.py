"""No body of any kind breaks the server."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, set_up

PROPERTY = ["s", "C", "text"]
GOOD: dict[str, Any] = {
    "/models/spaces": {"items": [{"space": "s"}]},
    "/models/spaces/byids": {"items": [{"space": "s"}]},
    "/models/containers": {
        "items": [
            {
                "space": "s",
                "externalId": "D",
                "usedFor": "record",
                "properties": {"p": {"type": {"type": "text"}}},
            }
        ]
    },
    "/models/containers/byids": {"items": [{"space": "s", "externalId": "C"}]},
    "/streams": {"items": [{"externalId": "x", "settings": {"template": {"name": "BasicArchive"}}}]},
    "/streams/delete": {"items": [{"externalId": "x"}]},
    "/streams/mutable/records": {"items": [a_record()]},
    "/streams/mutable/records/upsert": {"items": [a_record(text="x")]},
    "/streams/mutable/records/delete": {"items": [{"space": "s", "externalId": "a"}]},
    "/streams/mutable/records/filter": {
        "filter": {
            "and": [
                {"equals": {"property": PROPERTY, "value": 1}},
                {"range": {"property": PROPERTY, "gt": 1}},
            ]
        },
        "sort": [{"property": PROPERTY, "direction": "ascending"}],
        "sources": [{"source": {"type": "container", "space": "s", "externalId": "C"}, "properties": ["*"]}],
        "lastUpdatedTime": {"gt": 1},
        "limit": 5,
        "includeTyping": True,
    },
    "/streams/mutable/records/aggregate": {"aggregates": {"n": {"count": {"property": PROPERTY}}}},
    "/streams/mutable/records/sync": {"initializeCursor": "1d-ago", "limit": 5},
}
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    with LocalServer(tmp_path_factory.mktemp("fuzz") / "cdf.sqlite") as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        raw.upsert(a_record())
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
    """A good request with something else in one place."""
    path = draw(st.sampled_from(sorted(GOOD)))
    body = copy.deepcopy(GOOD[path])
    place = draw(st.sampled_from(list(places(body))))
    new = draw(json_values)
    if not place:
        return path, new
    parent = body
    for key in place[:-1]:
        parent = parent[key]
    if draw(st.booleans()) or isinstance(parent, list):
        parent[place[-1]] = new
    else:
        del parent[place[-1]]
    return path, body


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=mutated())
def test_a_request_with_one_wrong_place_never_breaks_the_server(raw: Raw, request: tuple[str, Any]) -> None:
    path, body = request
    answer = raw.post(path, json.dumps(body).encode())
    assert answer.status_code < 500, answer.text
    assert answer.ok or answer.json()["error"]["message"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(sorted(GOOD)), body=st.binary(max_size=60), packed=st.booleans())
def test_bytes_of_any_kind_never_break_the_server(raw: Raw, path: str, body: bytes, packed: bool) -> None:
    headers = {"Content-Encoding": "gzip"} if packed else {}
    assert raw.post(path, body, **headers).status_code < 500
