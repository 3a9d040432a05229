"""DAGs for the tests: arguments that only a run knows, and upstream tasks that returned nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

try:
    from airflow.sdk import dag, task, task_group
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task, task_group

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
from airflow_provider_cdf_records.version_compat import current_dag
from tests.dags.tasks import FOLDER, some_records, write_file
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record


@task
def gives(value: Any) -> Any:
    return value


def given(name: str, value: Any) -> Any:
    return gives.override(task_id=f"give_{name}")(value)


CSV_MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "n"}}],
}


@dag(schedule=None)
def references() -> None:
    """Each argument of each operator and sensor as the output of a task, most of them as texts."""

    @task
    def write_csv() -> str:
        path = FOLDER / "references.data"
        path.write_text("units\nid;n\nr-0;1\nr-1;2\nr-2;none\n")
        return str(path)

    stream_id, conn_id = given("stream_id", STREAM), given("conn_id", "cdf_default")
    shared = {
        "stream_id": stream_id,
        "cdf_conn_id": conn_id,
        "mapping": given("mapping", CSV_MAPPING),
        "max_concurrency": given("max_concurrency", "2"),
        "check_schema": given("check_schema", "True"),
        "validate_only": given("validate_only", "false"),
        "if_empty": given("if_empty", "fail"),
        "limit": given("limit", "3"),
    }
    load = CdfRecordsUpsertOperator(
        task_id="load",
        path=write_csv(),
        file_format=given("file_format", "csv"),
        file_options={"delimiter": given("delimiter", ";"), "skip_rows": "{{ '1' }}"},
        max_rejected=given("max_rejected", "0.5"),
        rejected_path=given("rejected_path", str(FOLDER / "references.rejected")),
        **shared,
    )
    sql = CdfRecordsFromSqlOperator(
        task_id="from_sql",
        sql=given("sql", "SELECT 's-' || ? AS id, 1 AS n"),
        conn_id=given("database", "lite"),
        parameters=given("parameters", ["1"]),
        hook_params=given("hook_params", "{}"),
        verb=given("verb", "upsert"),
        max_rejected=load.output["rejected"],
        **shared,
    )
    seen = CdfRecordsSensor(
        task_id="seen",
        stream_id=stream_id,
        cdf_conn_id=conn_id,
        filter=given("filter", json.dumps({"range": {"property": [SPACE, CONTAINER, "number"], "gte": 1}})),
        min_count=load.output["upserted"],
        last_updated_time=given("time", {"gte": "2026-01-01T00:00:00Z"}),
    )
    create = CdfStreamCreateOperator(
        task_id="create",
        stream_id=given("new_stream", "referred"),
        template=given("template", "BasicArchive"),
        cdf_conn_id=conn_id,
    )
    exists = CdfStreamSensor(
        task_id="exists", stream_id=create.output["externalId"], stream_type=create.output["type"]
    )
    two = {"equals": {"property": [SPACE, CONTAINER, "number"], "value": 2}}
    delete = CdfRecordsDeleteOperator(
        task_id="delete",
        stream_id=stream_id,
        filter=json.dumps(two).replace("2", "{{ 1 + 1 }}"),
    )
    CdfRecordsSensor(task_id="loaded", load=load.output, stream_id=stream_id)
    sql >> seen >> exists >> delete


@dag(schedule=None)
def kinds_of_references(stream_id: str = STREAM, limit: str = "1") -> None:
    """What else stands for a value: parameters, arguments of mapped groups, and what is made of XComs."""
    this = current_dag()
    CdfRecordsUpsertOperator(
        task_id="by_param",
        stream_id=stream_id,
        records=this.param("records", [a_record("param-0"), a_record("param-1")]),
        limit=limit,
    )

    @task_group
    def load_each(rows: Any, path: Any, most: Any) -> None:
        CdfRecordsUpsertOperator(task_id="rows", stream_id=STREAM, records=rows, max_rejected=most)
        CdfRecordsUpsertOperator(task_id="files", stream_id=STREAM, path=path, max_rejected=most)

        @task
        def again(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [row | {"externalId": "again-" + row["externalId"]} for row in rows]

        CdfRecordsUpsertOperator(task_id="inside", stream_id=STREAM, records=again(rows))

    load_each.partial(most="0").expand(
        rows=some_records.override(task_id="rows_of_groups").partial(count=1).expand(prefix=["g0", "g1"]),
        path=write_file.override(task_id="files_of_groups").expand(name=["gf"]),
    )

    def renamed(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"externalId": "renamed-" + row["externalId"]}

    one, two = (some_records.override(task_id=f"extract_{name}")(name) for name in ("one", "two"))
    CdfRecordsUpsertOperator(task_id="changed", stream_id=STREAM, records=one.map(renamed))
    CdfRecordsUpsertOperator(task_id="both", stream_id=STREAM, records=one.concat(two))
    many = some_records.override(task_id="extract_many").expand(prefix=["m0", "m1"])
    CdfRecordsUpsertOperator(task_id="mapped_and_not", stream_id=STREAM, records=[many, two])
    CdfRecordsUpsertOperator.partial(task_id="by_kwargs", stream_id=STREAM).expand_kwargs(
        given("kwargs", [{"records": [a_record("kw-0")], "limit": "1"}, {"records": [a_record("kw-1")]}])
    )
    of_each = CdfRecordsUpsertOperator.partial(task_id="of_each", stream_id=STREAM, max_rejected="0").expand(
        records=[[a_record("literal-0")], [a_record("literal-1")]]
    )

    @task
    def total(upserted: Any) -> None:
        (FOLDER / "total.json").write_text(json.dumps(sum(upserted)))

    total(of_each.output["upserted"])


@dag(schedule=None, default_args={"retries": 3, "retry_delay": timedelta(seconds=1)})
def wrong_references() -> None:
    """What makes no sense, known in the run alone; none of it is tried again."""
    records = [a_record("never")]

    def load(task_id: str, **arguments: Any) -> Any:
        return CdfRecordsUpsertOperator(
            task_id=task_id, **({"stream_id": STREAM, "records": records} | arguments)
        )

    wrong = given("wrong", "many")
    load("number", max_rejected=wrong)
    load("flag", validate_only=wrong)
    load("choice", if_empty=wrong)
    load("template", limit="{{ 'ten' }}")
    loaded = load("loaded", validate_only=True)
    load("no_key", limit=loaded.output["nonsense"])
    load("no_rows", records=wrong)
    load("options", records=None, path="a.csv", file_options=wrong)
    CdfRecordsUpsertOperator.partial(task_id="of_each", stream_id=STREAM, records=records).expand(
        limit=given("limits", ["many"])
    )
    CdfRecordsSensor(task_id="sensor", stream_id=STREAM, min_count=wrong)


@dag(schedule=None)
def branches() -> None:
    """Upstream tasks of which some were skipped, or were mapped over nothing, or returned nothing."""

    @task.branch
    def choose() -> list[str]:
        return ["taken"]

    @task
    def nothing() -> None:
        return None

    taken = some_records.override(task_id="taken")("taken")
    left = some_records.override(task_id="left")("left")
    choose() >> [taken, left]

    def load(task_id: str, records: Any, rule: str = "none_failed", **more: Any) -> Any:
        return CdfRecordsUpsertOperator(
            task_id=task_id, stream_id=STREAM, records=records, trigger_rule=rule, **more
        )

    load("one_of_two", [taken, left], "none_failed_min_one_success")
    file = write_file("left_file")
    choose_file = task.short_circuit(ignore_downstream_trigger_rules=False)(lambda: False)
    choose_file.override(task_id="no_file")() >> file
    load("no_path", None, path=file)
    load("no_path_skips", None, path=file, if_empty="skip")
    load("no_path_fails", None, path=file, if_empty="fail")
    load("returned_no_path", None, path=given("no_path_at_all", None), retries=3)
    load("joined", taken.concat(left))
    load("none", left)
    load("none_of_map", left.map(lambda row: row))
    skips = load("none_skips", [left], if_empty="skip")
    load("none_fails", left, if_empty="fail")
    load("returned_none", [taken, nothing()], retries=3)
    over_nothing = some_records.override(task_id="over_nothing").expand(prefix=given("no_prefixes", []))
    load("mapped_over_nothing", over_nothing)
    load("mapped_and_taken", [over_nothing, taken])
    load("of_a_skipped_load", taken, max_rejected=skips.output["rejected"])
    left_out = load("left_out", left, "all_success")
    load("of_a_load_left_out", taken, limit=left_out.output["upserted"])


references(), kinds_of_references(), wrong_references(), branches()
