"""The threads that send the parts of refused batches."""

from __future__ import annotations

import json
import random
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.load import part_threads
from airflow_provider_cdf_records.load.batch_maker import BatchMaker
from airflow_provider_cdf_records.load.in_flight import InFlight
from airflow_provider_cdf_records.load.part_threads import EndOfBatch, Part, PartThreads
from airflow_provider_cdf_records.load.refusals import BatchSettler, RequestRefusedError
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.load.tally import Tally
from airflow_provider_cdf_records.load.upload import upload
from airflow_provider_cdf_records.load.verbs import INGEST, UPSERT, Verb
from airflow_provider_cdf_records.records.api_shaped import ApiShaped
from airflow_provider_cdf_records.records.identifiers import identity_of
from airflow_provider_cdf_records.sources import RecordsSource
from tests.sample_records import SPACE, STREAM, a_record
from tests.waiting import PATIENCE, wait_until

LOG_CONTEXT: ContextVar[str] = ContextVar("log_context", default="none")


class RefusesAll:
    """Refuses each request; ``meanwhile`` is called in it."""

    def __init__(self, meanwhile: Any = lambda: None) -> None:
        self.requests = 0
        self._meanwhile = meanwhile

    def send(self, body: bytes, *, is_divisible: bool) -> None:
        self.requests += 1
        self._meanwhile()
        raise RequestRefusedError("bad value", status=422)

    def cancel(self) -> None:
        pass


def load(
    sender: Any,
    rows: list[Any],
    *,
    verb: Verb[Any] = UPSERT,
    max_concurrency: int = 4,
    max_rejected: int = 1000,
) -> Summary:
    with Tally(verb, STREAM, max_rejected=max_rejected) as tally:
        source = RecordsSource(rows)
        make_batches = BatchMaker(ApiShaped(), tally, source.where, verb.repeats)
        settler = BatchSettler(sender, tally, source.where, verb.repeats, max_concurrency=max_concurrency)
        in_flight = InFlight(settler, tally, checkpoint=None, stop=threading.Event())
        upload(map(make_batches, source), make_batches.last, in_flight, tally)
        return tally.summary()


def senders() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("cdf-send")}


@pytest.mark.parametrize("max_concurrency", [1, 2, 8])
def test_no_more_threads_send_than_were_asked_for_and_none_is_left(max_concurrency: int) -> None:
    most, before = 0, senders()

    def count() -> None:
        nonlocal most
        most = max(most, len(senders() - before))

    rows = [a_record(str(number)) for number in range(100)]
    summary = load(RefusesAll(count), rows, max_concurrency=max_concurrency)
    assert summary.rejected == 100
    assert 1 <= most <= 2 * max_concurrency - 1
    wait_until(lambda: senders() <= before)


def test_no_thread_is_left_after_an_error() -> None:
    before = senders()

    def fail() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        load(RefusesAll(fail), [a_record("a")])
    wait_until(lambda: senders() <= before)


def test_all_senders_have_the_context_of_the_load() -> None:
    seen: dict[str, set[str]] = {}
    two_at_a_time = threading.Barrier(2, timeout=PATIENCE)

    def look() -> None:
        seen.setdefault(threading.current_thread().name, set()).add(LOG_CONTEXT.get())
        if stream.requests in (2, 3):
            two_at_a_time.wait()

    stream = RefusesAll(look)
    token = LOG_CONTEXT.set("the task")
    try:
        load(stream, [a_record("a"), a_record("b")])
    finally:
        LOG_CONTEXT.reset(token)
    assert seen == {"cdf-send": {"the task"}, "cdf-send-part": {"the task"}}


def test_what_is_left_of_a_batch_is_not_sent_once_too_many_rows_are_rejected() -> None:
    stream = RefusesAll()
    summary = load(stream, [a_record(str(number)) for number in range(1000)], max_rejected=0)
    assert 1 <= summary.rejected <= 4  # the others were under way
    assert stream.requests < 50


