"""A DAG whose tasks end in every way that lineage tells of; none knows anything of the others."""

from __future__ import annotations

try:
    from airflow.sdk import AssetAlias, dag, task
except ImportError:  # Airflow 2
    from airflow.datasets import DatasetAlias as AssetAlias
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.assets import cdf_asset
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsUpsertOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from tests.dags.tasks import FOLDER
from tests.local_cdf import IMMUTABLE_STREAM
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

BAD = a_record("bad", number="none")
MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
}
QUERY = "SELECT id, number FROM reading"


@dag(schedule=None)
def lineage() -> None:
    """Loads from each kind of source."""

    alarms = cdf_asset(STREAM)
    to_stream = {"stream_id": STREAM, "mapping": MAPPING}
    CdfRecordsUpsertOperator(
        task_id="rejects",
        stream_id=STREAM,
        records=[a_record("a"), a_record("b"), BAD],
        max_rejected=1,
        rejected_path=str(FOLDER / "rejected.ndjson"),
        outlets=[alarms],
    )
    CdfRecordsUpsertOperator(
        task_id="fails",
        stream_id=STREAM,
        records=[a_record("a"), BAD],
        check_schema=False,  # which would refuse the bad record before anything is sent
        outlets=[alarms],
    )
    CdfRecordsUpsertOperator(
        task_id="of_file", path=FOLDER / "rows.csv", outlets=[AssetAlias("any_stream")], **to_stream
    )
    CdfRecordsUpsertOperator(
        task_id="only_validates", path=FOLDER / "rows.csv", validate_only=True, **to_stream
    )
    CdfRecordsUpsertOperator(
        task_id="of_broken_file", path=FOLDER / "broken.csv", outlets=[AssetAlias("any_stream")], **to_stream
    )
    CdfRecordsUpsertOperator(
        task_id="has_no_stream", stream_id="nowhere", path=FOLDER / "rows.csv", mapping=MAPPING
    )
    CdfRecordsFromSqlOperator(
        task_id="of_query",
        stream_id=IMMUTABLE_STREAM,
        conn_id="db",
        sql=QUERY,
        mapping=MAPPING,
        verb="ingest",
    )
    CdfRecordsDeleteOperator(
        task_id="deletes",
        stream_id=STREAM,
        filter={"equals": {"property": ["space"], "value": SPACE}},
    )


@dag(schedule=None)
def lineage_of_hook() -> None:
    """A task of Python; alone, since `dags test` runs all tasks in one process, with one collector."""

    @task
    def by_hook() -> None:
        CdfRecordsHook().upsert_file(STREAM, FOLDER / "rows.csv", mapping=MAPPING)

    by_hook()


lineage()
lineage_of_hook()
