"""What the operator decides by itself; what it does in a DAG is tested in ``tests/dags``."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.client import paging
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsIngestOperator,
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.version_compat import AirflowFailException, BaseOperator
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

ROOT = Path(__file__).parent.parent.parent


def operator(**arguments: Any) -> CdfRecordsUpsertOperator:
    return CdfRecordsUpsertOperator(**({"task_id": "load", "stream_id": STREAM} | arguments))


class Returns(BaseOperator):
    """An upstream task whose output is set by the test."""

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value


class FakeXCom:
    """Stands in for the task instance in a context: hands out XComs by task id."""

    def __init__(self, **values: Any) -> None:
        self._values = values
        self.pushed: dict[str, Any] = {}

    def xcom_pull(self, task_ids: str, **_: Any) -> Any:
        return self._values[task_ids]

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def get_relevant_upstream_map_indexes(self, *_: Any, **__: Any) -> None:
        """Asked for by Airflow 2."""


def context_with(**xcoms: Any) -> dict[str, Any]:
    return {"ti": FakeXCom(**xcoms), "expanded_ti_count": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs exactly one of records and path, got none"),
        ({"records": [], "path": "x"}, "needs exactly one of records and path, got records and path"),
    ],
)
def test_exactly_one_of_records_and_path_is_needed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operator(**arguments)


def test_the_summary_is_returned_as_plain_json(cdf: LocalCdf) -> None:
    summary = operator(records=[a_record("a"), a_record("b")]).execute({})
    assert list(summary) == [
        "stream_id",
        "read",
        "upserted",
        "superseded",
        "rejected",
        "identities",
        "resumed_from",
        "requests",
        "retries",
        "bytes_sent",
        "seconds",
        "rejected_path",
        "probes",
    ]
    assert (summary["stream_id"], summary["read"], summary["upserted"]) == (STREAM, 2, 2)
    assert cdf.held().keys() == {"a", "b"}


BAD = {"space": SPACE, "externalId": "", "sources": []}


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ({"records": [a_record()]}, (1, 1, 0)),
        ({"records": [a_record(), BAD], "max_rejected": 1}, (2, 1, 1)),
        ({"records": [BAD]}, (1, 0, 1)),
        ({"records": [a_record()], "stream_id": "missing"}, (0, 0, 0)),
        ({"path": "/nowhere/a.ndjson"}, (0, 0, 0)),
    ],
    ids=["success", "with rejects", "too many rejects", "no stream", "no file"],
)
def test_the_summary_is_pushed_however_the_load_ends(
    cdf: LocalCdf, arguments: dict[str, Any], numbers: tuple[int, ...]
) -> None:
    task, ti = operator(**arguments), FakeXCom()
    with suppress(AirflowFailException):
        assert task.execute({"ti": ti}) == ti.pushed["summary"]
    summary = ti.pushed["summary"]
    assert (summary["read"], summary["upserted"], summary["rejected"]) == numbers
    assert summary["stream_id"] == task.stream_id


def test_an_xcom_that_cannot_be_pushed_does_not_hide_how_the_load_ended(
    cdf: LocalCdf,
) -> None:
    class Broken:
        def xcom_push(self, **_: Any) -> None:
            msg = "no database"
            raise OSError(msg)

    with pytest.raises(AirflowFailException, match="was rejected"):
        operator(records=[BAD]).execute({"ti": Broken()})


@pytest.mark.parametrize("takes_nulls", [True, False])
def test_what_is_after_an_output_that_is_none_is_pushed_where_airflow_takes_none_too(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, takes_nulls: bool
) -> None:
    monkeypatch.setattr(
        "airflow_provider_cdf_records.task_arguments.operator.takes_null_outputs", lambda: takes_nulls
    )
    ti = FakeXCom()
    operator(records=[a_record()]).execute({"ti": ti})
    assert ("resumed_from" in ti.pushed) is takes_nulls
    assert "requests" in ti.pushed, "which comes after it"


def test_an_empty_list_is_a_success(cdf: LocalCdf) -> None:
    assert operator(records=[]).execute({})["read"] == 0


def test_records_are_never_rendered_and_everything_else_is(cdf: LocalCdf) -> None:
    with DAG("d", schedule=None):
        task = operator(records=[a_record("{{ 1 + 1 }}", text="{{ run_id }}")], rejected_path="{{ 'x' }}")
    task.render_template_fields({})
    task.execute({})
    assert task.rejected_path == "x"
    assert cdf.held() == {"{{ 1 + 1 }}": {"text": "{{ run_id }}"}}


def calls_of(work: Callable[[], Any]) -> int:
    """Return how many functions written in Python are called."""
    count = 0

    def profile(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event == "call"

    gc.disable()  # whose finalizers are calls too
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def test_rendering_calls_nothing_for_each_record() -> None:
    def calls_with(records: int) -> int:
        with DAG("d", schedule=None):
            task = operator(records=[a_record(str(number)) for number in range(records)])
        # The first times take more, for what is kept.
        return min(calls_of(lambda: task.render_template_fields({})) for _ in range(3))

    assert calls_with(5000) < calls_with(5) + 1000


def test_an_upstream_output_makes_the_task_downstream() -> None:
    with DAG("d", schedule=None):
        upstream = Returns(task_id="extract")
        task = operator(records=upstream.output)
    assert task.upstream_task_ids == {"extract"}


def test_several_upstream_outputs_are_joined(cdf: LocalCdf) -> None:
    with DAG("d", schedule=None):
        one, other = Returns(task_id="one"), Returns(task_id="other")
        task = operator(records=[one.output, other.output])
    assert task.upstream_task_ids == {"one", "other"}
    task.execute(context_with(one=[a_record("a")], other=[a_record("b")]))
    assert cdf.held().keys() == {"a", "b"}


def test_a_mapped_operator_with_fixed_records_is_downstream_of_their_task() -> None:
    with DAG("d", schedule=None):
        upstream = Returns(task_id="extract")
        mapped = CdfRecordsUpsertOperator.partial(task_id="load", records=upstream.output).expand(
            stream_id=["one", "two"]
        )
    assert mapped.upstream_task_ids == {"extract"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "Task 'extract' returned no records; it must return a list"),
        ("a/path.ndjson", "got str; to load a file, use path"),
        ({"space": "plant"}, "got dict"),
    ],
)
def test_an_upstream_output_that_is_no_list_is_refused(cdf: LocalCdf, value: Any, message: str) -> None:
    with DAG("d", schedule=None):
        task = operator(records=Returns(task_id="extract").output)
    with pytest.raises(AirflowFailException, match=message):
        task.execute(context_with(extract=value))


def test_a_path_is_loaded(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_text('[{"space": "plant"}]')
    with pytest.raises(AirflowFailException, match=rf"items\[0\] of .*{path.name}: externalId: is missing"):
        operator(path=str(path), file_format="json").execute({})


def test_max_concurrency_and_connection_reach_the_hook() -> None:
    task = operator(records=[], max_concurrency=7, cdf_conn_id="other")
    assert (task.hook.max_concurrency, task.hook.cdf_conn_id) == (7, "other")


def test_what_airflow_shows_of_records_is_one_line() -> None:
    assert str(operator(records=[a_record()] * 3).records) == "3 records"
    with DAG("d", schedule=None):
        one, other = Returns(task_id="one").output, Returns(task_id="other").output
        assert str(operator(records=one).records) == "output of one"
        assert (
            str(operator(task_id="all", records=[one, other["rows"]]).records)
            == "output of one, other['rows']"
        )
        assert str(operator(task_id="mapped", records=one.map(dict)).records) == "output of one"


@pytest.mark.parametrize("is_bad", [False, True])
def test_when_a_load_has_ended_the_rendered_records_say_how_many_there_were(
    cdf: LocalCdf, is_bad: bool
) -> None:
    with DAG("d", schedule=None):
        task = operator(records=Returns(task_id="extract").output)
    rows = [a_record(str(number)) for number in range(1500)] + [BAD] * is_bad
    with suppress(AirflowFailException):
        task.execute(context_with(extract=rows))
    assert str(task.records) == f"output of extract: {len(rows):,} rows read"
    assert task.overwrite_rtif_after_execution  # then Airflow stores the rendered fields again
    task.render_template_fields(context_with(extract=rows))
    assert str(task.records) == "output of extract"  # another run in this process has not read anything yet


def test_importing_the_operator_loads_nothing_heavy_and_touches_nothing() -> None:
    code = """
