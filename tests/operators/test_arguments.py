"""Arguments that cannot work fail when the DAG is parsed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsUpsertOperator,
)
from airflow_provider_cdf_records.version_compat import AirflowFailException, AirflowSkipException
from tests.local_cdf import LocalCdf
from tests.operators.test_cdf_records import FakeXCom, Returns
from tests.sample_records import STREAM, a_record

REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"max_rejected": "3%"},
        "max_rejected must be a number of records, or a share from 0.0 to 1.0, got '3%'",
    ),
    ({"max_rejected": True}, "max_rejected must be"),
    ({"max_rejected": -1}, "max_rejected must be"),
    ({"max_rejected": 1.5}, "max_rejected must be"),
    ({"max_rejected": float("nan")}, "max_rejected must be"),
    ({"max_rejected": None}, "max_rejected must be"),
    ({"limit": 0}, "limit must be a whole number of rows, at least 1, got 0"),
    ({"limit": "ten"}, "limit must be"),
    ({"if_empty": "ignore"}, "if_empty must be one of succeed, skip, fail, got 'ignore'"),
    ({"validate_only": "no"}, "validate_only must be True or False, got 'no'"),
    ({"check_schema": 1}, "check_schema must be True or False"),
    ({"records": "{{ ti.xcom_pull('x') }}"}, "must not be a template.*extract.output"),
    ({"records": "/data/a.csv"}, "got '/data/a.csv'; to load a file, use path"),
    ({"records": Path("a.csv")}, "to load a file, use path"),
    ({"records": 7}, "records must be a list .* got int"),
    ({"records": {"space": "plant"}}, "records must be a list .* got dict; put a single row into a list"),
    ({"records": b"[]"}, "got bytes"),
    (
        {"records": [], "file_options": {"delimiter": ";"}},
        "file_options is of files: give it together with path",
    ),
    ({"records": [], "file_format": "csv"}, "file_format is of files"),
    (
        {"path": "a.csv", "file_options": {"delimeter": ";"}},
        "'delimeter' is not an option of csv; it has .*delimiter, header",
    ),
    ({"path": "/{{ ds }}.CSV.gz", "file_options": {"colour": 1}}, "'colour' is not an option of csv"),
    ({"path": Path("a.ndjson"), "file_options": {"colour": 1}}, "is not an option of ndjson"),
    (
        {"path": "a.ndjson", "file_format": "ndjson", "file_options": {"delimiter": ";"}},
        "is not an option of ndjson",
    ),
    (
        {"path": "a.csv", "file_options": {"items": "x", "skip_rows": "two"}},
        "skip_rows must be how many lines",
    ),
    ({"path": "{{ x }}", "file_format": "tsv", "file_options": {"a": 1}}, "'a' is not an option of tsv"),
    ({"path": "{{ x }}", "file_format": "excel"}, "file_format must be one of .*, got 'excel'"),
    ({"path": "a.csv", "file_options": "delimiter=;"}, "file_options is a text that is not JSON"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED, ids=[str(arguments) for arguments, _ in REFUSED])
def test_what_cannot_work_fails_when_the_dag_is_parsed(arguments: dict[str, Any], words: str) -> None:
    given = arguments if {"records", "path"} & arguments.keys() else {"records": []} | arguments
    with pytest.raises(ValueError, match=words):
        CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, **given)


@pytest.mark.parametrize(
    "arguments",
    [
        {"records": [], "max_rejected": 0.03, "limit": 1, "if_empty": "skip", "validate_only": True},
        {"path": "{{ x }}", "file_options": {"whatever": 1}},
        {"path": "folder", "file_options": {"delimiter": ";"}},
        {"path": "a.csv", "file_options": {"delimiter": ";"}, "max_rejected": 1},
        {"path": ["a.csv", "a.rejected.ndjson"], "file_options": {"delimiter": ";"}},
        {"records": iter([])},
        {"records": object()},  # may be a frame
    ],
    ids=["all", "unknown format", "folder", "csv", "rejected file", "generator", "frame"],
)
def test_what_may_work_is_left_to_the_run(arguments: dict[str, Any]) -> None:
    assert CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, **arguments)


def test_a_filter_takes_no_options_of_files() -> None:
    with pytest.raises(ValueError, match="file_options is of files"):
        CdfRecordsDeleteOperator(
            task_id="load", stream_id=STREAM, filter={"prefix": {}}, file_options={"delimiter": ";"}
        )


def load_of(**returned: Any) -> tuple[Any, FakeXCom, dict[str, Any]]:
    """Return a task that loads what others returned, its task instance and its arguments."""
    with DAG("d", schedule=None):
        tasks = [Returns(task_id=name).output for name in returned]
    return (
        (tasks[0] if len(tasks) == 1 else tasks),
        FakeXCom(**returned),
        {"task_id": "load", "stream_id": STREAM},
    )


@pytest.mark.parametrize("if_empty", ["succeed", "fail"])
@pytest.mark.parametrize("returned", [{"one": None}, {"one": None, "two": [a_record()]}], ids=len)
def test_a_task_that_returned_nothing_fails_the_load_with_a_summary(
    cdf: LocalCdf, if_empty: str, returned: dict[str, Any]
) -> None:
    records, ti, given = load_of(**returned)
    task = CdfRecordsUpsertOperator(records=records, if_empty=if_empty, **given)
    with pytest.raises(AirflowFailException, match=re.escape("Task 'one' returned no records; it must")):
        task.execute({"ti": ti, "expanded_ti_count": None})
    assert ti.pushed["summary"]["read"] == 0
    assert not cdf.held()


def test_a_task_that_returned_nothing_skips_the_load_with_a_summary(cdf: LocalCdf) -> None:
    records, ti, given = load_of(one=None)
    task = CdfRecordsUpsertOperator(records=records, if_empty="skip", **given)
    with pytest.raises(AirflowSkipException, match="Task 'one' returned no records"):
        task.execute({"ti": ti, "expanded_ti_count": None})
    assert ti.pushed["summary"]["read"] == 0


def test_what_other_tasks_returned_is_loaded_all_the_same(cdf: LocalCdf) -> None:
    records, ti, given = load_of(one=None, two=[a_record("b")], three=[])
    task = CdfRecordsUpsertOperator(records=records, if_empty="skip", **given)
    assert task.execute({"ti": ti, "expanded_ti_count": None})["upserted"] == 1
    records, ti, given = load_of(one=None, two=[])
    with pytest.raises(AirflowSkipException):
        CdfRecordsUpsertOperator(records=records, if_empty="skip", **given).execute(
            {"ti": ti, "expanded_ti_count": None}
        )


def test_the_arguments_reach_the_load(cdf: LocalCdf) -> None:
    task = CdfRecordsUpsertOperator(
        task_id="load", stream_id=STREAM, records=[a_record("a"), a_record("b")], limit=1, validate_only=True
    )
    summary = task.execute({})
    assert (summary["read"], summary["upserted"], summary["valid"]) == (1, 0, 1)
    assert not cdf.held()
