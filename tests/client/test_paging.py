"""Reading whole streams page by page, against the local server and the official SDK."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count, pairwise
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from cognite.client.data_classes.data_modeling.records import TimeRange
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import (
    CdfApiError,
    CdfClient,
    CdfConnectionError,
    CdfError,
    paging,
    query_records,
    sync_records,
)
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.local_server.state.store import Store
from tests.client.conftest import MakeClient
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.local_server import sdk
from tests.sample_records import CONTAINER, SPACE, a_record
from tests.scripted_server import Answer, ScriptedServer

ALL = [
    {"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]},
]
EVER = {"gte": 0}
IDS = ["2026-01-02T03:04:05Z", "A", "a", "å", "ø", "\uffff", "😀", "a b"]
OTHER_SPACE = "quay"
NUMBERS = count()


@pytest.fixture(scope="module")
def cdf() -> Iterator[LocalCdf]:
    """A server on which time stands still: all changes have one ``lastUpdatedTime`` until a test moves it."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        patch.object(Store, "_tick", lambda self: self.clock.now_ms()),
        local_cdf(monkeypatch, clock=Clock(stopped=True)) as cdf,
    ):
        cdf.client.post("/models/spaces", {"items": [{"space": OTHER_SPACE}]})
        yield cdf


@pytest.fixture
def stream_id(cdf: LocalCdf) -> str:
    return a_new_stream(cdf)


def a_new_stream(cdf: LocalCdf, template: str = "BasicLiveData") -> str:
    stream_id = f"stream-{next(NUMBERS)}"
    cdf.client.create_stream(stream_id, template)
    return stream_id


def of_items(items: list[dict[str, Any]]) -> bytes:
    return msgspec.json.encode({"items": items})


def upsert(cdf: LocalCdf, stream_id: str, *records: dict[str, Any]) -> None:
    cdf.client.upsert_records(stream_id, of_items(list(records)))


def delete(cdf: LocalCdf, stream_id: str, *records: dict[str, Any]) -> None:
    identities = [{name: record[name] for name in ("space", "externalId")} for record in records]
    cdf.client.delete_records(stream_id, of_items(identities))


def ids(records: Any) -> list[str]:
    return [record["externalId"] for record in records]


def numbered(name: str, number: int) -> dict[str, Any]:
    """Return a record, in the other space where the number is odd."""
    return a_record(name, number=number) | {"space": (SPACE, OTHER_SPACE)[number % 2]}


