"""Arguments of every operator and sensor as literals, texts and references; in a DAG run: ``tests/dags``."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from airflow import DAG
from upath import UPath

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsIngestOperator,
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sensors.cdf_records import (
    CdfRecordsChangedSensor,
    CdfRecordsSensor,
    CdfStreamSensor,
)
from airflow_provider_cdf_records.task_arguments.operator import ArgumentsOperator
from airflow_provider_cdf_records.version_compat import AirflowFailException, keeps_state_between_runs
from tests.local_cdf import LocalCdf
from tests.operators.test_cdf_records import FakeXCom, Returns, context_with
from tests.sample_records import STREAM, a_record

NEEDED: dict[type[Any], dict[str, Any]] = {
    CdfRecordsUpsertOperator: {"stream_id": STREAM, "path": "a.csv"},
    CdfRecordsIngestOperator: {"stream_id": STREAM, "path": "a.csv"},
    CdfRecordsDeleteOperator: {"stream_id": STREAM, "path": "a.csv"},
    CdfRecordsFromSqlOperator: {"stream_id": STREAM, "sql": "SELECT 1", "conn_id": "x", "mapping": "m.json"},
    CdfStreamCreateOperator: {"stream_id": STREAM, "template": "BasicLiveData"},
    CdfStreamSensor: {"stream_id": STREAM},
    CdfRecordsChangedSensor: {"stream_id": STREAM},
    CdfRecordsSensor: {"stream_id": STREAM},
}
SOURCES = {"records", "path", "filter"}  # of which an operator takes one


def arguments_of(kind: type[Any]) -> Iterator[str]:
    """Yield the arguments of an operator that are not Airflow's."""
    for base in kind.__mro__[: kind.__mro__.index(ArgumentsOperator)]:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters
            yield from parameters.keys() - {"self", "kwargs"}


EACH = pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in NEEDED for name in sorted(set(arguments_of(kind)))],
    ids=lambda value: getattr(value, "__name__", value),
)


def skip_where_nothing_is_kept(name: str) -> None:
    if name == "watermark" and not keeps_state_between_runs():
        pytest.skip("Airflow 3.3 and later keep watermarks; test_watermark.py has what others say")


def given(kind: type[Any], name: str, value: Any) -> dict[str, Any]:
    needed = dict(NEEDED[kind])
    if name in SOURCES and "path" in needed:
        del needed["path"]
    if name == "watermark":
        needed["initial_watermark"] = 0
    if name.startswith("file_"):
        needed["path"] = "{{ x }}"
    return needed | {"task_id": "t", name: value}


@EACH
def test_an_argument_of_a_wrong_kind_fails_when_the_dag_is_parsed(kind: Any, name: str) -> None:
    wrong = 7 if name == "records" else object()
    with pytest.raises(ValueError, match=f"^{name} must be "):
        kind(**given(kind, name, wrong))
    with pytest.raises(ValueError, match=f"^{name} must be "), DAG("d", schedule=None):
        kind.partial(**given(kind, name, wrong))


@EACH
def test_an_argument_can_be_a_reference_which_makes_its_task_an_upstream_task(kind: Any, name: str) -> None:
    skip_where_nothing_is_kept(name)
    with DAG("d", schedule=None) as dag:
        upstream = Returns(task_id="upstream")
        task = kind(**given(kind, name, upstream.output))
        of_key = kind(**given(kind, name, upstream.output["key"]) | {"task_id": "of_key"})
        kind(**given(kind, name, dag.param("x", 1)) | {"task_id": "of_param"})
        other, value = ("cdf_conn_id", "x") if name == "stream_id" else ("stream_id", STREAM)
        arguments = given(kind, name, upstream.output) | {"task_id": "mapped"}
        arguments.pop(other, None)
        mapped = kind.partial(**arguments).expand(**{other: [value]})
    assert task.upstream_task_ids == of_key.upstream_task_ids == {"upstream"}
    assert mapped.upstream_task_ids == {"upstream"}


