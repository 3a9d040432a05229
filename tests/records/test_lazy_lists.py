"""Rows that are held as columns, and bodies that are held as a request, are lists to whoever looks."""

from __future__ import annotations

from airflow_provider_cdf_records.records.bodies import Bodies
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows, PairedRows
from airflow_provider_cdf_records.records.request import request_body

ROWS = [("a", 1), ("b", 2), ("c", 3)]
COLUMNS = [["a", "b", "c"], [1, 2, 3]]
BODIES = [b'{"n":"},{"}', b'{"n":[1, 2]}', b"{}"]


def test_columns_are_rows() -> None:
    rows = ColumnRows(COLUMNS)
    assert (len(rows), list(rows), rows[1], rows[-1]) == (3, ROWS, ("b", 2), ("c", 3))
    assert rows == ROWS
    assert rows[1:] == ROWS[1:]
    assert rows != ROWS[1:]


def test_rows_come_in_pairs_with_what_they_need() -> None:
    rows = PairedRows(ColumnRows(COLUMNS), "context")
    pairs = [(row, "context") for row in ROWS]
    assert (list(rows), rows[2], rows[:2]) == (pairs, pairs[2], pairs[:2])


def test_bodies_are_cut_from_their_request() -> None:
    bodies = Bodies(request_body(BODIES), 3)
    assert (len(bodies), list(bodies), bodies[1], bodies[1:]) == (3, BODIES, BODIES[1], BODIES[1:])
