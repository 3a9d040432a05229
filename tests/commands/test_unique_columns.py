"""The search for the fewest columns that tell all rows apart."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.commands.unique_columns import Candidate, RowKeys

NAMES = "abcd"
rows = st.lists(st.tuples(*[st.integers(0, 3)] * len(NAMES)), min_size=1, max_size=30)


def is_unique(table: list[tuple[int, ...]], columns: tuple[int, ...]) -> bool:
    distinct = list(dict.fromkeys(table))
    return len({tuple(row[column] for column in columns) for row in distinct}) == len(distinct)


def keys_of(table: list[tuple[int, ...]], at_once: int) -> RowKeys:
    keys = RowKeys()
    for start in range(0, len(table), at_once):
        part = table[start : start + at_once]
        keys.add({name: [row[number] for row in part] for number, name in enumerate(NAMES)})
    return keys


@given(rows, st.integers(1, 30))
def test_it_finds_a_smallest_set_whenever_there_is_one(table: list[tuple[int, ...]], at_once: int) -> None:
    candidates = [Candidate(name, 1, 10) for name in NAMES]
    found = keys_of(table, at_once).find(candidates)
    sizes = [
        size
        for size in range(1, len(NAMES) + 1)
        if any(is_unique(table, columns) for columns in combinations(range(len(NAMES)), size))
    ]
    assert found is not None
    assert len(found.columns) == sizes[0]
    assert is_unique(table, tuple(NAMES.index(name) for name in found.columns))
    assert found.copies == len(table) - len(set(table))


def test_of_sets_of_one_size_the_likeliest_is_taken() -> None:
    table = [(number, number, 0, 0) for number in range(9)]
    candidates = [Candidate("a", 3, 10), Candidate("b", 1, 10)]
    found = keys_of(table, 4).find(candidates)
    assert found is not None
    assert found.columns == ("b",)


def test_columns_that_are_too_long_together_are_no_external_id() -> None:
    table = [(number // 3, number % 3, number, 0) for number in range(9)]
    candidates = [Candidate("a", 1, 200), Candidate("b", 1, 200)]
    assert keys_of(table, 4).find(candidates) is None


def test_a_set_is_found_among_more_columns_than_are_tried_in_all_combinations() -> None:
    names = [f"c{number}" for number in range(8)]
    keys = RowKeys()
    keys.add({name: [row >> number & 1 for row in range(256)] for number, name in enumerate(names)})
    found = keys.find([Candidate(name, 1, 1) for name in names])
    assert found is not None
    assert set(found.columns) == set(names)
