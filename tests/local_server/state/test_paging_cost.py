"""What a page of changes costs does not depend on how many changes there are."""

from __future__ import annotations

import sqlite3
from itertools import count
from pathlib import Path

from airflow_provider_cdf_records.local_server.state import tables

LAST_PAGE = {"stream": "s", "upto": 2**62, "hidden": "[]"}


def steps_of_a_page(database: Path, records: int) -> int:
    """Return how many instructions SQLite takes for the last ten of a stream's changes."""
    tables.open_database(database, keep_superseded=False).close()
    with sqlite3.connect(database) as db:
        db.executemany(
            "INSERT INTO record (seq, stream, space, external_id, mutable, created, updated) "
            "VALUES (?, 's', 'p', ?, 1, 0, 0)",
            ((number, f"r{number}") for number in range(1, records + 1)),
        )
        steps = count()
        db.set_progress_handler(lambda: next(steps) and 0, 1)
        found = db.execute(tables.CHANGES, LAST_PAGE | {"after": records - 10}).fetchall()
        db.set_progress_handler(None, 1)
    assert len(found) == 10
    return next(steps)


def test_a_page_of_many_changes_costs_what_one_of_few_does(tmp_path: Path) -> None:
    few, many = steps_of_a_page(tmp_path / "few", 20), steps_of_a_page(tmp_path / "many", 2_000)
    assert many < 2 * few
