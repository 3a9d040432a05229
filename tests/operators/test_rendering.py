"""What templates become, also in a DAG that renders native objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsUpsertOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM

CONTEXT = {"ds_nodash": "20260101", "one": 1, "digits": "007", "dict": {"space": "s"}, "paths": ["a", "b"]}
BOTH = pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])


def rendered(kind: Any = CdfRecordsUpsertOperator, *, native: bool = True, **arguments: Any) -> Any:
    """Return an operator after Airflow has rendered it."""
    with DAG("d", schedule=None, render_template_as_native_obj=native) as dag:
        task = kind(**({"task_id": "load", "stream_id": STREAM} | arguments))
    task.render_template_fields(CONTEXT, dag.get_template_env())
    return task


def mapping_of(**properties: Any) -> dict[str, Any]:
    source = {"space": SPACE, "container": CONTAINER, "properties": properties}
    return {"space": SPACE, "external_id": "{id}", "sources": [source]}


CONSTANTS = ["1e5", "1", "None", "True", "[1]", "{'a': 1}", "007", "'x'", "1_000", "a\n", " x ", "", "{id}"]


@BOTH
def test_texts_without_a_template_stay_as_they_are(native: bool) -> None:
    mapping = mapping_of(**{f"p{number}": {"value": text} for number, text in enumerate(CONSTANTS)}, q="1")
    mapping["sources"][0]["properties"]["n"] = {"value": 5, "optional": True}
    assert rendered(native=native, records=[], mapping=mapping).mapping == mapping
    given = {"prefix": {"property": ["1", "2", "3"], "value": "1e5"}}
    assert rendered(CdfRecordsDeleteOperator, native=native, filter=given).filter == given
    sql = rendered(
        CdfRecordsFromSqlOperator,
        native=native,
        sql="1",
        conn_id="2",
        mapping=mapping,
        parameters=["1", "1e5", 3],
    )
    assert (sql.sql, sql.conn_id, sql.parameters) == ("1", "2", ["1", "1e5", 3])


@BOTH
def test_a_template_inside_a_mapping_gives_a_text(native: bool) -> None:
    mapping = mapping_of(
        day={"value": "{{ ds_nodash }}"}, one={"value": "{{ one }}"}, digits={"value": "{{ digits }}"}
    )
    properties = rendered(native=native, records=[], mapping=mapping).mapping["sources"][0]["properties"]
    assert [one["value"] for one in properties.values()] == ["20260101", "1", "007"]


def test_a_template_that_is_the_whole_mapping_gives_a_dict() -> None:
    assert rendered(records=[], mapping="{{ dict }}").mapping == {"space": "s"}


def test_a_dict_that_a_template_gave_as_text_is_told(cdf: LocalCdf) -> None:
    task = rendered(native=False, records=[], mapping="{{ dict }}")
    with pytest.raises(
        AirflowFailException, match=r"a text that looks like a dict.*render_template_as_native"
    ):
        task.execute({})


@BOTH
def test_a_template_in_a_text_field_gives_a_text(native: bool) -> None:
    template = "{{ ds_nodash }}"
    given = dict.fromkeys(("stream_id", "path", "rejected_path", "cdf_conn_id"), template)
    task = rendered(native=native, **given)
    assert [getattr(task, name) for name in given] == ["20260101"] * 4


@pytest.mark.parametrize("path", ["{{ paths }}", "data/{{ one }}.csv"])
def test_paths_of_a_template_that_do_not_exist_are_told(cdf: LocalCdf, path: str) -> None:
    task = rendered(path=path)
    words = "^a does not exist" if task.path == ["a", "b"] else "data/1.csv does not exist"
    with pytest.raises(AirflowFailException, match=words):
        task.execute({})


def test_a_template_in_a_filter_or_a_parameter_is_native_where_the_dag_is() -> None:
    task = rendered(CdfRecordsDeleteOperator, filter={"gte": "{{ one }}", "in": ["{{ digits }}", "1"]})
    assert task.filter == {"gte": 1, "in": ["007", "1"]}


def test_delimiters_of_the_dag_are_its_templates(tmp_path: Path) -> None:
    with DAG(
        "d",
        schedule=None,
        jinja_environment_kwargs={"variable_start_string": "[[", "variable_end_string": "]]"},
    ) as dag:
        task = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, path="/[[ one ]]/{{ x }}.csv")
    task.render_template_fields(CONTEXT, dag.get_template_env())
    assert task.path == "/1/{{ x }}.csv"