@EACH
def test_an_argument_can_be_a_template_unless_it_is_rows(kind: Any, name: str) -> None:
    skip_where_nothing_is_kept(name)
    if name == "records":
        with pytest.raises(ValueError, match="records must not be a template, since rows are never rendered"):
            kind(**given(kind, name, "{{ x }}"))
        return
    with DAG("d", schedule=None):
        task = kind(**given(kind, name, "{{ x }}"))
    task.render_template_fields({"x": "true"})
    assert getattr(task, name) == "true"


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ({"max_rejected": "10"}, 10),
        ({"max_rejected": " 0.05 "}, 0.05),
        ({"max_rejected": "1.0"}, 1.0),
        ({"limit": "100"}, 100),
        ({"limit": 100.0}, 100),
        ({"limit": "None"}, None),
        ({"max_concurrency": "7"}, 7),
        ({"validate_only": "true"}, True),
        ({"check_schema": "False"}, False),
        ({"file_options": '{"skip_rows": "2"}'}, {"skip_rows": "2"}),
    ],
    ids=str,
)
def test_numbers_flags_and_dicts_that_come_as_texts(arguments: dict[str, Any], read: Any) -> None:
    (name,) = arguments
    task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, path="a.csv", **arguments)
    assert (getattr(task, name), type(getattr(task, name))) == (read, type(read))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"limit": "0"}, "limit must be a whole number of rows, at least 1, got '0'"),
        ({"limit": 1.5}, "limit must be"),
        ({"limit": ""}, "limit must be .* which is what a template"),
        ({"max_concurrency": True}, "max_concurrency must be a whole number, at least 1, got True"),
        ({"max_rejected": "-1"}, "max_rejected must be"),
        ({"max_rejected": "1.5"}, "max_rejected must be"),
        ({"max_rejected": "nan"}, "max_rejected must be"),
        ({"validate_only": "1"}, "validate_only must be True or False, got '1'"),
        ({"file_options": "{'delimiter': ';'}"}, "file_options is a text that is not JSON .*tojson"),
        ({"file_options": '{"delimeter": ";"}'}, "'delimeter' is not an option of csv"),
        ({"file_options": {"delimeter": "{{ x }}"}}, "'delimeter' is not an option of csv"),
        ({"file_options": {"skip_rows": "two"}}, "skip_rows must be how many lines"),
        ({"file_options": {"skip_initial_space": "yes"}}, "skip_initial_space must be true or false"),
    ],
    ids=str,
)
def test_texts_that_are_no_such_thing_fail_when_the_dag_is_parsed(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, path="a.csv", **arguments)


def test_a_query_without_text_fails_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="sql must be one SELECT, got '  '"):
        CdfRecordsFromSqlOperator(
            **given(CdfRecordsFromSqlOperator, "sql", "  ")  # type: ignore[arg-type]
        )


def test_what_may_hold_a_secret_is_not_shown() -> None:
    for value in ('{"password": "hunter2}', ["hunter2"]):
        with pytest.raises(ValueError, match="hook_params") as caught:
            CdfRecordsFromSqlOperator(
                **given(CdfRecordsFromSqlOperator, "hook_params", value)  # type: ignore[arg-type]
            )
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("path", ["a.csv", "memory://a.csv"])
def test_an_option_that_only_the_run_knows_is_left_to_it(path: str) -> None:
    options = {"quotechar": "{{ q }}", "delimiter": "{{ d }}", "skip_rows": "{{ n }}"}
    with DAG("d", schedule=None):
        task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, path=path, file_options=options)
    task.render_template_fields({"q": "'", "d": "|", "n": 1})
    assert task.file_options == {"quotechar": "'", "delimiter": "|", "skip_rows": "1"}


def test_a_path_object_is_not_taken_for_a_reference() -> None:
    path = UPath("memory://folder/a.csv")
    with DAG("d", schedule=None):
        task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, path=path)
    task.render_template_fields({})
    assert task.path is path


def test_the_templates_of_the_dag_are_known_when_it_is_parsed() -> None:
    delimiters = {"variable_start_string": "[[", "variable_end_string": "]]"}
    with DAG("d", schedule=None, jinja_environment_kwargs=delimiters):
        task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, path="a.csv", limit="[[ 3 ]]")
        CdfRecordsUpsertOperator.partial(task_id="m", path="a.csv", limit="[[ 3 ]]").expand(
            stream_id=[STREAM, "[[ x ]]"]
        )
        with pytest.raises(ValueError, match="limit must be"):
            CdfRecordsUpsertOperator(task_id="u", stream_id=STREAM, path="a.csv", limit="{{ 3 }}")
    task.render_template_fields({})
    assert task.limit == "3"


