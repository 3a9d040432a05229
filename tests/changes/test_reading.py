"""What has changed in a stream since the last look."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfApiError, CdfConnectionError
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.waiting import Changes, Position, change_pages, read_changes
from airflow_provider_cdf_records.waiting.change_pages import look_back, pages_from
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

SOURCES = [{"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]}]


def upsert(cdf: LocalCdf, *names: str, **properties: Any) -> None:
    for start in range(0, len(names), 1000):
        cdf.upsert(STREAM, [a_record(name, **properties) for name in names[start : start + 1000]])


def delete(cdf: LocalCdf, name: str) -> None:
    items = {"items": [{"space": SPACE, "externalId": name}]}
    cdf.client.delete_records(STREAM, json.dumps(items).encode())


def counts(changes: Changes) -> tuple[int, int, int]:
    return changes.created, changes.updated, changes.deleted


def named(changes: Changes) -> list[str]:
    return [record["externalId"] for record in changes.listed.records]


def test_changes_are_counted_by_what_they_are_and_listed(cdf: LocalCdf) -> None:
    upsert(cdf, "a", "b")
    first = read_changes(cdf.client, STREAM)
    assert (counts(first), first.has_next, first.has_more_records) == ((2, 0, 0), False, False)
    upsert(cdf, "a", value=2.0)
    delete(cdf, "b")
    second = read_changes(cdf.client, STREAM, position=first.position)
    assert counts(second) == (0, 1, 1)
    assert second.listed.records == [
        {"space": SPACE, "externalId": "a", "status": "updated"},
        {"space": SPACE, "externalId": "b", "status": "deleted"},
    ]


def test_no_change_still_gives_a_position(cdf: LocalCdf) -> None:
    quiet = read_changes(cdf.client, STREAM)
    assert (quiet.total, quiet.position.cursor != "") == (0, True)


def test_sources_say_which_properties_are_listed(cdf: LocalCdf) -> None:
    upsert(cdf, "a", text="x")
    found = read_changes(cdf.client, STREAM, sources=SOURCES).listed.records[0]
    assert found["properties"][SPACE][CONTAINER]["text"] == "x"


def test_only_what_matches_the_filter_counts(cdf: LocalCdf) -> None:
    upsert(cdf, "a", text="x")
    upsert(cdf, "b", text="y")
    x = {"equals": {"property": [SPACE, CONTAINER, "text"], "value": "x"}}
    assert named(read_changes(cdf.client, STREAM, filter=x)) == ["a"]


@pytest.mark.parametrize("bound", [{"max_records": 3}, {"max_bytes": 180}])
def test_the_list_is_bounded_and_the_counts_are_not(cdf: LocalCdf, bound: dict[str, Any]) -> None:
    upsert(cdf, *(f"r{number}" for number in range(10)))
    changes = read_changes(cdf.client, STREAM, **bound)
    assert named(changes) == ["r0", "r1", "r2"]
    assert (changes.created, changes.has_more_records) == (10, True)


def test_a_record_too_large_to_list_is_listed_without_its_properties(cdf: LocalCdf) -> None:
    upsert(cdf, "a", text="x" * 1000)
    changes = read_changes(cdf.client, STREAM, sources=SOURCES, max_bytes=500)
    assert changes.listed.records == [{"space": SPACE, "externalId": "a", "status": "created"}]


def test_a_flood_is_read_in_parts_of_which_none_is_lost(cdf: LocalCdf) -> None:
    names = [f"r{number}" for number in range(3500)]
    upsert(cdf, *names)
    seen: list[str] = []
    position, parts, has_next = None, 0, True
    while has_next:
        changes = read_changes(cdf.client, STREAM, position=position, max_pages=2, max_records=5000)
        assert changes.pages <= 2
        seen += named(changes)
        position, has_next, parts = changes.position, changes.has_next, parts + 1
    assert (sorted(seen), parts) == (sorted(names), 2)


def test_no_page_is_begun_after_the_time_is_over(cdf: LocalCdf) -> None:
    upsert(cdf, *(f"r{number}" for number in range(1500)))
    changes = read_changes(cdf.client, STREAM, max_seconds=0)
    assert (changes.pages, changes.has_next) == (1, True)


def test_what_was_read_before_a_failure_is_kept(cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch) -> None:
    upsert(cdf, *(f"r{number}" for number in range(1500)))
    ask = cdf.client.sync_records_page
    asked: list[Any] = []

    def fail_on_second(*given: Any, **more: Any) -> Any:
        asked.append(more)
        if len(asked) == 2:
            raise CdfConnectionError("reset")
        return ask(*given, **more)

    monkeypatch.setattr(cdf.client, "sync_records_page", fail_on_second)
    first = read_changes(cdf.client, STREAM)
    assert (first.created, first.has_next) == (1000, True)
    assert read_changes(cdf.client, STREAM, position=first.position).created == 500


def test_a_cursor_that_is_refused_is_replaced_by_a_look_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True)) as cdf:
        upsert(cdf, "long ago")
        cdf.server.clock.advance(86_400)
        upsert(cdf, "a")
        cdf.server.clock.advance(3600)
        now = cdf.server.clock.now_ms() / 1000
        monkeypatch.setattr(change_pages.time, "time", lambda: now)
        with caplog.at_level(logging.WARNING):
            changes = read_changes(cdf.client, STREAM, position=Position("not a cursor", now - 3700))
    assert named(changes) == ["a"]
    assert "takes the cursor that was kept for stream alarms no more" in caplog.text
    assert "read from 72m-ago on, so that some come twice" in caplog.text
    assert "three days" not in caplog.text


def test_deletions_that_cdf_may_have_forgotten_are_warned_of(
    cdf: LocalCdf, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        read_changes(cdf.client, STREAM, position=Position("x", time.time() - 4 * 86_400))
    assert "deleted longer than three days ago" in caplog.text


def test_a_filter_that_is_refused_is_not_taken_for_a_lost_cursor(cdf: LocalCdf) -> None:
    position = read_changes(cdf.client, STREAM).position
    with pytest.raises(CdfApiError, match="filter"):
        read_changes(cdf.client, STREAM, position=position, filter={"like": {}})


def test_changes_that_are_left_are_found_without_their_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True)) as cdf:
        upsert(cdf, *(f"r{number}" for number in range(1500)))
        cdf.server.clock.advance(36_000)
        now = cdf.server.clock.now_ms() / 1000
        monkeypatch.setattr(change_pages.time, "time", lambda: now)
        position = read_changes(cdf.client, STREAM, max_pages=1).position
        left = read_changes(cdf.client, STREAM, position=position._replace(cursor="bm9uZQ=="))
    assert position.time == now - 36_000
    assert left.created == 1500


def test_the_time_of_a_position_never_falls(cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([3000, 1000, None, 4000])

    def page(*_: Any, **__: Any) -> dict[str, Any]:
        changed = next(times)
        items = [] if changed is None else [{"lastUpdatedTime": changed}]
        return {"items": items, "nextCursor": "next", "hasNext": changed != 4000}

    monkeypatch.setattr(cdf.client, "sync_records_page", page)
    pages = list(pages_from(cdf.client, STREAM, Position("first", 2.0)))
    assert [position.time for _, position in pages[:3]] == [3.0, 3.0, 3.0]
    assert pages[3][1].time == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(
    ("ago", "text"),
    [(0, "1m-ago"), (61, "2m-ago"), (3600, "60m-ago"), (-10_000, "1m-ago"), (999_999 * 60, "695d-ago")],
)
def test_a_look_back_reaches_to_the_moment_or_further(ago: float, text: str) -> None:
    assert look_back(1_000_000_000 - ago, 1_000_000_000) == text
