"""Reading records and changes, and creating streams, through the hook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_cdf_records.client import paging
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

SOURCES = [{"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]}]


@pytest.fixture
def cdf(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCdf]:
    monkeypatch.setattr(paging, "PAGE_SIZE", 30)
    with local_cdf(monkeypatch) as cdf:
        yield cdf


def test_records_are_queried_page_by_page(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record(f"r{number}", number=number) for number in range(100)])
    wanted: dict[str, Any] = {"range": {"property": [SPACE, CONTAINER, "number"], "lt": 80}}
    records = list(CdfRecordsHook().query_records(STREAM, filter=wanted, sources=SOURCES))
    found = {record["externalId"]: record["properties"][SPACE][CONTAINER]["number"] for record in records}
    assert len(records) == 80
    assert found == {f"r{number}": number for number in range(80)}


def test_records_of_an_immutable_stream_need_a_time(cdf: LocalCdf) -> None:
    hook = CdfRecordsHook()
    hook.ingest_records(
        IMMUTABLE_STREAM, [a_record(f"r{number // 5}", number=number) for number in range(70)]
    )
    with pytest.raises(AirflowFailException, match="lastUpdatedTime"):
        list(hook.query_records(IMMUTABLE_STREAM))
    assert len(list(hook.query_records(IMMUTABLE_STREAM, last_updated_time={"gt": 0}))) == 70


def test_changes_are_synced_from_a_cursor_on(cdf: LocalCdf) -> None:
    hook = CdfRecordsHook()
    hook.upsert_records(STREAM, [a_record(f"r{number}") for number in range(70)])
    pages = list(hook.sync_records(STREAM))
    assert [len(page.items) for page in pages] == [30, 30, 10]
    hook.upsert_records(STREAM, [a_record("r0")])
    hook.delete_records(STREAM, [a_record("r1")])
    (page,) = hook.sync_records(STREAM, cursor=pages[-1].cursor)
    assert {item["externalId"]: item["status"] for item in page.items} == {"r0": "updated", "r1": "deleted"}


def test_what_cannot_be_read_fails_for_good(cdf: LocalCdf) -> None:
    with pytest.raises(AirflowFailException, match="404"):
        list(CdfRecordsHook().query_records("nowhere"))
    with pytest.raises(AirflowFailException, match="404"):
        list(CdfRecordsHook().sync_records("nowhere"))


def test_a_stream_is_there_afterwards(cdf: LocalCdf) -> None:
    assert CdfRecordsHook().create_stream("new", "BasicLiveData")["type"] == "Mutable"
    assert CdfRecordsHook().upsert_records("new", [a_record()]).upserted == 1


@pytest.mark.parametrize(
    "condition",
    [
        {"not": {"equals": {"property": [SPACE, CONTAINER, "severty"], "value": "closed"}}},
        {"and": [{"exists": {"property": [SPACE, "Alrm", "number"]}}]},
        {"not": {"in": {"property": ["elsewhere", CONTAINER, "number"], "values": [1]}}},
    ],
)
def test_a_filter_on_what_does_not_exist_deletes_nothing(cdf: LocalCdf, condition: Any) -> None:
    cdf.upsert(STREAM, [a_record("a")])
    with pytest.raises(AirflowFailException, match=r"filter: container .* (has no property|does not exist)"):
        CdfRecordsHook().delete_filter(STREAM, condition)
    assert cdf.held()


def test_a_filter_on_what_exists_deletes_what_matches(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a", number=1), a_record("b", number=2), a_record("c")])
    number = {"property": [SPACE, CONTAINER, "number"]}
    both = {"and": [{"exists": number}, {"not": {"equals": number | {"value": 1}}}]}
    assert CdfRecordsHook().delete_filter(STREAM, both).deleted == 1
    assert (
        CdfRecordsHook().delete_filter(STREAM, {"prefix": {"property": ["externalId"], "value": "c"}}).deleted
    )
    assert cdf.held().keys() == {"a"}


def test_bounds_of_time_may_be_datetimes(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a")])
    now = datetime.now(timezone.utc)
    for moment, count in ((now - timedelta(days=1), 1), (now + timedelta(days=1), 0)):
        bounds = {"gte": moment}
        assert len(list(CdfRecordsHook().query_records(STREAM, last_updated_time=bounds))) == count
        assert cdf.client.count_records(STREAM, last_updated_time=bounds) == count
