from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.load.batch_maker import BatchMaker
from airflow_provider_cdf_records.load.in_flight import InFlight
from airflow_provider_cdf_records.load.refusals import BatchSettler, RequestRefusedError
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.load.tally import Tally, TooManyRejectedError
from airflow_provider_cdf_records.load.upload import upload
from airflow_provider_cdf_records.load.verbs import UPSERT, Repeats
from airflow_provider_cdf_records.records.api_shaped import ApiShaped
from airflow_provider_cdf_records.records.identifiers import identity_of
from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Rejection
from airflow_provider_cdf_records.sources import RecordsSource
from tests.sample_records import STREAM, a_record
from tests.waiting import PATIENCE, wait_until, wait_until_it_stays

Refuses = Callable[[Any], bool]


class Stream:
    """Holds what is sent to it; refuses a request in which it refuses any record."""

    def __init__(
        self,
        refuses: Refuses = lambda _: False,
        *,
        names_them: bool = False,
        meanwhile: Callable[[], Any] = lambda: None,
    ) -> None:
        self.held: dict[str, Any] = {}
        self.requests: list[list[str]] = []
        self.cancelled = False
        self.in_flight: list[set[str]] = []
        self.most_in_flight = 0
        self._refuses = refuses
        self._names_them = names_them
        self._meanwhile = meanwhile
        self._lock = threading.Lock()

    def send(self, body: bytes, *, is_divisible: bool) -> None:
        items = json.loads(body)["items"]
        values = {item["externalId"]: item["sources"][0]["properties"]["value"] for item in items}
        assert len(values) == len(items) <= 1000
        identities = set(values)
        with self._lock:
            assert all(identities.isdisjoint(other) for other in self.in_flight)
            self.in_flight.append(identities)
            self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
            self.requests.append(sorted(values))
        self._meanwhile()
        bad = [external_id for external_id, value in values.items() if self._refuses(value)]
        with self._lock:
            self.in_flight.remove(identities)
            if not bad:
                self.held.update(values)
        if bad:
            named = [identity_of("plant", external_id) for external_id in bad] if self._names_them else []
            raise RequestRefusedError("bad value", status=422, request_id="req", identities=named)

    def cancel(self) -> None:
        self.cancelled = True


def load(
    rows: Any,
    stream: Stream,
    *,
    max_concurrency: int = 4,
    max_rejected: float = 0,
    rejected_path: Path | None = None,
) -> Summary:
    rejected_file = RejectedFile(rejected_path) if rejected_path else None
    with Tally(UPSERT, STREAM, max_rejected=max_rejected, rejected_file=rejected_file) as tally:
        source = RecordsSource(rows)
        make_batches = BatchMaker(ApiShaped(), tally, source.where, Repeats.LAST_COUNTS)
        settler = BatchSettler(
            stream, tally, source.where, Repeats.LAST_COUNTS, max_concurrency=max_concurrency
        )
        in_flight = InFlight(settler, tally, checkpoint=None, stop=threading.Event())
        upload(map(make_batches, source), make_batches.last, in_flight, tally)
        summary = tally.summary()
        tally.raise_if_too_many_rejected(summary)
    assert summary.read == summary.accepted + summary.superseded + summary.rejected
    return summary


def test_every_record_arrives() -> None:
    stream = Stream()
    summary = load([a_record(str(n), value=n) for n in range(3500)], stream)
    assert stream.held == {str(n): n for n in range(3500)}
    assert (summary.read, summary.accepted, summary.superseded, summary.rejected) == (3500, 3500, 0, 0)
    assert sorted(map(len, stream.requests)) == [500, 1000, 1000, 1000]


def test_nothing_is_a_success_that_says_so() -> None:
    stream = Stream()
    summary = load([], stream)
    assert str(summary) == "Nothing to upsert into stream alarms: no records were read."
    assert stream.requests == []


def test_the_later_row_of_an_identity_wins_within_a_batch() -> None:
    stream = Stream()
    summary = load([a_record("a", value=1), a_record("b", value=1), a_record("a", value=2)], stream)
    assert stream.held == {"a": 2, "b": 1}
    assert (summary.accepted, summary.superseded) == (2, 1)
    assert len(stream.requests) == 1


def test_the_later_row_wins_between_batches_of_any_speed() -> None:
    stream = Stream(meanwhile=lambda: time.sleep(random.uniform(0, 0.01)))
    rows = [a_record(str(n % 1700), value=n) for n in range(20_000)]
    load(rows, stream)
    assert stream.held == {str(n % 1700): n for n in range(20_000)}


def test_batches_that_share_no_identity_go_in_parallel() -> None:
    three_at_a_time = threading.Barrier(3, timeout=PATIENCE)
    stream = Stream(meanwhile=three_at_a_time.wait)
    load([a_record(str(n), value=n) for n in range(8500)], stream, max_concurrency=3)  # nine requests
    assert stream.most_in_flight == 3