def test_what_a_task_is_mapped_over_is_checked_when_the_dag_is_parsed() -> None:
    with DAG("d", schedule=None):
        partial = CdfRecordsUpsertOperator.partial(task_id="t", stream_id=STREAM)
        with pytest.raises(ValueError, match=r"^max_rejected must be .* got 'many'"):
            partial.expand(records=[[]], max_rejected=[1, "many"])
        with pytest.raises(ValueError, match=r"^limit must be .* got 'many'"):
            partial.expand_kwargs([{"records": [], "limit": 1}, {"records": [], "limit": "many"}])
        mapped = partial.expand_kwargs([{"records": [], "limit": "{{ x }}"}])
    assert mapped.task_id == "t"


def test_a_reference_that_fails_is_one_final_error_that_names_the_argument(cdf: LocalCdf) -> None:
    def no_list(row: Any) -> Any:
        return row

    with DAG("d", schedule=None):
        number = Returns(task_id="number").output
        task = CdfRecordsUpsertOperator(
            task_id="t", stream_id=STREAM, path="a.csv", file_options={"delimiter": number.map(no_list)}
        )
    context = context_with(number=5)
    task.render_template_fields(context)
    words = "^file_options is a reference that fails: ValueError: XCom map expects sequence"
    with pytest.raises(AirflowFailException, match=words):
        task.execute(context)
    assert context["ti"].pushed["summary"]["read"] == 0


@pytest.mark.parametrize("rows", [[a_record("a"), a_record("b", number="none")], [a_record("a")]], ids=len)
def test_the_numbers_of_a_load_are_xcoms_however_it_ends(cdf: LocalCdf, rows: list[Any]) -> None:
    ti = FakeXCom()
    task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=rows)
    if len(rows) == 1:
        task.execute({"ti": ti})
    else:
        with pytest.raises(AirflowFailException):
            task.execute({"ti": ti})
    assert (ti.pushed["read"], ti.pushed["rejected"]) == (len(rows), len(rows) - 1)
    whole = ti.pushed["summary"]
    assert whole == {"probes": whole["probes"]} | {
        name: ti.pushed.get(name) for name in whole if name != "probes"
    }
    assert "probes" not in ti.pushed


def test_a_task_that_pushes_no_xcoms_pushes_its_summary_alone(cdf: LocalCdf) -> None:
    ti = FakeXCom()
    CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=[], do_xcom_push=False).execute(
        {"ti": ti}
    )
    assert ti.pushed.keys() == {"summary"}


def test_many_literal_rows_are_told_when_the_dag_is_parsed() -> None:
    rows = [a_record(str(number), text="x" * 1000) for number in range(2000)]
    words = r"records of task 't' are 2,000 literal rows, about 2 MB, which Airflow makes anew"
    with DAG("d", schedule=None), pytest.warns(UserWarning, match=words):
        CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=rows)
    with DAG("d", schedule=None), pytest.warns(UserWarning, match=words):
        CdfRecordsUpsertOperator.partial(task_id="t", records=rows).expand(stream_id=[STREAM])
    with DAG("d", schedule=None), pytest.warns(UserWarning, match=words):
        CdfRecordsUpsertOperator.partial(task_id="t", stream_id=STREAM).expand(records=[rows])
    with DAG("d", schedule=None), pytest.warns(UserWarning, match=words):
        CdfRecordsUpsertOperator.partial(task_id="t", stream_id=STREAM).expand_kwargs([{"records": rows}])
    with DAG("d", schedule=None), warnings.catch_warnings():
        warnings.simplefilter("error")
        CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=rows[:500])


def test_references_inside_of_literal_rows_are_resolved(cdf: LocalCdf) -> None:
    with DAG("d", schedule=None) as dag:
        upstream = Returns(task_id="upstream")
        row = a_record("{{ as it is }}", number=upstream.output, value=dag.param("x", 2.5))
        task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=[row, a_record("b", number=1)])
    assert task.upstream_task_ids == {"upstream"}
    task.execute(context_with(upstream=7) | {"params": {"x": 2.5}})
    assert cdf.held() == {"{{ as it is }}": {"number": 7, "value": 2.5}, "b": {"number": 1}}


def test_a_failing_reference_inside_of_a_literal_row_is_an_error_that_tells_of_it(cdf: LocalCdf) -> None:
    with DAG("d", schedule=None) as dag:
        row = a_record("a", value=dag.param("x"))
        task = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=[row])
    with pytest.raises(AirflowFailException, match="records is a reference that fails"):
        task.execute(context_with() | {"params": {}})
    assert not cdf.held()
