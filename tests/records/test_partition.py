"""Parts of rows: how even they are, and that the identity of a row does not depend on the rows beside it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import compress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.deletions import identities_to_delete
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows
from airflow_provider_cdf_records.records.partition import Partition, RowIdentities, RowsOfPart
from airflow_provider_cdf_records.records.row_identities import identities_of_rows

COUNT = 10_000
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
EXTERNAL_IDS = {
    "numbers": [str(number) for number in range(COUNT)],
    "numbers of one width": [f"alarm-{number:010d}" for number in range(COUNT)],
    "UUIDs": [str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128)) for number in range(COUNT)],
    "a pump and a second": [
        f"pump-17/{(START + timedelta(seconds=number)).strftime('%Y-%m-%dT%H:%M:%SZ')}"
        for number in range(COUNT)
    ],
    "a pump and an hour": [
        f"pump-{number % 20}/{(START + timedelta(hours=number // 20)).strftime('%Y-%m-%dT%H:%M:%SZ')}"
        for number in range(COUNT)
    ],
}
LARGEST = 1.15  # of an even share


@pytest.mark.parametrize("external_ids", EXTERNAL_IDS.values(), ids=EXTERNAL_IDS)
def test_no_part_is_much_larger_than_its_share(external_ids: list[str]) -> None:
    identities = [f"plant/{external_id}" for external_id in external_ids]
    for parts in range(2, 17):
        held = [
            sum(Partition(number, parts).rows_held(identities, range(COUNT)))
            for number in range(1, parts + 1)
        ]
        assert sum(held) == COUNT
        assert max(held) <= LARGEST * COUNT / parts


IDS = st.sampled_from(["a", "b", "ü", "a/b", "", "\ud800", None, 7, ["a"]])
SPACES = st.sampled_from(["plant", "plant", "plant", "other", "", None, 7])
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "space": SPACES,
        "externalId": IDS,
        "record": st.sampled_from([None, {}, {"space": "plant", "externalId": "c"}]),
        "sources": st.just([{"source": {"space": "plant", "externalId": "d"}}]),
    },
)
LINES = st.one_of(
    ROWS.map(lambda row: json.dumps(row).encode()),
    ROWS.map(lambda row: json.dumps(row).encode()),
    ROWS.map(lambda row: json.dumps(row).encode()),
    st.sampled_from(
        [
            b"{",
            b'{"space": "plant", "externalId": "a"',
            b'{"space": "plant", "externalId": "\xff"}',
            b'{"space": "plant", "externalId": "a", "externalId": "b"}',
            b'{"space": "plant", "space": "other", "externalId": "a"}',
            b'{"space": "plant", "externalId": "\\u0061"}',
        ]
    ),
)


def whether_a_line(row: Any) -> bool:
    fields = row
    if isinstance(row, bytes):
        try:
            fields = json.loads(row)
        except ValueError:
            return False
    return "record" in fields


@pytest.mark.parametrize("kind", [LINES, ROWS, st.one_of(LINES, ROWS)], ids=["JSON", "mappings", "both"])
def test_the_identity_of_a_row_does_not_depend_on_the_rows_beside_it(kind: st.SearchStrategy[Any]) -> None:
    """A later try reads the rows in other chunks."""

    @given(st.lists(kind, min_size=1, max_size=12))
    def check(rows: list[Any]) -> None:
        together = identities_of_rows(rows)
        each = [identities_of_rows([row]) for row in rows]
        assert list(together.identities) == [one.identities[0] for one in each]
        lines = [index for index in together.may_be_lines if whether_a_line(rows[index])]
        assert lines == [index for index, row in enumerate(rows) if whether_a_line(row)]

    check()


def test_where_a_key_stands_twice_the_last_one_counts_as_in_the_record() -> None:
    twice = b'{"space": "plant", "externalId": "a", "externalId": "b"}'
    other_space = b'{"space": "plant", "space": "other", "externalId": "a"}'
    rows = [b'{"space": "plant", "externalId": "a"}', twice, other_space]
    assert identities_of_rows(rows).identities == ["plant/a", "plant/b", "other/a"]


@pytest.mark.parametrize("nulls", [frozenset(), frozenset({"", "a"})])
def test_rows_as_columns_and_as_tuples_are_of_the_same_parts(nulls: frozenset[str]) -> None:
    columns = [["plant", "plant", "other", ""] * 5, list(range(20)), ["a", "b", "", "d", "e"] * 4]
    chunk = Chunk(
        range(20), ColumnRows(columns), Mark(19), columns=("space", "number", "externalId"), nulls=nulls
    )
    rows = list(zip(*columns, strict=True))
    seen: Counter[tuple[Any, ...]] = Counter()
    for number in (1, 2, 3):
        rows_of_part = RowsOfPart(Partition(number, 3), identities_to_delete)
        taken, same = rows_of_part(chunk), rows_of_part(chunk._replace(rows=rows))
        assert isinstance(taken.rows, ColumnRows)
        assert (list(taken.rows), list(taken.positions)) == (same.rows, list(same.positions))
        assert taken.rows.columns[1] == list(taken.positions)
        seen.update(taken.rows)
    assert seen == Counter(rows)


def test_a_part_may_have_no_row_of_a_table() -> None:
    chunk = Chunk(range(2), ColumnRows([["a", "a"], [1, 2]]), Mark(1), columns=("id", "value"))
    held = [
        RowsOfPart(Partition(number, 2), lambda _: RowIdentities(["plant/a", "plant/a"]))(chunk)
        for number in (1, 2)
    ]
    assert sorted(len(part.rows) for part in held) == [0, 2]
    assert [list(part.rows) for part in held if not part.rows] == [[]]


@given(st.lists(st.sampled_from(["plant/a", "plant/\ud800", None, "other/ü"]), max_size=9), st.integers(1, 5))
def test_rows_are_held_together_as_they_are_alone(identities: list[str | None], parts: int) -> None:
    positions = range(100, 100 + len(identities))
    for number in range(1, parts + 1):
        part = Partition(number, parts)
        held = list(compress(positions, part.rows_held(identities, positions)))
        alone = [at for at, one in zip(positions, identities, strict=True) if part.holds(one, at)]
        assert held == alone