def key(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["lastUpdatedTime"], record["space"], record["externalId"]


def contents(records: Any) -> Counter[bytes]:
    return Counter(msgspec.json.encode(record, order="deterministic") for record in records)


def pages_of(size: int) -> Any:
    return patch.object(paging, "PAGE_SIZE", size)


def read_until_refused(reading: Iterator[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Return the records, and whether more of them share time and identity than a page holds."""
    found = []
    try:
        found.extend(reading)
    except CdfError as error:
        if "cannot be read" not in str(error):
            raise
        return found, True
    return found, False


class TiesInAnyOrder:
    """A client whose server sorts records with equal keys otherwise in each answer."""

    def __init__(self, client: CdfClient, seed: int) -> None:
        self._client = client
        self._random = random.Random(seed)

    def filter_records(self, stream_id: str, *, limit: int, **query: Any) -> list[dict[str, Any]]:
        found = self._client.filter_records(stream_id, limit=1000, **query)
        self._random.shuffle(found)
        return sorted(found, key=key)[:limit]


def test_five_thousand_records_of_one_moment_come_once_and_in_order(cdf: LocalCdf, stream_id: str) -> None:
    names = [f"{number % 7}-{'åø☃😀'[number % 4]}-{number}" for number in range(5000)]
    for start in range(0, 5000, 1000):
        upsert(cdf, stream_id, *(a_record(name) for name in names[start : start + 1000]))
    found = list(query_records(cdf.client, stream_id))
    assert len({record["lastUpdatedTime"] for record in found}) == 1
    assert ids(found) == sorted(names)


def test_without_sources_only_identities_and_times_come(cdf: LocalCdf, stream_id: str) -> None:
    upsert(cdf, stream_id, a_record("a"))
    (record,) = query_records(cdf.client, stream_id)
    assert record.keys() == {"space", "externalId", "createdTime", "lastUpdatedTime"}
    (record,) = query_records(cdf.client, stream_id, sources=ALL)
    assert record["properties"] == {SPACE: {CONTAINER: {"value": 1.5}}}


def test_filter_and_time_hold_on_every_page(cdf: LocalCdf, stream_id: str) -> None:
    upsert(cdf, stream_id, *(a_record(str(n), text="early") for n in range(5)))
    cdf.server.clock.advance(1)
    now = cdf.server.clock.now_ms()
    upsert(cdf, stream_id, *(a_record(str(n), text="xy"[n % 2]) for n in range(10, 30)))
    x = {"equals": {"property": [SPACE, CONTAINER, "text"], "value": "x"}}
    with pages_of(3):
        found = ids(query_records(cdf.client, stream_id, filter=x, last_updated_time={"gte": now}))
        late = ids(query_records(cdf.client, stream_id, last_updated_time={"gte": now}))
    assert found == [str(n) for n in range(10, 30, 2)]
    assert late == [str(n) for n in range(10, 30)]


def test_an_immutable_stream_needs_a_time(cdf: LocalCdf) -> None:
    with pytest.raises(CdfApiError, match="lower bound"):
        next(query_records(cdf.client, IMMUTABLE_STREAM))


def test_an_empty_stream_has_no_records(cdf: LocalCdf, stream_id: str) -> None:
    assert list(query_records(cdf.client, stream_id)) == []


batches = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, 3)), min_size=1, max_size=6),
        st.sampled_from([0, 0.001, 5]),
    ),
    max_size=6,
)


@given(batches=batches, page_size=st.integers(2, 5))
def test_a_mutable_stream_is_read_whole(cdf: LocalCdf, batches: Any, page_size: int) -> None:
    stream_id = a_new_stream(cdf)
    for pairs, pause in batches:
        upsert(cdf, stream_id, *(numbered(name, n) for name, n in dict(pairs).items()))
        cdf.server.clock.advance(pause)
    with pages_of(page_size):
        found = list(query_records(cdf.client, stream_id, sources=ALL))
    assert contents(found) == contents(cdf.client.filter_records(stream_id, sources=ALL, limit=1000))
    assert [*map(key, found)] == sorted(map(key, found))


@given(batches=batches, page_size=st.integers(2, 5), with_sources=st.booleans(), seed=st.integers(0, 99))
def test_an_immutable_stream_is_read_whole_or_refused(
    cdf: LocalCdf, batches: Any, page_size: int, with_sources: bool, seed: int
) -> None:
    stream_id = a_new_stream(cdf, "BasicArchive")
    for pairs, pause in batches:
        records = [numbered(name, n) for name, n in pairs]
        cdf.client.ingest_records(stream_id, of_items(records))
        cdf.server.clock.advance(pause)
    held = cdf.client.filter_records(stream_id, sources=ALL, last_updated_time=EVER, limit=1000)
    client: Any = TiesInAnyOrder(cdf.client, seed)
    sources = ALL if with_sources else None
    with pages_of(page_size):
        reading = query_records(client, stream_id, sources=sources, last_updated_time=EVER)
        found, refused = read_until_refused(reading)
    if refused:
        assert max(Counter(map(key, held)).values()) >= page_size
        return
    if with_sources:
        assert contents(found) == contents(held)
    assert [*map(key, found)] == sorted(map(key, held))


def test_more_than_a_page_of_one_identity_and_time_is_an_error(cdf: LocalCdf) -> None:
    stream_id = a_new_stream(cdf, "BasicArchive")
    records = [a_record("a"), *(a_record("b", number=n) for n in range(5)), a_record("c")]
    cdf.client.ingest_records(stream_id, of_items(records))
    with pages_of(4), pytest.raises(CdfError, match=f"4 or more records of stream '{stream_id}'.*plant/b"):
        list(query_records(cdf.client, stream_id, last_updated_time=EVER))
    with pages_of(6):
        assert len(list(query_records(cdf.client, stream_id, last_updated_time=EVER))) == 7


@pytest.mark.parametrize("deleted_at_once", [1, 3, 4, 7])
def test_records_can_be_deleted_as_they_come(cdf: LocalCdf, stream_id: str, deleted_at_once: int) -> None:
    for start in range(0, 30, 6):
        upsert(cdf, stream_id, *(a_record(f"{number:02}") for number in range(start, start + 6)))
        cdf.server.clock.advance(start % 12 / 1000)  # some of the batches are of one moment
    found: list[dict[str, Any]] = []
    with pages_of(4):
        for record in query_records(cdf.client, stream_id):
            found.append(record)
            if len(found) % deleted_at_once == 0:
                delete(cdf, stream_id, *found[-deleted_at_once:])
    assert ids(found) == [f"{number:02}" for number in range(30)]


def test_a_record_that_changes_meanwhile_comes_again(cdf: LocalCdf, stream_id: str) -> None:
    upsert(cdf, stream_id, *(a_record(name, text="old") for name in "abcdef"))
    with pages_of(3):
        reading = query_records(cdf.client, stream_id)
        first = [next(reading), next(reading)]
        cdf.server.clock.advance(1)
        upsert(cdf, stream_id, a_record("a", text="new"), a_record("e", text="new"))
        assert ids([*first, *reading]) == ["a", "b", "c", "d", "f", "a", "e"]


def test_the_official_sdk_reads_the_same(cdf: LocalCdf) -> None:
    official = sdk.connect(cdf.server)
    times = [cdf.server.clock.now_ms()]
    for start in range(0, 30, 10):
        sdk.upsert(
            official, *(sdk.a_record(f"å{number}", small=number) for number in range(start, start + 10))
        )
        cdf.server.clock.advance(1)
        times.append(cdf.server.clock.now_ms())
    official.data_modeling.records.delete(
        [sdk.a_record("å3", small=1).as_id(), sdk.a_record("å17", small=1).as_id()], stream_id=sdk.STREAM
    )
    source = {"type": "container", "space": sdk.SPACE, "externalId": sdk.CONTAINER}
    sources = [{"source": source, "properties": ["*"]}]
    with pages_of(4):
        found = list(query_records(cdf.client, sdk.STREAM, sources=sources))
        synced = [item for page in sync_records(cdf.client, sdk.STREAM) for item in page.items]
    by_window = [
        record.dump()
        for since, until in pairwise(times)
        for record in official.data_modeling.records.filter(
            sdk.STREAM, last_updated_time=TimeRange(gte=since, lt=until), limit=1000
        )
    ]
    assert len(found) == 28
    assert contents(found) == contents(by_window)
    feed = official.data_modeling.records.sync(sdk.STREAM, initialize_cursor="1d-ago", chunk_size=7)
    theirs = [
        (record.external_id, record.status, record.last_updated_time) for chunk in feed for record in chunk
    ]
    assert [(item["externalId"], item["status"], item["lastUpdatedTime"]) for item in synced] == theirs


def test_changes_come_in_pages_until_there_are_no_more(cdf: LocalCdf, stream_id: str) -> None:
    upsert(cdf, stream_id, *(a_record(name) for name in "abcde"))
    delete(cdf, stream_id, a_record("b"))
    with pages_of(2):
        pages = list(sync_records(cdf.client, stream_id, sources=ALL))
    assert [ids(page.items) for page in pages] == [["a", "c"], ["d", "e"], ["b"]]
    assert [page.has_next for page in pages] == [True, True, False]
    assert [item["status"] for item in pages[-1].items] == ["deleted"]


def test_a_cursor_goes_on_where_its_page_ended(cdf: LocalCdf, stream_id: str) -> None:
    upsert(cdf, stream_id, a_record("a"))
    (first,) = sync_records(cdf.client, stream_id)
    (empty,) = sync_records(cdf.client, stream_id, cursor=first.cursor)
    upsert(cdf, stream_id, a_record("b"))
    (second,) = sync_records(cdf.client, stream_id, cursor=empty.cursor)
    assert (ids(first.items), empty.items, ids(second.items)) == (["a"], [], ["b"])


def test_an_empty_page_in_the_middle_is_given_and_gone_past(
    client: CdfClient, server: ScriptedServer
) -> None:
    server.answer(
        "/sync",
        Answer(body={"items": [], "nextCursor": "1", "hasNext": True}),
        Answer(body={"items": [{"externalId": "a"}], "nextCursor": "2", "hasNext": False}),
    )
    pages = list(sync_records(client, "s", initialize_cursor="7d-ago", filter={"matchAll": {}}))
    assert [(page.items, page.cursor) for page in pages] == [([], "1"), ([{"externalId": "a"}], "2")]
    assert [asked.json for asked in server.asked_for("/sync")] == [
        {"initializeCursor": "7d-ago", "filter": {"matchAll": {}}, "limit": 1000},
        {"cursor": "1", "filter": {"matchAll": {}}, "limit": 1000},
    ]


@pytest.mark.parametrize(
    "answer", [{}, {"items": [], "hasNext": False}, {"items": [1], "nextCursor": "a", "hasNext": True}]
)
def test_an_answer_that_is_no_page_of_changes_is_an_error(
    client: CdfClient, server: ScriptedServer, answer: dict[str, Any]
) -> None:
    server.answer("/sync", Answer(body=answer))
    with pytest.raises(CdfConnectionError, match="without items, nextCursor and hasNext"):
        list(sync_records(client, "s"))


def test_an_answer_without_records_is_no_empty_page(make_client: MakeClient, server: ScriptedServer) -> None:
    server.answer("/filter", Answer(body={"hello": "world"}))
    with pytest.raises(CdfConnectionError, match="without the items"):
        list(query_records(make_client(), "s"))
