"""What OpenLineage is told of loads; in a real Airflow: ``tests/dags/test_lineage.py``."""

from __future__ import annotations

from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.lineage import LoadLineage, QueryRead
from airflow_provider_cdf_records.lineage.openlineage import operator_lineage
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator

STREAM = "cdf://westeurope-1/plant/alarms"


def load(summary: Any = None, **known: Any) -> LoadLineage:
    summary = summary or UPSERT.summary(UPSERT, "alarms")
    return LoadLineage("https://westeurope-1.cognitedata.com", "plant", summary, has_read=True, **known)


def named(datasets: list[Any]) -> list[tuple[str, str]]:
    return [(one.namespace, one.name) for one in datasets]


def test_files_are_named_as_the_specification_says() -> None:
    files = (
        "file:///data/a%23b.csv",
        "s3://bucket/dir/a.csv",
        "abfss://box@account.dfs.core.windows.net/a.csv",
    )
    assert named(operator_lineage(load(files=files)).inputs) == [
        ("file", "/data/a#b.csv"),
        ("s3://bucket", "dir/a.csv"),
        ("abfss://box@account.dfs.core.windows.net", "a.csv"),
    ]


def test_properties_of_several_containers_have_the_containers_names_and_lists_their_mark() -> None:
    text, numbers = (
        {"type": {"type": "text"}},
        {"type": {"type": "int32", "list": True}, "description": "all"},
    )
    containers = {"plant/Alarm": {"name": text}, "plant/Pump": {"name": text, "speeds": numbers}}
    (output,) = operator_lineage(load(containers=containers)).outputs
    assert [(one.name, one.type, one.description) for one in output.facets["schema"].fields] == [
        ("space", "text", None),
        ("externalId", "text", None),
        ("plant/Alarm.name", "text", None),
        ("plant/Pump.name", "text", None),
        ("plant/Pump.speeds", "int32[]", "all"),
    ]


@pytest.mark.parametrize("verb", [UPSERT, INGEST])
def test_statistics_are_of_what_cdf_accepted(verb: Any) -> None:
    summary = verb.summary(verb, "alarms", read=9, accepted=7, rejected=2, bytes_sent=1234)
    told = operator_lineage(load(summary))
    statistics = told.outputs[0].outputFacets["outputStatistics"]
    assert (statistics.rowCount, statistics.size) == (7, 1234)
    assert told.run_facets["errorMessage"].message == "Rejected 2 of 9 records."


def test_a_delete_writes_no_rows() -> None:
    summary = DELETE.summary(DELETE, "alarms", read=9, accepted=9)
    assert operator_lineage(load(summary)).outputs[0].outputFacets == {}


def test_the_path_of_rejected_records_has_no_secret() -> None:
    summary = UPSERT.summary(UPSERT, "alarms", read=1, rejected=1, rejected_path="s3://key:secret@b/r.ndjson")
    assert "secret" not in operator_lineage(load(summary)).run_facets["errorMessage"].message


def test_the_tables_of_a_query_are_inputs_where_the_hook_names_its_database() -> None:
    from airflow.providers.openlineage.sqlparser import DatabaseInfo, get_openlineage_facets_with_sql

    if "use_connection" not in signature(get_openlineage_facets_with_sql).parameters:
        pytest.skip("This provider, such as 2.7, names tables only when it asks the database for them")
    hook = SimpleNamespace(
        get_connection=lambda _: None,
        get_openlineage_database_info=lambda _: DatabaseInfo(
            scheme="postgres", authority="db.example.com:5432", database="plant"
        ),
        get_openlineage_database_dialect=lambda _: "postgres",
        get_openlineage_default_schema=lambda: "public",
        get_openlineage_database_specific_lineage=lambda _: None,
    )
    sql = "SELECT r.id, t.name FROM reading r JOIN history.tag t ON t.id = r.tag"
    told = operator_lineage(load(query=QueryRead(sql, "pg", hook)))
    assert sorted(named(told.inputs)) == [
        ("postgres://db.example.com:5432", "plant.history.tag"),
        ("postgres://db.example.com:5432", "plant.public.reading"),
    ]
    assert told.job_facets["sql"].query.split() == sql.split()
    assert named(told.outputs) == [("cdf://westeurope-1", "plant/alarms")]


def test_a_hook_that_cannot_name_its_database_leaves_the_query() -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("the database is away")

    hook = SimpleNamespace(get_connection=fails)
    told = operator_lineage(load(query=QueryRead("SELECT 1", "pg", hook)))
    assert (told.inputs, told.job_facets["sql"].query) == ([], "SELECT 1")


def test_a_task_that_did_not_come_to_load_has_nothing_to_tell() -> None:
    task = CdfRecordsUpsertOperator(task_id="t", stream_id="alarms", path="a.csv")
    assert task.get_openlineage_facets_on_complete(None) is None
    assert task.get_openlineage_facets_on_failure(None) is None
    assert "hook" not in vars(task)
