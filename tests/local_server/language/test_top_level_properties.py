"""Sorting and filtering by identity and times, as paging does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_server.conftest import Raw, a_record

IDS = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "Z", "a", "å", "é", "\uffff", "😀"]
ASCENDING = [
    {"property": [name], "direction": "ascending"} for name in ("lastUpdatedTime", "space", "externalId")
]


def found(raw: Raw, **query: Any) -> list[str]:
    answer = raw.post("/streams/mutable/records/filter", {"sort": ASCENDING, "limit": 1000, **query})
    assert answer.ok, answer.text
    return [item["externalId"] for item in answer.json()["items"]]


def by_external_id(operator: str, **argument: Any) -> dict[str, Any]:
    return {operator: {"property": ["externalId"], **argument}}


def test_external_ids_are_sorted_as_texts(raw: Raw) -> None:
    raw.upsert(*(a_record(name) for name in reversed(IDS)))
    assert found(raw) == sorted(IDS)


@pytest.mark.parametrize("bound", IDS)
def test_a_range_of_external_ids_follows_their_order(raw: Raw, bound: str) -> None:
    raw.upsert(*(a_record(name) for name in IDS))
    assert found(raw, filter=by_external_id("range", gt=bound)) == sorted(n for n in IDS if n > bound)
    assert found(raw, filter=by_external_id("range", gte=bound)) == sorted(n for n in IDS if n >= bound)


def test_an_external_id_equals_only_itself(raw: Raw) -> None:
    raw.upsert(*(a_record(name) for name in IDS))
    for name in IDS:
        assert found(raw, filter=by_external_id("equals", value=name)) == [name]
        assert found(raw, filter=by_external_id("in", values=[name])) == [name]


def test_all_keys_of_a_sort_count_the_first_one_most(raw: Raw) -> None:
    raw.upsert(a_record("c"), a_record("a"))
    raw.upsert(a_record("b"))
    assert found(raw) == ["a", "c", "b"]
    assert found(raw, sort=[{"property": ["externalId"], "direction": "descending"}]) == ["c", "b", "a"]


def test_times_of_change_equal_milliseconds_and_text(raw: Raw) -> None:
    raw.upsert(a_record("a"))
    (item,) = raw.post("/streams/mutable/records/filter", {}).json()["items"]
    time = {"property": ["lastUpdatedTime"]}
    assert found(raw, filter={"equals": time | {"value": item["lastUpdatedTime"]}}) == ["a"]
    assert found(raw, filter={"range": time | {"gt": item["lastUpdatedTime"]}}) == []
    assert found(raw, filter={"range": time | {"gt": "2001-02-03T04:05:06Z"}}) == ["a"]