def test_refused_records_are_found_by_halving_and_the_others_stored() -> None:
    bad = {17, 500, 999}
    stream = Stream(lambda value: value in bad)
    summary = load([a_record(str(n), value=n) for n in range(1000)], stream, max_rejected=3)
    assert stream.held == {str(n): n for n in range(1000) if n not in bad}
    assert summary.rejected == 3
    assert len(stream.requests) <= 1 + 2 * len(bad) * 10


def test_records_that_the_server_names_are_sent_alone_at_once() -> None:
    stream = Stream(lambda value: value in {3, 700}, names_them=True)
    summary = load([a_record(str(n), value=n) for n in range(1000)], stream, max_rejected=2)
    assert (summary.accepted, summary.rejected) == (998, 2)
    assert sorted(map(len, stream.requests)) == [1, 1, 998, 1000]


@settings(max_examples=60)
@given(bad=st.sets(st.integers(0, 299)), names_them=st.booleans())
def test_halving_finds_exactly_the_bad_ones(bad: set[int], names_them: bool) -> None:
    stream = Stream(lambda value: value in bad, names_them=names_them)
    summary = load([a_record(str(n), value=n) for n in range(300)], stream, max_rejected=300)
    assert stream.held == {str(n): n for n in range(300) if n not in bad}
    assert summary.rejected == len(bad)
    assert len(stream.requests) <= 1 + 2 * len(bad) * 9


def test_the_parts_of_a_refused_request_go_in_parallel() -> None:
    together = threading.Barrier(4)

    def meet() -> None:
        if 1 < len(stream.requests) <= 5:
            together.wait(PATIENCE)

    stream = Stream(lambda value: value == 7, meanwhile=meet)
    summary = load([a_record(str(n), value=n) for n in range(100)], stream, max_rejected=1)
    assert (summary.upserted, summary.rejected) == (99, 1)
    assert not together.broken


def test_few_round_trips_find_a_bad_record_among_a_thousand() -> None:
    stream = Stream(lambda value: value == 777)
    load([a_record(str(n), value=n) for n in range(1000)], stream, max_rejected=1, max_concurrency=8)
    assert {len(sent) for sent in stream.requests if "777" in sent} == {1000, 125, 16, 2, 1}


def test_an_error_of_one_part_ends_the_load_while_others_are_under_way() -> None:
    is_under_way, is_cancelled = threading.Event(), threading.Event()

    class Failing(Stream):
        def send(self, body: bytes, *, is_divisible: bool) -> None:
            names = [item["externalId"] for item in json.loads(body)["items"]]
            if len(names) == 8:
                raise RequestRefusedError("bad value", status=422)
            if "0" in names:
                assert is_under_way.wait(PATIENCE)
                raise RuntimeError("the stream is gone")
            is_under_way.set()
            assert is_cancelled.wait(PATIENCE)

        def cancel(self) -> None:
            is_cancelled.set()

    with pytest.raises(RuntimeError, match="the stream is gone"):
        load([a_record(str(n)) for n in range(8)], Failing())
    assert is_cancelled.is_set()


def test_when_the_last_row_is_refused_the_one_before_takes_its_place() -> None:
    stream = Stream(lambda value: value in {3, 4})
    rows = [a_record("a", value=value) for value in (1, 2, 3, 4)] + [a_record("b", value=9)]
    summary = load(rows, stream, max_rejected=2)
    assert stream.held == {"a": 2, "b": 9}
    assert (summary.accepted, summary.superseded, summary.rejected) == (2, 1, 2)


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60), held=st.integers(1, 20))
def test_for_each_identity_the_last_row_that_can_be_stored_wins(
    rows: list[tuple[int, bool]], held: int
) -> None:
    from airflow_provider_cdf_records.load import batches

    stream = Stream(lambda value: not value[1])
    before, batches.MAX_HELD = batches.MAX_HELD, held
    try:
        load(
            [a_record(str(who), value=[at, good]) for at, (who, good) in enumerate(rows)],
            stream,
            max_rejected=len(rows),
        )
    finally:
        batches.MAX_HELD = before
    assert stream.held == {str(who): [at, True] for at, (who, good) in enumerate(rows) if good}


def test_too_many_refused_records_fail_the_load_and_name_the_first(tmp_path: Path) -> None:
    stream = Stream(lambda value: value == 2)
    path = tmp_path / "rejected.ndjson"
    with pytest.raises(TooManyRejectedError) as failure:
        load([a_record(f"r{n}", value=n) for n in range(5)], stream, rejected_path=path)
    message = str(failure.value)
    assert "1 of 5 records read was rejected, and max_rejected allows 0" in message
    assert "records[2] (plant/r2): CDF answered 422: bad value" in message
    assert str(path) in message
    assert not failure.value.retryable


