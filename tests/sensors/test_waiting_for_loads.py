"""A sensor that waits for what a load wrote, with repeats, others' changes and uneven delays."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import CdfClient, CdfConnectionError, query_records
from airflow_provider_cdf_records.load import Load, batches, checkpoint
from airflow_provider_cdf_records.load.sender import StreamSender
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.records.errors import LoadFailedError
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowFailException
from airflow_provider_cdf_records.waiting import LoadVisible
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.sensors.modes import EXCEPTIONS, built_anew, deferral_of, event_of
from tests.state_store import Memory

LONGEST_DELAY = 2000.0  # seconds
NUMBERS = count()


def sensor_of(load: Any, **arguments: Any) -> CdfRecordsSensor:
    return CdfRecordsSensor(task_id="wait", load=load, **arguments)


def upsert(cdf: LocalCdf, rows: list[dict[str, Any]], stream_id: str = STREAM) -> dict[str, Any]:
    return Load(cdf.client, UPSERT, stream_id, RecordsSource(rows)).run().as_dict()


@pytest.fixture(scope="module")
def uneven() -> Iterator[LocalCdf]:
    """A CDF in which each request becomes visible after a time of its own."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        local_cdf(
            monkeypatch,
            clock=Clock(stopped=True),
            visibility_jitter=LONGEST_DELAY,
            token_lifetime=10**8,
        ) as cdf,
    ):
        yield cdf


@dataclass
class World:
    """What the loads and others have written, in its order, and what of that queries show."""

    cdf: LocalCdf
    stream_id: str
    random: Random
    pool: list[str]
    writes: list[tuple[str, set[str]]] = field(default_factory=list)  # who wrote which identities
    lock: Any = field(default_factory=threading.Lock)
    writer = "a load"
    deletes: bool = False
    fails_at: int = -1  # the number of the write that fails once

    def others_act(self) -> None:
        for _ in range(self.random.choice([0, 0, 1, 2])):
            self.pause()
            names = self.random.sample(self.pool, min(len(self.pool), self.random.choice([1, 1, 5])))
            if self.random.random() < 0.5:
                self.cdf.upsert(self.stream_id, [a_record(name, text="others") for name in names])
            else:
                items = [{"space": SPACE, "externalId": name} for name in names]
                self.cdf.client.delete_records(self.stream_id, json.dumps({"items": items}).encode())
            self.writes.append(("others", set(names)))

    def pause(self) -> None:
        self.cdf.server.clock.advance(self.random.uniform(60, 300))

    def last_write(self, name: str) -> int:
        return max((at for at, (_, names) in enumerate(self.writes) if name in names), default=-1)

    def visible(self) -> dict[str, Any]:
        sources = [
            {
                "source": {"type": "container", "space": SPACE, "externalId": CONTAINER},
                "properties": ["*"],
            }
        ]
        return {
            record["externalId"]: record["properties"][SPACE][CONTAINER]
            for record in query_records(self.cdf.client, self.stream_id, sources=sources)
        }

    def tells(self, name: str, at: int) -> bool:
        """Whether a probe tells of a request: not changed since, and, if deleted, there before."""
        if self.last_write(name) != at:
            return False
        before = [names for _, names in self.writes[1:at] if name in names]
        return not (self.deletes and before)

    def not_as_loaded(self, expected: dict[tuple[str, str], Any], probes: list[Any]) -> list[str]:
        """Return the records that are not visible as a load left them, though nobody else changed them.

        Left out are those of a request of which no probe can tell.
        """
        probed = {probe["externalId"] for probe in probes}
        proven = {
            at
            for at, (writer, names) in enumerate(self.writes)
            if writer != "others" and any(self.tells(name, at) for name in names & probed)
        }
        visible = self.visible()
        return [
            name
            for (writer, name), content in expected.items()
            if (at := self.last_write(name)) in proven
            and self.writes[at][0] == writer
            and visible.get(name) != content
        ]

    def without_a_probe(self, probes: list[Any]) -> list[set[str]]:
        """Return what requests wrote of which no probe was kept, though the load did not write it again."""
        probed, found = {probe["externalId"] for probe in probes}, []
        for at, (writer, names) in enumerate(self.writes):
            later: set[str] = set().union(*(more for who, more in self.writes[at + 1 :] if who == writer))
            if writer != "others" and names - later and not (names - later) & probed:
                found.append(names - later)
        return found


