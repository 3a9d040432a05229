"""Looking at records as people do: through indexes, newest first, with what is known of their history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.local_server.settings import Settings
from airflow_provider_cdf_records.local_server.state import browsing
from airflow_provider_cdf_records.local_server.state.browsing import Event, Place
from airflow_provider_cdf_records.local_server.state.project import Project
from airflow_provider_cdf_records.local_server.state.recent_changes import RecentChanges
from airflow_provider_cdf_records.local_server.state.store import Capacity, StreamFull
from tests.local_server.conftest import PROPERTIES, a_record

REQUIRED = ["s", "C", "required"]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(Settings(tmp_path / "cdf.sqlite", clock=Clock(stopped=True)))
    project.schema.create_spaces({"items": [{"space": "s"}]})
    container = {"space": "s", "externalId": "C", "usedFor": "record", "properties": PROPERTIES}
    project.schema.create_containers({"items": [container]})
    for name, template in (("mutable", "BasicLiveData"), ("archive", "BasicArchive")):
        project.streams.create(
            {"items": [{"externalId": name, "settings": {"template": {"name": template}}}]}
        )
    yield project
    project.close()


def upsert(project: Project, *names: str, **properties: Any) -> None:
    project.settings.clock.advance(1)
    project.records.upsert("mutable", {"items": [a_record(name, **properties) for name in names]})


def delete(project: Project, name: str) -> None:
    project.settings.clock.advance(1)
    project.records.delete("mutable", {"items": [{"space": "s", "externalId": name}]})


def history(project: Project, name: str, stream: str = "mutable") -> list[Event]:
    return project.browsing.history(stream, project.browsing.versions(stream, "s", name))


def kinds(project: Project, name: str) -> list[str]:
    return [event.kind for event in history(project, name)]


def names(project: Project, filter: Any = None, limit: int = 10) -> list[str]:
    """Return the names on all pages."""
    found, place = [], None
    while True:
        page = project.browsing.page("mutable", filter, place, limit)
        found += [record.external_id for record in page.records]
        if page.next is None:
            return found
        place = page.next


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_hold_each_record_once_also_those_of_one_request(project: Project, limit: int) -> None:
    upsert(project, "a", "b", "c")
    upsert(project, "d")
    upsert(project, "b")
    assert names(project, limit=limit) == ["b", "d", "c", "a"]
    assert names(project, {"in": {"property": ["externalId"], "values": ["a", "b", "c"]}}, limit) == [*"bca"]


def test_a_filter_examines_a_part_of_the_stream_a_page(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MOST_EXAMINED", 4)
    for number in range(10):
        upsert(project, str(number), required=number)
    wanted = {"equals": {"property": REQUIRED, "value": 0}}
    first = project.browsing.page("mutable", wanted, None, 5)
    assert (first.records, first.examined) == ([], 4)
    assert first.next is not None
    assert names(project, wanted) == ["0"]


def test_deleted_records_are_examined_a_part_at_a_time_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "MOST_EXAMINED", 4)
    upsert(project, *map(str, range(10)))
    for number in range(1, 10):
        delete(project, str(number))
    first = project.browsing.page("mutable", None, None, 5)
    assert (first.records, first.examined) == ([], 4)
    assert names(project) == ["0"]


def test_an_identity_is_found_through_its_index(project: Project) -> None:
    upsert(project, *map(str, range(50)))
    page = project.browsing.page("mutable", {"equals": {"property": ["externalId"], "value": "0"}}, None, 5)
    assert page.examined == len(page.records) == 1
    assert page.next is None


def test_a_place_far_away_is_the_end_or_the_beginning(project: Project) -> None:
    upsert(project, "a")
    assert project.browsing.page("mutable", None, Place(0, 0), 5).records == []
    assert len(project.browsing.page("mutable", None, Place(10**39, 10**39), 5).records) == 1


def test_a_history_names_each_change_with_its_properties(project: Project) -> None:
    upsert(project, "a", required=1)
    upsert(project, "a", "b", required=2)
    delete(project, "a")
    upsert(project, "a", required=3)
    assert kinds(project, "a") == ["created", "deleted", "updated", "written"]
    held = [event.properties for event in history(project, "a")]
    assert [one and one.partition(b'"required":')[2][:1] for one in held] == [b"3", None, b"2", b"1"]
    delete(project, "a")
    assert kinds(project, "a")[0] == "deleted"
    assert kinds(project, "b") == ["created"]


def test_a_history_holds_no_change_that_did_not_happen(project: Project) -> None:
    delete(project, "a")
    upsert(project, "a")
    delete(project, "b")
    assert kinds(project, "a") == ["created"]
    assert project.browsing.versions("mutable", "s", "b") == []
    space_for_one = Capacity(records=1, size=10**6)
    with pytest.raises(StreamFull):
        project.store.upsert("mutable", [("s", "a", b"{}"), ("s", "c", b"{}")], space_for_one)
    assert kinds(project, "a") == ["created"]


def test_after_a_restart_the_times_are_known_and_the_values_are_not(tmp_path: Path, project: Project) -> None:
    upsert(project, "a", required=1)
    upsert(project, "a", required=2)
    project.store.recent_changes = RecentChanges()
    newest, oldest = history(project, "a")
    assert (newest.kind, oldest.kind, oldest.properties) == ("updated", "created", None)


def test_copies_in_an_immutable_stream_are_all_there(project: Project) -> None:
    for number in range(60):
        project.settings.clock.advance(1)
        project.records.ingest("archive", {"items": [a_record("a", required=number)]})
    events = history(project, "a", "archive")
    assert {event.kind for event in events} == {"created"}
    assert len(events) == browsing.MOST_COPIES


def test_the_changes_that_are_kept_are_bounded_by_number_and_by_bytes() -> None:
    changes = RecentChanges()
    for number in range(3):
        changes.add("mutable", number, [("s", str(n), b"x") for n in range(4000)])
    assert [change.at for change in changes.of("mutable", "s", "7")] == [1, 2]
    changes.add("mutable", 4, [("s", "large", b"x" * 3_900_000)])
    changes.add("mutable", 5, [("s", "large", b"x" * 3_900_000)])
    assert [change.at for change in changes.of("mutable", "s", "large")] == [5]
    changes.add("mutable", 6, [("s", "too large", b"x" * 4_000_001)])
    assert changes.of("mutable", "s", "large") == changes.of("mutable", "s", "too large") == []


@pytest.mark.parametrize("question", [browsing.USAGE, browsing.VERSIONS, browsing.FEED])
def test_no_table_of_records_is_read_as_a_whole(project: Project, question: str) -> None:
    values = {"stream": "mutable", "space": "s", "external_id": "a", "before": 9}
    with closing(sqlite3.connect(project.settings.database)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {question}", values)]
    of_records = [step for step in plan if "record" in step]
    assert of_records
    assert all(step.startswith("SEARCH record USING INDEX record_") for step in of_records), plan