def test_a_stream_of_bad_records_stops_early() -> None:
    stream = Stream(lambda _: True)
    taken = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for taken in range(1_000_000):
            yield a_record(str(taken), value=taken)

    with pytest.raises(TooManyRejectedError):
        load(rows(), stream, max_rejected=10)
    assert taken < 20_000
    assert len(stream.requests) < 200


def test_records_that_are_none_are_rejected_with_position_and_identity() -> None:
    rows = [a_record("good"), {"externalId": "orphan"}, "nonsense", a_record("nan", value=float("nan"))]
    stream = Stream()
    with pytest.raises(TooManyRejectedError) as failure:
        load(rows, stream, max_rejected=2)
    assert "records[1]: space: is missing; sources: is missing" in str(failure.value)
    assert "records[2]: expected a record (a dict), got str" in str(failure.value)
    assert "records[3] (plant/nan): sources[0].properties.value: nan is not JSON" in str(failure.value)


def test_a_share_of_rejected_records_is_judged_at_the_end() -> None:
    rows = [a_record(str(n), value=n) for n in range(200)]
    refuses: Refuses = lambda value: value < 2  # noqa: E731
    assert load(rows, Stream(refuses), max_rejected=0.01).rejected == 2
    with pytest.raises(TooManyRejectedError, match=r"allows 0\.009 of all"):
        load(rows, Stream(refuses), max_rejected=0.009)


def test_a_share_that_was_passed_on_the_way_is_not_made_good_by_later_rows() -> None:
    tally = Tally(UPSERT, STREAM, max_rejected=0.2)
    tally.read = 4000
    for position in range(1000):
        tally.reject(Rejection(position, f"row {position}", b"{}", "no"))
    assert tally.passed_max_rejected  # here a sender leaves out the rest of its batch

    tally.read = 40_000
    assert tally.passed_max_rejected
    with pytest.raises(TooManyRejectedError):
        tally.raise_if_too_many_rejected(tally.summary())


def test_the_rejected_file_holds_position_reason_and_record(tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    rows = [a_record("a", value=1), a_record("b", value=2), {"space": "plant"}, "not a record"]
    summary = load(rows, Stream(lambda value: value == 2), max_rejected=3, rejected_path=path)
    assert summary.rejected_path == str(path)
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    by_position = {line["position"]: line for line in lines}
    assert by_position.keys() == {1, 2, 3}
    assert by_position[1]["record"] == rows[1]
    assert (by_position[1]["status"], by_position[1]["message"], by_position[1]["requestId"]) == (
        422,
        "bad value",
        "req",
    )
    assert by_position[2]["record"] == rows[2]
    assert by_position[3]["record"] == "not a record"
    assert all(line["time"] and line["where"] for line in lines)


def test_any_other_error_ends_the_load_and_the_senders() -> None:
    class Broken(Stream):
        def send(self, body: bytes, *, is_divisible: bool) -> None:
            super().send(body, is_divisible=is_divisible)
            raise ConnectionError("gone")

    stream = Broken()
    with pytest.raises(ConnectionError, match="gone"):
        load((a_record(str(n), value=n) for n in range(1_000_000)), stream)
    assert stream.cancelled
    assert len(stream.requests) < 20


def test_after_a_failure_no_batch_is_begun() -> None:
    class Broken(Stream):
        def send(self, body: bytes, *, is_divisible: bool) -> None:
            super().send(body, is_divisible=is_divisible)
            if len(self.requests) == 2:
                raise ConnectionError("gone")

    stream = Broken()
    with pytest.raises(ConnectionError, match="gone"):
        load((a_record(str(n), value=n) for n in range(100_000)), stream, max_concurrency=1)
    assert len(stream.requests) == 2


def test_what_a_source_delivered_before_it_failed_is_stored() -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield a_record("a", value=1)
        raise RuntimeError("the cursor is gone")

    stream = Stream()
    with pytest.raises(RuntimeError, match="the cursor is gone"):
        load(rows(), stream)
    assert stream.held == {"a": 1}


def test_a_slow_stream_holds_back_the_source() -> None:
    taken = 0
    release = threading.Event()

    class Slow(Stream):
        def send(self, body: bytes, *, is_divisible: bool) -> None:
            release.wait(PATIENCE)
            super().send(body, is_divisible=is_divisible)

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for taken in range(20_000):
            yield a_record(str(taken), value=taken)

    thread = threading.Thread(target=load, args=(rows(), Slow()), kwargs={"max_concurrency": 2})
    thread.start()
    wait_until(lambda: taken > 2000)
    held = wait_until_it_stays(lambda: taken)
    release.set()
    thread.join()
    assert held <= 6000  # two being sent, two ready, one being filled, and a chunk
