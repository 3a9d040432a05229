"""Arguments that only a run knows, in a real Airflow; the DAGs are in ``reference_cases.py``."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from tests.dags.conftest import Airflow, airflow_on
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM


@pytest.fixture
def airflow(airflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    database = {"conn_type": "sqlite", "host": str(tmp_path / "rows.sqlite")}
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps(database))
    return airflow_on(Path(__file__).parent, airflow_home, tmp_path)


def states_of(airflow: Airflow, dag_id: str) -> dict[str, str]:
    """Return the states of the tasks, those of the instances of a mapped task joined."""
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        query = "SELECT task_id, group_concat(DISTINCT state) FROM task_instance WHERE dag_id = ? GROUP BY 1"
        return dict(database.execute(query, (dag_id,)))


def test_every_argument_can_be_the_output_of_a_task(airflow: Airflow, cdf: LocalCdf, tmp_path: Path) -> None:
    log = airflow.test_dag("references")
    assert set(airflow.states("references").values()) == {"success"}
    assert cdf.held() == {"r-0": {"number": 1}, "s-1": {"number": 1}}  # and what was 2 is deleted
    assert (tmp_path / "references.rejected").exists()
    assert "Upserted 2 of 3 records" in log
    assert "3 of 2 records can be queried" in log
    assert "could not be pushed to XCom" not in log


def test_parameters_arguments_of_mapped_groups_and_what_is_made_of_xcoms(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path
) -> None:
    airflow.test_dag("kinds_of_references")
    assert set(states_of(airflow, "kinds_of_references").values()) == {"success"}
    assert cdf.held().keys() == {
        "param-0",
        *("g0-0", "g1-0", "gf-0", "gf-1", "again-g0-0", "again-g1-0"),
        *("renamed-one-0", "renamed-one-1", "one-0", "one-1", "two-0", "two-1"),
        *("m0-0", "m0-1", "m1-0", "m1-1"),
        *("kw-0", "kw-1", "literal-0", "literal-1"),
    }
    assert (tmp_path / "total.json").read_text() == "2"


def test_what_only_the_run_finds_wrong_is_one_error_without_a_retry(airflow: Airflow, cdf: LocalCdf) -> None:
    done = airflow.run("dags", "test", "wrong_references")
    states = states_of(airflow, "wrong_references")
    right = {name for name, state in states.items() if state == "success"}
    assert right == {"give_wrong", "give_limits", "loaded"}
    assert set(states.values()) == {"success", "failed"}
    assert "up_for_retry" not in done.stdout
    log = " ".join(done.stdout.split())
    for message in (
        "max_rejected must be a number of records, or a share from 0.0 to 1.0, got 'many'.",
        "validate_only must be True or False, got 'many'.",
        "if_empty must be one of succeed, skip, fail, got 'many'.",
        "limit must be a whole number of rows, at least 1, got 'ten'.",
        "limit must be a whole number of rows, at least 1, got 'many'.",
        "limit is a reference that fails: XComNotFound: ",
        "records must be a list (or another iterable) of records, or a frame, got str; to load a file, use",
        "file_options is a text that is not JSON",
        "min_count must be a whole number, at least 0, got 'many'.",
    ):
        assert message in log
    assert not re.search(r"Exception rendering", log)
    assert not cdf.held()


def test_what_was_skipped_is_no_error_and_if_empty_decides_about_none(
    airflow: Airflow, cdf: LocalCdf
) -> None:
    done = airflow.run("dags", "test", "branches")
    states = states_of(airflow, "branches")
    loads = {name: state for name, state in states.items() if name not in ("choose", "nothing", "taken")}
    assert loads == {
        "left": "skipped",
        "no_file": "success",
        "write_file": "skipped",
        "give_no_path_at_all": "success",
        "left_out": "skipped",
        "over_nothing": "skipped",
        "give_no_prefixes": "success",
        "one_of_two": "success",
        "no_path": "success",
        "no_path_skips": "skipped",
        "no_path_fails": "failed",
        "returned_no_path": "failed",
        "joined": "success",
        "none": "success",
        "none_of_map": "success",
        "none_skips": "skipped",
        "none_fails": "failed",
        "returned_none": "failed",
        "mapped_over_nothing": "success",
        "mapped_and_taken": "success",
        "of_a_skipped_load": "success",
        "of_a_load_left_out": "failed",
    }
    assert cdf.held().keys() == {"taken-0", "taken-1"}
    log = " ".join(done.stdout.split())
    assert "Task 'nothing' returned no records; it must return a list" in log
    assert "path must be a path or an fsspec URL, got None, which is what a template or an" in log
    assert "up_for_retry" not in done.stdout


def test_literal_rows_are_not_stored_with_the_dag(airflow: Airflow, tmp_path: Path) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "literal.py").write_text(LITERAL)
    done = airflow_on(folder, airflow.home, tmp_path).run("dags", "reserialize")
    assert done.returncode == 0, done.stdout
    with sqlite3.connect(airflow.home / "airflow.db") as database:
        query = "SELECT data, data_compressed FROM serialized_dag WHERE dag_id = 'literal'"
        ((data, _),) = database.execute(query)
    assert "100,000 records" in data
    assert len(data) < 100_000, len(data)
    assert json.loads(data)
    log = " ".join(done.stdout.split())
    for task in ("plain", "mapped"):
        assert f"records of task '{task}' are 100,000 literal rows, about" in log


LITERAL = f'''
from airflow import DAG

from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator

ROWS = [{{"space": "s", "externalId": f"r-{{n}}", "sources": [], "more": "x" * 100}} for n in range(100_000)]
with DAG("literal", schedule=None):
    CdfRecordsUpsertOperator(task_id="plain", stream_id="{STREAM}", records=ROWS)
    CdfRecordsUpsertOperator.partial(task_id="mapped", records=ROWS).expand(stream_id=["{STREAM}"])
    CdfRecordsUpsertOperator.partial(task_id="over", stream_id="{STREAM}").expand(records=[ROWS, ROWS])
'''