def test_an_error_of_a_helper_is_that_of_the_batch_with_its_cause() -> None:
    helper_runs = threading.Event()

    def send(part: Part) -> list[Part]:
        if len(part) == 2:
            return [[0], [1]]
        if threading.current_thread().name == "cdf-send-part":
            helper_runs.set()
            raise RuntimeError("the stream is gone") from ValueError("its cause")
        helper_runs.wait(PATIENCE)
        return []

    threads = PartThreads(2)
    with pytest.raises(RuntimeError, match="the stream is gone") as failure:
        threads.send_all([0, 1], send)
    assert isinstance(failure.value.__cause__, ValueError)
    assert threads.error is failure.value


def test_an_error_counts_for_more_than_the_end_of_a_batch() -> None:
    both_are_under_way = threading.Barrier(2, timeout=PATIENCE)

    def send(part: Part) -> list[Part]:
        if len(part) == 2:
            return [[0], [1]]
        both_are_under_way.wait()
        if part == [0]:
            raise EndOfBatch
        raise RuntimeError("the stream is gone")

    with pytest.raises(RuntimeError, match="the stream is gone"):
        PartThreads(2).send_all([0, 1], send)


def test_a_system_that_lets_no_thread_start_slows_a_batch_down_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start_thread(*_: Any, name: str) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(part_threads, "start_thread", start_thread)
    done: list[Part] = []

    def send(part: Part) -> list[Part]:
        if len(part) == 1:
            done.append(part)
            return []
        return [[row] for row in part]

    threads = PartThreads(4)
    threads.send_all([0, 1, 2], send)
    assert done == [[0], [1], [2]]
    threads.wait_until_idle(PATIENCE)


class Store:
    """A mutable stream that takes an ingest in part, as CDF does, and some answers of which get lost.

    It names those records that exist, or the first of them alone.
    """

    def __init__(self, there: set[str], random: random.Random, *, loses_answers: bool) -> None:
        self.of_others = frozenset(there)
        self.held: dict[str, Any] = dict.fromkeys(there)
        self._random = random
        self._loses_answers = loses_answers
        self._lock = threading.Lock()

    def send(self, body: bytes, *, is_divisible: bool) -> None:
        items = json.loads(body)["items"]
        is_lost = False
        while True:
            time.sleep(0)
            with self._lock:
                there = [item["externalId"] for item in items if item["externalId"] in self.held]
                new = [item for item in items if item["externalId"] not in self.held]
                stored = new[: self._random.randint(0, len(new))] if there else new
                self.held |= {item["externalId"]: item["sources"][0]["properties"] for item in stored}
                if self._loses_answers and not is_lost and self._random.random() < 0.3:
                    is_lost = True
                    continue
            if not there:
                return
            raise RequestRefusedError(
                "they exist",
                status=409,
                identities=[identity_of(SPACE, name) for name in there],
                already_exist=True,
                may_be_stored_in_part=True,
                may_be_stored=is_lost,
            )

    def cancel(self) -> None:
        pass


@settings(max_examples=60)
@given(
    names=st.lists(st.integers(0, 30), max_size=80),
    there=st.sets(st.integers(0, 30)),
    seed=st.integers(0, 1000),
)
def test_in_parallel_too_what_others_have_stored_is_rejected_and_what_is_ours_is_not(
    names: list[int], there: set[int], seed: int
) -> None:
    store = Store({str(name) for name in there}, random.Random(seed), loses_answers=False)
    summary = load(store, [a_record(str(name), value=at) for at, name in enumerate(names)], verb=INGEST)
    ours = set(names) - there
    assert (summary.accepted, summary.rejected) == (len(ours), len(names) - len(ours))
    first = {str(name): {"value": names.index(name)} for name in ours}
    assert {name: held for name, held in store.held.items() if name not in store.of_others} == first


@settings(max_examples=60)
@given(names=st.lists(st.integers(0, 30), max_size=80), seed=st.integers(0, 1000))
def test_in_parallel_too_what_a_lost_answer_has_stored_counts_once(names: list[int], seed: int) -> None:
    store = Store(set(), random.Random(seed), loses_answers=True)
    summary = load(store, [a_record(str(name), value=at) for at, name in enumerate(names)], verb=INGEST)
    ours = set(names)
    assert (summary.accepted, summary.rejected) == (len(ours), len(names) - len(ours))
    assert store.held == {str(name): {"value": names.index(name)} for name in ours}
