"""``partition`` of every operator: literals, templates, references, mapped tasks, and rejected records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.decorators import cdf_records_upsert
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsUpsertOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.current_task import current_task
from tests.local_cdf import LocalCdf
from tests.operators.test_cdf_records import Returns, context_with
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

ROWS = [a_record(str(number)) for number in range(20)]
IDS = {str(number) for number in range(20)}
NO_PARTS = ["0/8", "9/8", "2/0", "a"]
MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"value": "value"}}],
}


def rows_file(folder: Path, rows: list[dict[str, Any]] = ROWS) -> str:
    path = folder / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("text", NO_PARTS)
def test_what_is_no_part_is_refused_when_the_dag_is_parsed(text: str) -> None:
    kinds: list[tuple[Any, dict[str, Any]]] = [
        (CdfRecordsUpsertOperator, {"path": "a.ndjson"}),
        (CdfRecordsDeleteOperator, {"filter": {}}),
        (CdfRecordsFromSqlOperator, {"sql": "SELECT 1", "conn_id": "x", "mapping": MAPPING}),
    ]
    for kind, given in kinds:
        with pytest.raises(InvalidArgumentError, match="partition must be"):
            kind(task_id="t", stream_id=STREAM, partition=text, **given)
        with DAG("d", schedule=None):
            partial = kind.partial(task_id="t", stream_id=STREAM, **given)
            with pytest.raises(InvalidArgumentError, match="partition must be"):
                partial.expand(partition=["1/8", text])
            with pytest.raises(InvalidArgumentError, match="partition must be"):
                partial.expand_kwargs([{"partition": "1/8"}, {"partition": text}])
            partial.expand(partition=["1/8", "{{ x }}"])
    with DAG("d", schedule=None), pytest.raises(InvalidArgumentError, match="partition must be"):
        cdf_records_upsert(stream_id=STREAM, partition=text)(lambda: ROWS)()


@pytest.mark.parametrize("text", [*NO_PARTS, "", "None"])
def test_what_is_no_part_is_refused_in_a_run(cdf: LocalCdf, text: str) -> None:
    with DAG("d", schedule=None):
        task = CdfRecordsUpsertOperator(
            task_id="t", stream_id=STREAM, records=ROWS, partition="{{ params.part }}"
        )
        upstream = Returns(task_id="upstream")
        by_xcom = CdfRecordsUpsertOperator(
            task_id="x", stream_id=STREAM, records=ROWS, partition=upstream.output
        )
    task.render_template_fields({"params": {"part": text}})
    with pytest.raises(AirflowFailException, match="partition must be"):
        task.execute({})
    context = context_with(upstream=text)
    by_xcom.render_template_fields(context)
    with pytest.raises(AirflowFailException, match="partition must be"):
        by_xcom.execute(context)
    assert not cdf.held()


@pytest.mark.parametrize("native", [False, True])
def test_templates_and_parameters_of_the_dag_say_the_part(cdf: LocalCdf, native: bool) -> None:
    read = 0
    for number in (1, 2):
        with DAG(
            "d",
            schedule=None,
            params={"part": f"{number}/2", "number": number},
            render_template_as_native_obj=native,
        ) as dag:
            given: dict[str, Any] = {"stream_id": STREAM, "records": ROWS}
            tasks = [
                CdfRecordsUpsertOperator(task_id="a", partition="{{ params.number }}/2", **given),
                CdfRecordsUpsertOperator(task_id="b", partition=dag.param("part"), **given),
            ]
        of_each = []
        for task in tasks:
            context = context_with() | {"params": dag.params.dump(), "dag": dag}
            task.render_template_fields(context, dag.get_template_env())
            of_each.append(task.execute(context)["read"])
        assert of_each[0] == of_each[1]
        read += of_each[0]
    assert read == len(ROWS)
    assert cdf.held().keys() == IDS


def test_a_query_in_parts(cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE reading (id, value)")
        database.executemany("INSERT INTO reading VALUES (?, ?)", [(str(n % 20), n) for n in range(60)])
    summaries = [
        CdfRecordsFromSqlOperator(
            task_id="t",
            stream_id=STREAM,
            sql="SELECT * FROM reading ORDER BY value",
            conn_id="lite",
            mapping=MAPPING,
            partition=f"{number}/3",
        ).execute({})
        for number in (3, 1, 2)
    ]
    assert sum(summary["read"] for summary in summaries) == 60
    assert all(0 < summary["read"] < 60 for summary in summaries)
    assert cdf.held() == {str(n % 20): {"value": n} for n in range(40, 60)}


def test_a_function_in_parts(cdf: LocalCdf) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from ROWS

    read = []
    for number in (1, 2):
        with DAG("d", schedule=None):
            task = cdf_records_upsert(stream_id=STREAM, partition=f"{number}/2")(rows)().operator
        read.append(task.execute(context_with())["read"])
    assert sum(read) == len(ROWS)
    assert all(read)
    assert cdf.held().keys() == IDS


def test_the_records_that_a_filter_finds_are_deleted_in_parts(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record(str(number), value=number) for number in range(20)])
    above = {"range": {"property": [SPACE, CONTAINER, "value"], "gte": 5}}
    first = CdfRecordsDeleteOperator(task_id="t", stream_id=STREAM, filter=above, partition="1/2").execute({})
    left = cdf.held().keys()
    assert 0 < first["deleted"] < 15
    assert len(left) == 20 - first["deleted"]
    other = CdfRecordsDeleteOperator(task_id="t", stream_id=STREAM, filter=above, partition="2/2").execute({})
    assert first["read"] + other["read"] == first["deleted"] + other["deleted"] == 15
    assert cdf.held().keys() == {str(number) for number in range(5)}


def test_parts_may_be_validated_only(cdf: LocalCdf, tmp_path: Path) -> None:
    path = rows_file(tmp_path, [*ROWS, a_record("bad", number="none")])
    summaries = [
        CdfRecordsUpsertOperator(
            task_id="t",
            stream_id=STREAM,
            path=path,
            partition=f"{number}/3",
            validate_only=True,
            max_rejected=1,
        ).execute({})
        for number in (1, 2, 3)
    ]
    sums = {name: sum(one[name] for one in summaries) for name in ("read", "valid", "rejected", "upserted")}
    assert sums == {"read": 21, "valid": 20, "rejected": 1, "upserted": 0}
    assert not cdf.held()


def load(task_id: str, partition: Any, rejected_path: Any, **given: Any) -> CdfRecordsUpsertOperator:
    return CdfRecordsUpsertOperator(
        task_id=task_id,
        stream_id=STREAM,
        path="a.ndjson",
        partition=partition,
        rejected_path=rejected_path,
        **given,
    )


@pytest.mark.parametrize("second", ["rejected.ndjson", Path("rejected.ndjson")])
def test_parts_with_one_path_of_rejected_records_are_refused_when_the_dag_is_parsed(second: Any) -> None:
    with DAG("d", schedule=None):
        load("first", "1/2", "rejected.ndjson")
        with pytest.raises(
            InvalidArgumentError, match=r"rejected_path 'rejected.ndjson' is that of task 'first'"
        ):
            load("second", "2/2", second)


def test_a_refused_path_of_rejected_records_shows_no_secret() -> None:
    with DAG("d", schedule=None):
        load("first", "1/2", "s3://key:s3cret@bucket/rejected.ndjson")
        with pytest.raises(InvalidArgumentError, match="rejected_path 's3://") as failure:
            load("second", "2/2", "s3://key:s3cret@bucket/rejected.ndjson")
    assert "s3cret" not in str(failure.value)


def test_parts_with_paths_of_their_own_and_loads_of_all_rows_are_not_refused() -> None:
    with DAG("d", schedule=None):
        load("first", "1/2", "rejected-1.ndjson")
        load("second", "2/2", "rejected-2.ndjson")
        load("third", "1/2", "{{ task.task_id }}.ndjson")
        load("fourth", "2/2", "{{ task.task_id }}.ndjson")
        load("fifth", None, "rejected-1.ndjson")
        load("sixth", "1/2", None)
        load("seventh", "2/2", None)
    with DAG("another", schedule=None):
        load("first", "1/2", "rejected-1.ndjson")
    load("of_no_dag", "1/2", "rejected-1.ndjson")


def test_the_parts_of_a_mapped_task_do_not_share_a_path_of_rejected_records(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path = rows_file(tmp_path, [a_record(str(number), number="none") for number in range(20)])

    def run(index: int, rejected: Path) -> Any:
        task = CdfRecordsUpsertOperator(
            task_id="load",
            stream_id=STREAM,
            path=path,
            partition=f"{index + 1}/2",
            rejected_path=str(rejected),
            max_rejected=1.0,
        )
        with current_task(map_index=index):
            return task.execute({})

    shared = tmp_path / "shared.ndjson"
    first = run(0, shared)
    kept = shared.read_bytes()
    with pytest.raises(AirflowFailException, match=r"rejected records of task plant/load\[0\].*map_index"):
        run(1, shared)
    assert shared.read_bytes() == kept
    other = run(1, tmp_path / "own.ndjson")
    assert first["rejected"] + other["rejected"] == 20
    assert len((tmp_path / "own.ndjson").read_bytes().splitlines()) == other["rejected"]
