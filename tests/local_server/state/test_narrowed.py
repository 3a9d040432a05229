"""Queries answered through the indexes give what testing each record of the stream gives, and cost little."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.language.narrowing import Narrowing
from airflow_provider_cdf_records.local_server.settings import Settings
from airflow_provider_cdf_records.local_server.state import tables
from airflow_provider_cdf_records.local_server.state.narrowed import Narrowed
from airflow_provider_cdf_records.local_server.state.project import Project
from airflow_provider_cdf_records.local_server.state.queries import Queries

NOW_MS = 4_000_000_000_000  # to which the clock is moved
DELAY = 10  # seconds
SPACES, NAMES, STREAMS = ["s", "t", "empty"], ["a", "b", "c"], ["alarms", "archive", "others"]
NUMBER = ["s", "C", "number"]
TOP_LEVEL = ["space", "externalId", "createdTime", "lastUpdatedTime"]

identities = st.tuples(st.sampled_from(SPACES[:2]), st.sampled_from(NAMES))
some_identities = st.lists(identities, min_size=1, max_size=6, unique=True)
changes = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["upsert", "delete"]), st.sampled_from(STREAMS), some_identities),
        st.tuples(st.just("wait"), st.sampled_from(STREAMS), st.sampled_from([0.001, 1, DELAY / 2, DELAY])),
    ),
    min_size=5,
    max_size=20,
)
offsets = st.integers(-3, 15) | st.integers(-3_000, 60_000)  # of times, from the start
times = st.one_of(
    offsets.map(lambda offset: NOW_MS + offset),
    st.sampled_from([0, -1, 2**63, -(2**70), "2096-10-02T07:06:40.001Z", "2096-10-02"]),
)
wrong = st.sampled_from([None, True, 1.5, "no time", "\ud800", ["a"], {}])
bound_names = st.sampled_from(["gt", "gte", "lt", "lte"])


def values_of(path: list[str]) -> st.SearchStrategy[Any]:
    usual = {"space": st.sampled_from(SPACES), "externalId": st.sampled_from([*NAMES, "e", "aa"])}
    usual |= {"createdTime": times, "lastUpdatedTime": times}
    return st.one_of(*[usual.get(path[0], st.integers(0, 5))] * 30, wrong)  # mostly usual ones


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    path = draw(st.sampled_from([*([name] for name in TOP_LEVEL * 2), NUMBER]))
    values = values_of(path)
    kind = draw(st.sampled_from(["equals", "in", "range", "prefix", "matchAll"]))
    if kind == "equals":
        return {"equals": {"property": path, "value": draw(values)}}
    if kind == "in":
        return {"in": {"property": path, "values": draw(st.lists(values, max_size=3))}}
    if kind == "range":
        return {
            "range": {"property": path} | draw(st.dictionaries(bound_names, values, min_size=1, max_size=2))
        }
    return {"prefix": {"property": path, "value": "a"}} if kind == "prefix" else {"matchAll": {}}


def combined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(parts, max_size=3)
    return st.one_of(
        several.map(lambda some: {"and": some}),
        several.map(lambda some: {"or": some}),
        parts.map(lambda one: {"not": one}),
    )


filters = st.one_of(st.none(), leaves(), st.recursive(leaves(), combined, max_leaves=6))
orders = st.builds(
    lambda path, direction: {"property": path} | ({"direction": direction} if direction else {}),
    st.sampled_from([["lastUpdatedTime"]] * 5 + [[name] for name in TOP_LEVEL] + [NUMBER]),
    st.sampled_from(["ascending", "descending", None]),
)
bodies = st.fixed_dictionaries(
    {"limit": st.sampled_from([1, 2, 3, 1000])},
    optional={
        "filter": filters,
        "sort": st.lists(orders, max_size=3),
        "lastUpdatedTime": st.just({"gt": 0}) | st.dictionaries(bound_names, times, max_size=2),
    },
)
aggregates = st.sampled_from(
    [
        {"n": {"count": {}}},
        {"n": {"count": {}}, "m": {"count": {}}},
        {"n": {"count": {"property": ["space"]}}},
        {"n": {"count": {}}, "of": {"uniqueValues": {"property": ["externalId"]}}},
        {},
    ]
)


@contextmanager
def project(folder: str | Path, delay: float) -> Iterator[Project]:
    """Open a project with a mutable stream, an immutable one, and another mutable one."""
    clock = Clock(stopped=True)
    clock.advance((NOW_MS - clock.now_ms()) / 1000)
    opened = Project(Settings(Path(folder) / "cdf.sqlite", clock=clock, visibility_delay=delay))
    try:
        for space in SPACES:
            opened.schema.create_spaces({"items": [{"space": space}]})
        properties = {"number": {"type": {"type": "int64"}}}
        opened.schema.create_containers(
            {"items": [{"space": "s", "externalId": "C", "usedFor": "record", "properties": properties}]}
        )
        for stream_id, template in zip(
            STREAMS, ["BasicLiveData", "BasicArchive", "BasicLiveData"], strict=True
        ):
            settings_ = {"template": {"name": template}}
            opened.streams.create({"items": [{"externalId": stream_id, "settings": settings_}]})
        yield opened
    finally:
        opened.close()


def change(project: Project, what: str, stream_id: str, argument: Any, number: int) -> None:
    if what == "wait":
        project.settings.clock.advance(argument)
        return
    items = [{"space": space, "externalId": name} for space, name in argument]
    if what == "delete":
        if stream_id != "archive":
            project.records.delete(stream_id, {"items": items})
        return
    source = {"type": "container", "space": "s", "externalId": "C"}
    full = [item | {"sources": [{"source": source, "properties": {"number": number % 5}}]} for item in items]
    write = project.records.ingest if stream_id == "archive" else project.records.upsert
    write(stream_id, {"items": full})


def answer(ask: Callable[[str, object], Any], stream_id: str, body: object) -> Any:
    try:
        return ask(stream_id, body)
    except ApiError as error:
        return error.body()


@pytest.mark.parametrize("delay", [0, DELAY])
@settings(max_examples=100)
@given(
    changes,
    st.lists(st.tuples(st.sampled_from(STREAMS), bodies, aggregates), min_size=1, max_size=10),
)
def test_the_indexes_change_no_answer(delay: float, history: list[Any], queries: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, project(folder, delay) as opened:
        for number, (what, stream_id, argument) in enumerate(history):
            change(opened, what, stream_id, argument, number)
        each = Queries(opened.store, opened.schema, opened.streams, narrow=False)
        for stream_id, body, wanted in queries:
            defined = answer(each.filter, stream_id, body)
            event("refused" if "error" in defined else "some" if defined["items"] else "none")
            assert answer(opened.queries.filter, stream_id, body) == defined
            asked = body | {"aggregates": wanted}
            assert answer(opened.queries.aggregate, stream_id, asked) == answer(
                each.aggregate, stream_id, asked
            )


def steps(database: Path, records: int, ask: Callable[[Narrowed, Callable[[int], int]], int]) -> int:
    """Return how many instructions SQLite takes for a question to a stream of so many records."""
    tables.open_database(database, keep_superseded=False).close()
    with sqlite3.connect(database) as db:
        db.execute("INSERT INTO space VALUES ('p', '')")
        db.execute("INSERT INTO usage VALUES ('s', 0, 0)")
        db.executemany(
            "INSERT INTO record (seq, stream, space, external_id, mutable, created, updated, properties) "
            "VALUES (?, 's', 'p', ?, 1, 0, ?, '')",
            ((number, f"r{number}", number // 5) for number in range(1, records + 1)),
        )
        db.commit()
        taken = count()
        db.set_progress_handler(lambda: next(taken) and 0, 1)
        found = ask(Narrowed(db, "s", None), lambda part: records * part // 10 // 5)
        db.set_progress_handler(None, 1)
    assert found in (1, 10, records)
    return next(taken)


def first(narrowed: Narrowed, narrowing: Narrowing, *, newest_first: bool = False) -> int:
    return sum(1 for _ in zip(range(10), narrowed.rows(narrowing, newest_first=newest_first), strict=False))


@pytest.mark.parametrize(
    "ask",
    [
        lambda narrowed, _: first(narrowed, Narrowing()),
        lambda narrowed, _: first(narrowed, Narrowing(), newest_first=True),
        lambda narrowed, at: first(narrowed, Narrowing(since=at(7))),
        lambda narrowed, at: first(narrowed, Narrowing(until=at(7)), newest_first=True),
        lambda narrowed, _: first(narrowed, Narrowing(external_ids=frozenset({"r15"}))),
        lambda narrowed, _: narrowed.count(Narrowing(since=0)),
        lambda narrowed, _: narrowed.count(Narrowing(external_ids=frozenset({"r15"}))),
    ],
    ids=["oldest", "newest", "since", "until, newest", "externalId", "count", "count of an externalId"],
)
def test_a_page_of_many_records_costs_what_one_of_few_does(tmp_path: Path, ask: Any) -> None:
    few, many = steps(tmp_path / "few", 20, ask), steps(tmp_path / "many", 2_000, ask)
    assert many < 3 * few  # times are found by halving
