"""The proof of the Celery demo finds each record that is not as the file's last row of it."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dev.celery_demo.proof import differences
from dev.celery_demo.rows import NONE, name_of, value_of, write_rows
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

ROWS = 2_500  # the identities take more than a page


@pytest.fixture
def cdf(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCdf]:
    with local_cdf(monkeypatch) as cdf:
        yield cdf


@pytest.fixture
def last(tmp_path: Path) -> array[int]:
    return write_rows(tmp_path / "rows.csv", ROWS)


def a_reading(identity: int, row: int) -> dict[str, Any]:
    return a_record(name_of(identity), number=row, value=value_of(row))


def load_all_but(cdf: LocalCdf, last: array[int], left_out: int | None = None) -> None:
    records = [a_reading(identity, row) for identity, row in enumerate(last) if row != NONE]
    for at in range(0, len(records), 500):
        cdf.upsert(STREAM, records[at : at + 500])
    if left_out is not None:
        item = {"space": SPACE, "externalId": name_of(left_out)}
        cdf.client.post(f"/streams/{STREAM}/records/delete", {"items": [item]})


def found(cdf: LocalCdf, last: array[int]) -> list[str]:
    return differences(cdf.client, STREAM, last, space=SPACE, container=CONTAINER)


def test_the_last_row_of_each_identity_is_known(tmp_path: Path) -> None:
    last = write_rows(tmp_path / "rows.csv", ROWS)
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS
    assert {row["meter"]: int(row["number"]) for row in rows} == {
        name_of(identity): row for identity, row in enumerate(last) if row != NONE
    }
    assert all(float(row["value"]) == value_of(int(row["number"])) for row in rows)
    assert any(one["meter"] == other["meter"] for one, other in pairwise(rows))


def test_nothing_is_found_where_all_is_right(cdf: LocalCdf, last: array[int]) -> None:
    load_all_but(cdf, last)
    assert found(cdf, last) == []


@pytest.mark.parametrize("identity", [0, 300, 624])
def test_an_old_row_of_one_identity_is_found(cdf: LocalCdf, last: array[int], identity: int) -> None:
    load_all_but(cdf, last)
    cdf.upsert(STREAM, [a_reading(identity, last[identity] - 1)])
    (problem,) = found(cdf, last)
    assert name_of(identity) in problem
    assert f"its last row is {last[identity]}" in problem


def test_a_value_of_another_row_is_found(cdf: LocalCdf, last: array[int]) -> None:
    load_all_but(cdf, last)
    cdf.upsert(STREAM, [a_record(name_of(7), number=last[7], value=value_of(last[7] - 1))])
    (problem,) = found(cdf, last)
    assert name_of(7) in problem


def test_a_missing_identity_is_found(cdf: LocalCdf, last: array[int]) -> None:
    load_all_but(cdf, last, left_out=9)
    problems = found(cdf, last)
    assert problems[0] == f"{name_of(9)} is missing"
    assert "an aggregate counts 624 records, and the file has 625 identities" in problems[1]


def test_an_identity_that_the_file_does_not_have_is_found(cdf: LocalCdf, last: array[int]) -> None:
    load_all_but(cdf, last)
    cdf.upsert(STREAM, [a_record("meter-of-others", number=1, value=1.0)])
    assert found(cdf, last)[0] == "meter-of-others is in no row of the file"
