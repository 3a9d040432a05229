from __future__ import annotations

import json
from itertools import accumulate, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.load.batches import MAX_HELD, MAX_RECORDS, Batch, Batcher
from airflow_provider_cdf_records.records.chunk import Mark, Records
from airflow_provider_cdf_records.records.request import MAX_RECORD_BYTES, MAX_REQUEST_BYTES


def records(*identities: int, size: int = 20) -> Records:
    bodies = [f'{{"n":"{position:0{size}}"}}'.encode() for position in range(len(identities))]
    return of(list(map(str, identities)), bodies)


def of(identities: list[str], bodies: list[bytes], start: int = 0) -> Records:
    return Records(
        range(start, start + len(bodies)), [f"plant/{name}" for name in identities], bodies, bodies
    )


def batched(*chunks: Records) -> list[Batch]:
    batcher, read = Batcher(), 0
    batches: list[Batch] = []
    for chunk in chunks:
        read += len(chunk.bodies)
        batches += [batch for batch, _ in batcher.feed(chunk, Mark(read - 1, read=read))]
    last = batcher.flush()
    return [*batches, last] if last is not None else batches


def request_of(batch: Batch) -> bytes:
    return batch.body_of(list(batch.latest.values()))


def test_a_batch_holds_at_most_1000_records() -> None:
    assert [len(batch.latest) for batch in batched(records(*range(2500)))] == [1000, 1000, 500]


def test_a_full_batch_still_takes_a_later_row_of_its_identities() -> None:
    (batch,) = batched(records(*range(MAX_RECORDS), 0))
    assert batch.positions[batch.latest["plant/0"]] == MAX_RECORDS
    assert [batch.positions[row] for row in batch.earlier["plant/0"]] == [0]


def test_the_rows_held_by_a_batch_are_bounded() -> None:
    assert [len(batch) for batch in batched(records(*[7] * (MAX_HELD + 1)))] == [MAX_HELD, 1]


def test_a_batch_holds_at_most_10_mb_of_request() -> None:
    rows = records(*range(5), size=4_000_000)
    bodies = [request_of(batch) for batch in batched(rows)]
    assert [len(json.loads(body)["items"]) for body in bodies] == [2, 2, 1]


def test_the_limit_of_bytes_is_met_exactly() -> None:
    half = (MAX_RECORD_BYTES - 1) // 2
    rest = MAX_RECORD_BYTES - 1 - half
    (batch,) = batched(of(["a", "b"], [b"1" * half, b"1" * rest]))
    assert len(request_of(batch)) == MAX_REQUEST_BYTES
    assert len(batched(of(["a", "b"], [b"1" * half, b"1" * (rest + 1)]))) == 2


def test_a_record_of_the_largest_size_is_a_batch_of_its_own() -> None:
    (batch,) = batched(of(["a"], [b"1" * MAX_RECORD_BYTES]))
    assert len(request_of(batch)) == MAX_REQUEST_BYTES


def test_nothing_makes_no_batch() -> None:
    assert batched(of([], [])) == []


def test_the_request_that_the_checks_have_made_is_used_for_the_whole_batch_only() -> None:
    chunk = of(["a", "b"], [b"1", b"2"])._replace(request=b"made already")
    (whole,) = batched(chunk)
    assert whole.body_of([0, 1]) == b"made already"
    assert whole.body_of([1]) == b'{"items":[2]}'
    (two,) = batched(chunk, of(["c"], [b"3"], start=2))
    assert two.body_of([0, 1, 2]) == b'{"items":[1,2,3]}'


def test_a_batch_comes_with_the_last_mark_before_its_end() -> None:
    batcher = Batcher()
    ends = [Mark(699), Mark(1399), Mark(2099)]
    marks = []
    for number, end in enumerate(ends):
        names = [str(at) for at in range(700 * number, 700 * (number + 1))]
        marks += [mark for _, mark in batcher.feed(of(names, [b"1"] * 700), end)]
    assert marks == [ends[0], ends[1]]


@settings(max_examples=300)
@given(
    rows=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 60)), max_size=120),
    cuts=st.lists(st.integers(1, 30), max_size=20),
    most=st.integers(1, 10),
    held=st.integers(1, 20),
    limit=st.integers(80, 300),
)
def test_every_record_is_in_exactly_one_batch_in_order_and_within_limits(
    rows: list[tuple[int, int]], cuts: list[int], most: int, held: int, limit: int
) -> None:
    ends = [*accumulate(cuts), len(rows)]
    chunks = [
        of([str(who) for who, _ in rows[start:end]], [b"1" * size for _, size in rows[start:end]], start)
        for start, end in pairwise([0, *ends])
    ]
    names = {"MAX_RECORDS": most, "MAX_HELD": held, "MAX_REQUEST_BYTES": limit}
    before = {name: getattr(batches, name) for name in names}
    try:
        vars(batches).update(names)
        result = batched(*chunks)
    finally:
        vars(batches).update(before)

    assert [position for batch in result for position in batch.positions] == list(range(len(rows)))
    for batch in result:
        assert len(batch.latest) <= most
        assert 1 <= len(batch) <= held
        assert len(request_of(batch)) <= limit
        assert [len(body) for body in batch.bodies] == [rows[position][1] for position in batch.positions]
        by_identity: dict[str, list[int]] = {}
        for at, position in enumerate(batch.positions):
            by_identity.setdefault(f"plant/{rows[position][0]}", []).append(at)
        assert batch.latest == {identity: at[-1] for identity, at in by_identity.items()}
        assert batch.earlier == {identity: at[:-1] for identity, at in by_identity.items() if at[:-1]}
