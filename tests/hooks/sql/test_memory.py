"""Large rows of a query take little memory, also where nobody maps what is large."""

from __future__ import annotations

import sqlite3
from contextlib import nullcontext
from typing import Any

import pytest

from airflow_provider_cdf_records.load.batches import MAX_BYTES_HELD
from airflow_provider_cdf_records.sources import QuerySource
from airflow_provider_cdf_records.sources.queries import BYTES_AT_ONCE
from tests.hooks.sql.conftest import measured_load

ALLOWED = 200  # MB above what the imported package takes: of 1000 MB in the result
LOAD = """
import json, resource, sys
from tests.hooks.sql.test_sqlite import mapping, operator

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

ROWS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT {rows}) "
SQL = ROWS + "SELECT id, id AS number, {large} AS large FROM n"
wanted = dict(mapping=mapping(number="number"), check_schema=False)
operator(SQL.format(rows=100, large="NULL"), **wanted).execute({})
imported = peak()
summary = operator(SQL.format(rows=2000, large=sys.argv[1]), **wanted).execute({})
print(json.dumps({"imported": imported, "peak": peak()} | summary))
"""


@pytest.mark.parametrize(
    "large", ["zeroblob(500000)", "hex(zeroblob(250000))", "iif(id < 400, NULL, zeroblob(500000))"]
)
def test_a_column_that_nobody_maps_takes_little_memory(
    sqlite: sqlite3.Connection, sink: str, large: str
) -> None:
    measured = measured_load(LOAD, sink, large)
    assert measured["upserted"] == 2000
    assert measured["peak"] - measured["imported"] <= ALLOWED, measured


class Rows:
    """A cursor of rows of given sizes, which notes how many bytes each fetch takes."""

    description = (("id",), ("large",))

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.fetched: list[int] = []

    def fetchmany(self, size: int, /) -> list[tuple[int, Any]]:
        got, self.values = self.values[:size], self.values[size:]
        self.fetched.append(len(got))
        return list(enumerate(got))


@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000,
        b"x" * 100_000,
        bytearray(100_000),
        memoryview(b"x" * 100_000),
        {"a": ["x" * 100_000]},
        ["x" * 1000] * 100,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_fetched_at_once_is_bound_by_all_the_rows_before(value: Any) -> None:
    cursor = Rows([value, *["small"] * 9] * 200)
    chunks = list(QuerySource(lambda: nullcontext(cursor)))
    assert sum(len(chunk.rows) for chunk in chunks) == 2000
    assert max(cursor.fetched) <= 2 * BYTES_AT_ONCE // 100_000
    assert all(chunk.size <= MAX_BYTES_HELD for chunk in chunks)


def test_few_rows_are_fetched_first_and_then_more() -> None:
    cursor = Rows(["small"] * 5000)
    list(QuerySource(lambda: nullcontext(cursor)))
    assert cursor.fetched == [1, 4, 16, 64, 250, 6, *[250] * 18, 159, 0]