def world_of(cdf: LocalCdf, random: Random, monkeypatch: pytest.MonkeyPatch, **more: Any) -> World:
    stream_id = f"stream-{next(NUMBERS)}"
    cdf.client.create_stream(stream_id, "BasicLiveData")
    pool = [str(number) for number in range(random.choice([3, 20, 150]))]
    world = World(cdf, stream_id, random, pool, **more)
    send = StreamSender.send

    def send_among_others(self: StreamSender, body: bytes, *, is_divisible: bool) -> Any:
        with world.lock:
            world.others_act()
            world.pause()
            if len(world.writes) >= world.fails_at >= 0:
                world.fails_at = -1
                error = CdfConnectionError("no answer")
                error.retryable = True
                raise error
            written = send(self, body, is_divisible=is_divisible)
            names = {item["externalId"] for item in json.loads(body)["items"]}
            world.writes.append((world.writer, names))
            return written

    monkeypatch.setattr(StreamSender, "send", send_among_others)
    monkeypatch.setattr(batches, "MAX_RECORDS", random.choice([3, 8, 40]))
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    return world


def load_all(world: World, verb: Any, rows: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Load rows from a file, in several tries where one fails."""
    path, store = folder / "rows.ndjson", Memory()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    while True:
        with CdfClientOf(world.cdf) as client:
            try:
                load = Load(
                    client,
                    verb,
                    world.stream_id,
                    FileSource(path),
                    check_schema=world.random.random() < 0.5,
                    max_concurrency=world.random.choice([1, 4]),
                    state_store=store,
                )
                return json.loads(json.dumps(load.run().as_dict()))  # type: ignore[no-any-return]
            except LoadFailedError:
                assert world.fails_at < 0, "only what the test lets fail does"


class CdfClientOf:
    """A client of its own, which has seen no answer yet."""

    def __init__(self, cdf: LocalCdf) -> None:
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook

        assert cdf
        self._hook = CdfRecordsHook()

    def __enter__(self) -> CdfClient:
        self._client = self._hook.get_conn()
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), deletes=st.booleans(), loads=st.integers(1, 3), is_cut=st.booleans())
def test_once_the_wait_ends_all_is_there_as_loaded_or_was_changed_by_others(
    uneven: LocalCdf, seed: int, deletes: bool, loads: int, is_cut: bool
) -> None:
    random = Random(seed)
    with pytest.MonkeyPatch.context() as monkeypatch, TemporaryDirectory() as folder:
        world = world_of(uneven, random, monkeypatch, deletes=deletes)
        expected: dict[tuple[str, str], Any] = {}
        if deletes:
            uneven.upsert(world.stream_id, [a_record(name) for name in world.pool])
            world.writes.append(("others", set(world.pool)))
            uneven.server.clock.advance(LONGEST_DELAY)
        summaries = []
        for number in range(loads):
            world.writer = f"load {number}"
            names = random.choices(world.pool, k=random.choice([1, 30, 200]))
            rows = [a_record(name, number=row) for row, name in enumerate(names)]
            if is_cut:
                world.fails_at = len(world.writes) + random.randint(0, 20)
            summaries.append(load_all(world, DELETE if deletes else UPSERT, rows, Path(folder)))
            world.fails_at = -1
            expected |= {
                (world.writer, name): None if deletes else {"number": row} for row, name in enumerate(names)
            }
        probes = [probe for summary in summaries for probe in summary["probes"]]
        sensor = sensor_of(summaries)
        for _ in range(100):
            found = sensor.poke({})
            if found:
                break
            if random.random() < 0.3:
                world.others_act()
            world.pause()
        else:
            pytest.fail("the wait does not end")
        assert not world.not_as_loaded(expected, probes)
        assert not world.without_a_probe(probes)
        done = "deleted" if deletes else "upserted"
        assert found.xcom_value == sum(summary[done] for summary in summaries)


def test_a_load_with_repeats_is_waited_for_where_a_number_of_records_never_comes_true(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True), visibility_delay=60) as cdf:
        rows = [a_record(str(number % 4990), number=number) for number in range(5000)]
        summary = upsert(cdf, rows)
        by_number = CdfRecordsSensor(task_id="old", stream_id=STREAM, min_count=summary["upserted"])
        by_load = sensor_of(summary)
        assert not by_load.poke({})
        cdf.server.clock.advance(61)
        assert by_load.poke({}).xcom_value == summary["upserted"] == 5000
        cdf.server.clock.advance(10**6)
        assert not by_number.poke({}), "there are only 4,990 records"


@pytest.mark.parametrize("concurrency", [1, 4])
def test_requests_in_parallel_are_all_waited_for(monkeypatch: pytest.MonkeyPatch, concurrency: int) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 10)
    settings = {"visibility_jitter": 600, "visibility_seed": concurrency}
    with local_cdf(monkeypatch, clock=Clock(stopped=True), **settings) as cdf:
        rows = [a_record(str(number), number=number) for number in range(500)]
        source = RecordsSource(rows)
        load = Load(cdf.client, UPSERT, STREAM, source, max_concurrency=concurrency)
        sensor, counts = sensor_of(load.run().as_dict()), []
        while not sensor.poke({}):
            counts.append(cdf.client.count_records(STREAM))
            cdf.server.clock.advance(10)
        assert cdf.client.count_records(STREAM) == 500
        assert len(set(counts)) > 10, "the requests become visible one after the other"


def test_what_others_deleted_before_it_was_seen_is_not_waited_for(cdf: LocalCdf) -> None:
    summary = upsert(cdf, [a_record("a"), a_record("b")])
    items = [{"space": SPACE, "externalId": name} for name in ("a", "b")]
    cdf.client.delete_records(STREAM, json.dumps({"items": items}).encode())
    assert sensor_of(summary).poke({})


def test_a_deletion_is_waited_for_and_what_is_created_again_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True), visibility_delay=60) as cdf:
        upsert(cdf, [a_record("a"), a_record("b")])
        cdf.server.clock.advance(600)
        rows = RecordsSource([a_record("a"), a_record("b")])
        sensor = sensor_of(Load(cdf.client, DELETE, STREAM, rows).run().as_dict())
        assert not sensor.poke({})
        cdf.server.clock.advance(10)
        upsert(cdf, [a_record("a")])
        assert not sensor.poke({})
        cdf.server.clock.advance(61)
        assert sensor.poke({})
        assert cdf.client.count_records(STREAM) == 1


def test_a_record_that_is_created_again_at_once_does_not_hold_up_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True)) as cdf:
        upsert(cdf, [a_record("a")])
        cdf.server.clock.advance(600)
        sensor = sensor_of(Load(cdf.client, DELETE, STREAM, RecordsSource([a_record("a")])).run().as_dict())
        upsert(cdf, [a_record("a")])
        assert not sensor.poke({}), "it may be the version that was deleted"
        cdf.server.clock.advance(700)
        assert sensor.poke({})


def test_copies_in_an_immutable_stream_do_not_hold_up_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True), visibility_delay=60) as cdf:

        def ingest(*rows: Any) -> CdfRecordsSensor:
            load = Load(cdf.client, INGEST, IMMUTABLE_STREAM, RecordsSource(rows))
            return sensor_of(load.run().as_dict())

        first = ingest(a_record("a"), a_record("a", number=1))
        assert not first.poke({})
        cdf.server.clock.advance(61)
        assert first.poke({})
        cdf.server.clock.advance(600)
        again = ingest(a_record("a"))
        cdf.server.clock.advance(61)
        assert not again.poke({})
        cdf.server.clock.advance(600)
        assert again.poke({})


def test_many_loads_cost_one_query_a_look_until_the_newest_are_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True), visibility_delay=60) as cdf:
        loads = [upsert(cdf, [a_record(f"{number}-{row}") for row in range(20)]) for number in range(50)]
        sensor = sensor_of(loads)
        before = len(cdf.server.last_requests())
        assert not sensor.poke({})
        asked = [one.path for one in cdf.server.last_requests()[: -before or None]]
        assert sum(path.endswith(("/filter", "/sync")) for path in asked) <= 2
        cdf.server.clock.advance(61)
        assert sensor.poke({}).xcom_value == 1000


def test_many_loads_are_waited_for_in_parts_that_fit_into_a_trigger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def written(*external_ids: str) -> dict[str, Any]:
        return upsert(cdf, [a_record(one) for one in external_ids])

    def waits_on(deferral: Any) -> Any:
        cdf.server.clock.advance(61)
        event = asyncio.run(event_of(built_anew(deferral.trigger)))
        sensor = sensor_of(loads, deferrable=True, poke_interval=0.01)
        return sensor.resume_execution(deferral.method_name, {**deferral.kwargs, "event": event}, {})

    with local_cdf(monkeypatch, clock=Clock(stopped=True), visibility_delay=60) as cdf:
        loads = [written(*(f"{number}-{row:040}" for row in range(10))) for number in range(100)]
        oldest = {**loads[0]["probes"][0], "externalId": "late"}
        oldest["since"] -= 1
        loads.append({"stream_id": STREAM, "upserted": 1, "probes": [oldest]})
        first = deferral_of(sensor_of(loads, deferrable=True, poke_interval=0.01))
        kept = import_module("airflow.models.trigger").Trigger.from_object(first.trigger).encrypted_kwargs
        encrypted = len(kept) * (4 / 3 if kept.startswith("{") else 1)  # as it is with a key
        assert encrypted < 65_000, "MySQL takes 65,535 bytes for the arguments of a trigger"
        with pytest.raises(EXCEPTIONS.TaskDeferred) as second:
            waits_on(first)
        assert second.value.trigger.probes == [oldest]
        assert second.value.kwargs == first.kwargs, "it started when it did"
        written("late")
        assert waits_on(second.value) == 1001


def test_a_condition_goes_on_elsewhere_from_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True), visibility_delay=60) as cdf:
        old = upsert(cdf, [a_record("a")])
        cdf.server.clock.advance(61)
        new = upsert(cdf, [a_record("b")])
        condition = LoadVisible(STREAM, [*old["probes"], *new["probes"]], 2)
        assert not condition.look(cdf.client).holds
        copy = LoadVisible(**json.loads(json.dumps(condition.arguments)))
        assert not copy.look(cdf.client).holds
        cdf.server.clock.advance(61)
        assert copy.look(cdf.client) == condition.look(cdf.client)
        assert copy.look(cdf.client).value == 2


def test_a_load_of_nothing_is_not_waited_for(cdf: LocalCdf) -> None:
    assert sensor_of(upsert(cdf, [])).poke({}).xcom_value == 0
    assert sensor_of([]).poke({}).xcom_value == 0
    assert sensor_of([None, upsert(cdf, [a_record("a")])]).poke({}).xcom_value == 1


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (7, "load must be the summary of a load .*, got 7"),
        ("yesterday", "load is a text that is not JSON"),
        ({"upserted": 5}, "got a dict without 'stream_id'"),
        ({"stream_id": "s"}, "and one of upserted, ingested, deleted"),
        ({"stream_id": "s", "upserted": 5}, "with its 'probes', which that of an older version"),
        ({"stream_id": "s", "upserted": 5, "probes": []}, "5 records without a probe"),
        ({"stream_id": "s", "upserted": 5, "probes": [{"space": "p", "externalId": "a"}]}, "'probes'"),
        ([5], "load must be the summary"),
    ],
    ids=str,
)
def test_what_is_no_summary_is_said_when_the_dag_is_parsed(load: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sensor_of(load)


SUMMARY: dict[str, Any] = {"stream_id": STREAM, "upserted": 0, "probes": []}


@pytest.mark.parametrize(
    "other",
    [{"min_count": 2}, {"min_count": "{{ x }}"}, {"filter": {"a": 1}}, {"last_updated_time": {"gt": 1}}],
)
def test_a_load_and_a_number_of_records_are_not_waited_for_at_once(other: dict[str, Any]) -> None:
    (name,) = other
    with pytest.raises(ValueError, match=f"load and {name} must not be given together"):
        sensor_of(SUMMARY, **other)


def test_a_stream_is_named_by_the_load_or_by_its_id() -> None:
    with pytest.raises(ValueError, match="stream_id must be given, or load"):
        CdfRecordsSensor(task_id="wait")
    sensor = sensor_of(SUMMARY, stream_id="other")
    with pytest.raises(AirflowFailException, match=f"load must be of one stream.*{STREAM}, other"):
        sensor.poke({})


def test_a_summary_may_be_the_text_that_a_template_makes_of_it(cdf: LocalCdf) -> None:
    sensor = sensor_of("{{ load | tojson }}")
    sensor.render_template_fields({"load": upsert(cdf, [a_record("a")])})
    assert sensor.poke({}).xcom_value == 1