import sys, socket, builtins
try:
    from airflow.sdk import BaseOperator, DAG, BaseSensorOperator, XComArg
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.xcom_arg import XComArg
    from airflow.sensors.base import BaseSensorOperator
with DAG("other", schedule=None):
    BaseOperator(task_id="a")
before = set(sys.modules)
def refuse(*args, **kwargs): raise AssertionError("the network was touched")
socket.socket.connect = refuse
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsIngestOperator,
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
with DAG("d", schedule=None):
    CdfRecordsUpsertOperator(task_id="a", stream_id="s", path="/nowhere.ndjson", cdf_conn_id="missing")
    CdfRecordsFromSqlOperator(task_id="d", stream_id="s", sql="SELECT 1", conn_id="missing", mapping="m")
    CdfRecordsIngestOperator(task_id="e", stream_id="s", records=[])
    CdfRecordsDeleteOperator(task_id="f", stream_id="s", filter={})
    CdfStreamCreateOperator(task_id="g", stream_id="s", template="t")
    CdfStreamSensor(task_id="b", stream_id="s")
    CdfRecordsSensor(task_id="c", stream_id="s")
new = set(sys.modules) - before
slow = {"requests", "msgspec", "tenacity", "fsspec", "upath", "urllib3", "sqlalchemy", "sqlparse"}
heavy = {name.partition(".")[0] for name in new} & slow
print("heavy:", *sorted(heavy))
print("ours:", *sorted(name for name in new if name.startswith("airflow_provider_cdf_records.")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    heavy, ours = done.stdout.splitlines()[-2:]
    assert heavy == "heavy:"
    assert ours.split()[1:] == [
        "airflow_provider_cdf_records.links",
        "airflow_provider_cdf_records.links.cdf_records",
        "airflow_provider_cdf_records.operators",
        "airflow_provider_cdf_records.operators.base",
        "airflow_provider_cdf_records.operators.cdf_records",
        "airflow_provider_cdf_records.operators.cdf_records_sql",
        "airflow_provider_cdf_records.operators.records_or_path",
        "airflow_provider_cdf_records.records",
        "airflow_provider_cdf_records.records.argument_checks",
        "airflow_provider_cdf_records.records.argument_kinds",
        "airflow_provider_cdf_records.records.chunk",
        "airflow_provider_cdf_records.records.errors",
        "airflow_provider_cdf_records.records.identifiers",
        "airflow_provider_cdf_records.records.late_imports",
        "airflow_provider_cdf_records.records.lazy_lists",
        "airflow_provider_cdf_records.records.number_style",
        "airflow_provider_cdf_records.records.partition",
        "airflow_provider_cdf_records.sensors",
        "airflow_provider_cdf_records.sensors.base",
        "airflow_provider_cdf_records.sensors.cdf_records",
        "airflow_provider_cdf_records.sensors.cdf_records_changed",
        "airflow_provider_cdf_records.sensors.loads",
        "airflow_provider_cdf_records.task_arguments",
        "airflow_provider_cdf_records.task_arguments.callers",
        "airflow_provider_cdf_records.task_arguments.mapped",
        "airflow_provider_cdf_records.task_arguments.mapping",
        "airflow_provider_cdf_records.task_arguments.operator",
        "airflow_provider_cdf_records.task_arguments.own_asset",
        "airflow_provider_cdf_records.task_arguments.references",
        "airflow_provider_cdf_records.task_arguments.rendering",
        "airflow_provider_cdf_records.task_arguments.rows",
        "airflow_provider_cdf_records.task_arguments.upstream",
        "airflow_provider_cdf_records.version_compat",
        "airflow_provider_cdf_records.version_compat.classes",
        "airflow_provider_cdf_records.version_compat.forms",
        "airflow_provider_cdf_records.version_compat.secrets",
        "airflow_provider_cdf_records.version_compat.storage",
        "airflow_provider_cdf_records.version_compat.tasks",
        "airflow_provider_cdf_records.version_compat.version",
        "airflow_provider_cdf_records.waiting",
        "airflow_provider_cdf_records.waiting.change_pages",
        "airflow_provider_cdf_records.waiting.changes",
        "airflow_provider_cdf_records.waiting.condition",
        "airflow_provider_cdf_records.waiting.listed",
        "airflow_provider_cdf_records.waiting.load_visible",
        "airflow_provider_cdf_records.waiting.records",
        "airflow_provider_cdf_records.waiting.stream_changed",
        "airflow_provider_cdf_records.waiting.streams",
    ]


def test_ingest_overwrites_nothing(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a", number=1)])
    rows = [a_record("a", number=2), a_record("b", number=2)]
    task = CdfRecordsIngestOperator(task_id="ingest", stream_id=STREAM, records=rows, max_rejected=1)
    summary = task.execute({})
    assert (summary["read"], summary["ingested"], summary["rejected"]) == (2, 1, 1)
    assert cdf.held() == {"a": {"number": 1}, "b": {"number": 2}}


def test_a_second_try_of_an_ingest_takes_what_the_first_has_stored_for_its_own(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a")])
    ti = FakeXCom()
    ti.try_number = 2  # type: ignore[attr-defined]
    task = CdfRecordsIngestOperator(
        task_id="ingest", stream_id=STREAM, records=[a_record("a"), a_record("b")]
    )
    assert task.execute({"ti": ti})["ingested"] == 2


class Store:
    """The state store of a task that nothing was kept in, and that may fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    def get(self, key: str) -> None:
        if self._failure is not None:
            raise self._failure

    set = delete = lambda *_: None


@pytest.mark.parametrize(("failure", "ingested"), [(None, 1), (OSError("no answer"), 2)])
def test_a_second_try_goes_by_its_number_only_where_the_state_store_fails(
    cdf: LocalCdf, failure: Exception | None, ingested: int
) -> None:
    cdf.upsert(STREAM, [a_record("a")])
    ti = FakeXCom()
    ti.try_number = 2  # type: ignore[attr-defined]
    rows = [a_record("a"), a_record("b")]
    task = CdfRecordsIngestOperator(task_id="ingest", stream_id=STREAM, records=rows, max_rejected=1)
    assert task.execute({"ti": ti, "task_state_store": Store(failure)})["ingested"] == ingested


def test_a_file_is_ingested_into_an_archive(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps(a_record("same", number=number)) + "\n" for number in range(3)))
    task = CdfRecordsIngestOperator(task_id="ingest", stream_id=IMMUTABLE_STREAM, path=str(path))
    assert task.execute({})["ingested"] == 3
    assert len(cdf.items(IMMUTABLE_STREAM)) == 3


def test_records_are_deleted(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a"), a_record("b")])
    task = CdfRecordsDeleteOperator(task_id="delete", stream_id=STREAM, records=[a_record("a")])
    assert task.execute({})["deleted"] == 1
    assert cdf.held().keys() == {"b"}


def test_what_matches_a_filter_is_deleted_page_by_page(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 70)
    cdf.upsert(STREAM, [a_record(f"r{number}", number=number) for number in range(500)])
    number = [SPACE, CONTAINER, "number"]
    task = CdfRecordsDeleteOperator(
        task_id="delete", stream_id=STREAM, filter={"range": {"property": number, "gte": "{{ 100 }}"}}
    )
    with DAG("d", schedule=None, render_template_as_native_obj=True) as dag:
        task.dag = dag
    task.render_template_fields({})
    assert task.filter == {"range": {"property": number, "gte": 100}}
    summary = task.execute({})
    assert (summary["read"], summary["deleted"]) == (400, 400)
    assert cdf.held().keys() == {f"r{number}" for number in range(100)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs exactly one of records, path and filter, got none"),
        ({"records": [], "filter": {}}, "got records and filter"),
        ({"path": "x", "filter": {}}, "got path and filter"),
    ],
)
def test_a_delete_needs_one_source(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CdfRecordsDeleteOperator(task_id="delete", stream_id=STREAM, **arguments)


def test_a_stream_is_created_once(cdf: LocalCdf) -> None:
    task = CdfStreamCreateOperator(task_id="create", stream_id="new", template="BasicLiveData")
    created = task.execute({})
    assert (created["externalId"], created["type"]) == ("new", "Mutable")
    assert task.execute({})["createdTime"] == created["createdTime"]


def test_a_stream_of_another_type_fails_for_good(cdf: LocalCdf) -> None:
    task = CdfStreamCreateOperator(task_id="create", stream_id=STREAM, template="BasicArchive")
    with pytest.raises(AirflowFailException, match="of type Mutable, made from 'BasicLiveData'"):
        task.execute({})


@pytest.mark.parametrize("arguments", [{"stream_id": "Not An Id"}, {"template": ""}, {"template": "Unknown"}])
def test_a_stream_that_cannot_be_made_fails_for_good(cdf: LocalCdf, arguments: dict[str, str]) -> None:
    given = {"stream_id": "new", "template": "BasicLiveData"} | arguments
    with pytest.raises((AirflowFailException, ValueError)):  # the latter when the DAG is parsed
        CdfStreamCreateOperator(task_id="create", **given).execute({})


@pytest.mark.parametrize("argument", ["stream_id", "path", "mapping", "rejected_path", "cdf_conn_id"])
@pytest.mark.parametrize("template", ["{{ none }}", "{{ '' }}"])
def test_a_template_that_gives_nothing_is_named(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, template: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "a.ndjson"
    source.write_text(json.dumps(a_record()) + "\n" + json.dumps(a_record("bad", number="none")) + "\n")
    with DAG("d", schedule=None):
        given = {"stream_id": STREAM, "path": str(source), "max_rejected": 1, argument: template}
        task = CdfRecordsUpsertOperator(task_id="load", **given)
    task.render_template_fields({})
    words = "conn" if argument == "cdf_conn_id" else f"(?s){argument} must be .*got '(None)?'"
    with pytest.raises(Exception, match=words):
        task.execute({})
    assert [path.name for path in tmp_path.iterdir()] == ["a.ndjson"]
    assert not cdf.held()


@pytest.mark.parametrize(
    ("arguments", "read", "rejected"),
    [
        ({"records": [a_record(), a_record("bad", number="none")]}, 2, 1),
        ({"records": [a_record()], "stream_id": "missing"}, 0, 0),
        ({"records": [a_record()], "cdf_conn_id": "missing"}, 0, 0),
        ({"records": [a_record()], "rejected_path": "{{ none }}"}, 0, 0),
        ({"path": "missing.ndjson"}, 0, 0),
        ({"path": "{{ none }}"}, 0, 0),
    ],
)
def test_a_failed_task_pushes_its_summary(
    cdf: LocalCdf, arguments: dict[str, Any], read: int, rejected: int
) -> None:
    task = CdfRecordsUpsertOperator(task_id="load", **{"stream_id": STREAM, **arguments})
    for name in ("path", "rejected_path"):
        if getattr(task, name) == "{{ none }}":
            setattr(task, name, "None" if name == "rejected_path" else None)  # the latter as a native object
    context = context_with()
    with pytest.raises(Exception, match=r"."):
        task.execute(context)
    summary = context["ti"].pushed["summary"]
    assert (summary["read"], summary["rejected"], summary["rejected_path"]) == (read, rejected, None)
    assert summary["identities"] == summary["upserted"]


def test_a_path_that_is_rendered_to_none_itself_is_named(cdf: LocalCdf) -> None:
    with DAG("d", schedule=None, render_template_as_native_obj=True) as dag:
        task = operator(path="{{ none }}")
    task.render_template_fields({}, dag.get_template_env())
    assert task.path is None
    with pytest.raises(AirflowFailException, match=r"path must be a path .* got None, which is what"):
        task.execute({})
