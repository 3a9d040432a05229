from __future__ import annotations

import json
from itertools import chain, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.pipeline import batches
from airflow_provider_cdf_records.pipeline.batches import MAX_HELD, MAX_RECORDS, Batch, Batcher, request_body
from airflow_provider_cdf_records.pipeline.record import MAX_RECORD_BYTES, MAX_REQUEST_BYTES, Record


def records(*identities: int, size: int = 20) -> list[Record]:
    return [
        Record(position, ("plant", str(identity)), f'{{"n":"{position:0{size}}"}}'.encode())
        for position, identity in enumerate(identities)
    ]


def batched(rows: list[Record]) -> list[Batch]:
    batcher = Batcher()
    full = [batcher.feed(row) for row in rows]
    return [batch for batch in [*full, batcher.flush()] if batch is not None]


def rows_of(batch: Batch) -> list[Record]:
    return [
        record
        for identity, latest in batch.latest.items()
        for record in [*batch.earlier.get(identity, []), latest]
    ]


def test_a_batch_holds_at_most_1000_records() -> None:
    assert [len(batch.latest) for batch in batched(records(*range(2500)))] == [1000, 1000, 500]


def test_a_full_batch_still_takes_a_later_row_of_its_identities() -> None:
    (batch,) = batched(records(*range(MAX_RECORDS), 0))
    assert batch.latest["plant", "0"].position == MAX_RECORDS
    assert [record.position for record in batch.earlier["plant", "0"]] == [0]


def test_the_rows_held_by_a_batch_are_bounded() -> None:
    assert [len(batch) for batch in batched(records(*[7] * (MAX_HELD + 1)))] == [MAX_HELD, 1]


def test_a_batch_holds_at_most_10_mb_of_request() -> None:
    rows = records(*range(5), size=4_000_000)
    bodies = [request_body(batch.latest.values()) for batch in batched(rows)]
    assert [len(json.loads(body)["items"]) for body in bodies] == [2, 2, 1]


def test_the_limit_of_bytes_is_met_exactly() -> None:
    half = (MAX_RECORD_BYTES - 1) // 2
    rest = MAX_RECORD_BYTES - 1 - half
    fits = [Record(0, ("p", "a"), b"1" * half), Record(1, ("p", "b"), b"1" * rest)]
    (batch,) = batched(fits)
    assert len(request_body(batch.latest.values())) == MAX_REQUEST_BYTES
    too_much = [fits[0], Record(1, ("p", "b"), b"1" * (rest + 1))]
    assert len(batched(too_much)) == 2


def test_a_record_of_the_largest_size_is_a_batch_of_its_own() -> None:
    (batch,) = batched([Record(0, ("p", "a"), b"1" * MAX_RECORD_BYTES)])
    assert len(request_body(batch.latest.values())) == MAX_REQUEST_BYTES


def test_nothing_makes_no_batch() -> None:
    assert batched([]) == []


@settings(max_examples=200)
@given(
    rows=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 60)), max_size=120),
    most=st.integers(1, 10),
    held=st.integers(1, 20),
    limit=st.integers(80, 300),
)
def test_every_record_is_in_exactly_one_batch_in_order_and_within_limits(
    rows: list[tuple[int, int]], most: int, held: int, limit: int
) -> None:
    given_rows = [Record(at, ("p", str(who)), b"1" * size) for at, (who, size) in enumerate(rows)]
    names = {"MAX_RECORDS": most, "MAX_HELD": held, "MAX_REQUEST_BYTES": limit}
    before = {name: getattr(batches, name) for name in names}
    try:
        vars(batches).update(names)
        result = batched(given_rows)
    finally:
        vars(batches).update(before)

    positions = [[record.position for record in rows_of(batch)] for batch in result]
    assert sorted(chain.from_iterable(positions)) == list(range(len(rows)))
    assert all(max(one) < min(other) for one, other in pairwise(positions))
    for batch in result:
        assert len(batch.latest) <= most
        assert 1 <= len(batch) <= held
        assert len(request_body(batch.latest.values())) <= limit
        for identity, latest in batch.latest.items():
            history = [*batch.earlier.get(identity, []), latest]
            assert [record.position for record in history] == sorted(record.position for record in history)
            assert all(record.identity == identity for record in history)
