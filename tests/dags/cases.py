"""DAGs for the tests: every way in which records reach the operator."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.feed_cursor import EarlierRuns
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsIngestOperator,
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsChangedSensor, CdfRecordsSensor
from airflow_provider_cdf_records.sources import merge_summaries
from airflow_provider_cdf_records.version_compat import keeps_state_between_runs
from tests.dags.tasks import FOLDER, some_records, write_file
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

MANY = 20_000


@dag(schedule=None)
def braces() -> None:
    """Values that look like templates, and one that would fail if it were rendered."""

    @task
    def extract() -> list[dict[str, Any]]:
        return [a_record("{{ run_id }}", text="{{ 1 / 0 }} {% nonsense")]

    CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, records=extract())


@dag(schedule=None)
def mapped() -> None:
    """Mapped extraction, mapped loads, and both."""
    extracted = some_records.override(task_id="extract").expand(prefix=["a", "b", "c"])
    CdfRecordsUpsertOperator(task_id="load_all", stream_id=STREAM, records=extracted)
    CdfRecordsUpsertOperator.partial(task_id="load_each", stream_id=STREAM).expand(
        records=some_records.override(task_id="extract_each").partial(count=1).expand(prefix=["d", "e"])
    )
    CdfRecordsUpsertOperator.partial(task_id="load_files", stream_id=STREAM).expand(
        path=write_file.expand(name=["f", "g"])
    )
    same = some_records.override(task_id="extract_same")("h")
    CdfRecordsUpsertOperator.partial(task_id="load_same", records=same).expand(stream_id=[STREAM])


@dag(schedule=None, default_args={"retries": 3, "retry_delay": timedelta(seconds=1)})
def hopeless() -> None:
    """A record that no retry can mend, and a task that tells of it."""

    @task(trigger_rule="all_done")
    def notify(ti: Any = None) -> None:
        summary = ti.xcom_pull(task_ids="load", key="summary")
        (FOLDER / "notified.json").write_text(json.dumps(summary))

    records = [a_record("x", number="none"), a_record("y")]
    load = CdfRecordsUpsertOperator(
        task_id="load", stream_id=STREAM, records=records, rejected_path=str(FOLDER / "rejected.ndjson")
    )
    load >> notify()


@dag(schedule=None)
def shares() -> None:
    """Mapped tasks that reject records: into files of their own, and into one."""
    bad = [[a_record(f"bad-{n}", number="none")] for n in range(2)]

    def load(task_id: str, name: str) -> Any:
        common = {"stream_id": STREAM, "max_rejected": 1, "rejected_path": str(FOLDER / name)}
        return CdfRecordsUpsertOperator.partial(task_id=task_id, **common).expand(records=bad)

    @task
    def load_by_hook(records: list[Any]) -> None:
        CdfRecordsHook().upsert_records(STREAM, records, max_rejected=1, rejected_path=FOLDER / "by_hook")

    load("own_files", "own-{{ ti.map_index }}") >> [load("one_file", "one"), load_by_hook.expand(records=bad)]


@dag(schedule=None)
def many() -> None:
    """A large XCom."""
    records = some_records.override(task_id="extract")("m", MANY)
    CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, records=records)


@dag(schedule=None)
def frames() -> None:
    """A frame of pandas as an XCom, and those of mapped tasks."""
    mapping = {
        "space": SPACE,
        "external_id": "{tag}-{time}",
        "sources": [
            {"space": SPACE, "container": CONTAINER, "properties": {"time": "time", "value": "value"}}
        ],
    }

    @task
    def frame(tag: str) -> Any:
        import pandas as pd

        times = pd.to_datetime(["2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:06Z"], format="mixed")
        return pd.DataFrame({"tag": tag, "time": times, "value": [1.5, None]})

    same = {"stream_id": STREAM, "mapping": mapping}
    CdfRecordsUpsertOperator(task_id="load", records=frame.override(task_id="extract")("a"), **same)
    mapped = frame.override(task_id="extract_each").expand(tag=["b", "c"])
    CdfRecordsUpsertOperator(task_id="load_all", records=mapped, **same)


@dag(schedule=None)
def waits() -> None:
    """A sensor that gives its slot back while it waits."""
    load = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, records=[a_record("x")])
    wait = CdfRecordsSensor(
        task_id="wait",
        stream_id=STREAM,
        min_count="{{ ti.xcom_pull('load')['upserted'] }}",
        mode="reschedule",
        poke_interval=1,
        timeout=3600,
    )
    load >> wait


@dag(schedule=None)
def waits_for_loads() -> None:
    """Sensors that wait for what a load and a mapped load wrote."""
    rows = [a_record(str(number % 2)) for number in range(1500)]
    load = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, records=[*rows, a_record("x")])
    CdfRecordsSensor(task_id="wait", load=load.output)
    mapped = CdfRecordsUpsertOperator.partial(task_id="load_each", stream_id=STREAM).expand(
        records=[[a_record("y")], [a_record("z")]]
    )
    CdfRecordsSensor(task_id="wait_for_each", load=mapped.output)


@dag(schedule=None)
def adds_up() -> None:
    """Mapped loads, one of whose parts is skipped, added up and waited for as one."""
    rows = [[a_record("a"), a_record("a"), a_record("b")], [], [a_record("c", number="none")]]
    load = CdfRecordsUpsertOperator.partial(
        task_id="load",
        stream_id=STREAM,
        if_empty="skip",
        max_rejected=1,
        rejected_path=str(FOLDER / "rejected/{{ ti.map_index }}.ndjson"),
    ).expand(records=rows)

    @task(trigger_rule="none_failed", multiple_outputs=False)  # Airflow 3.0 takes no output that is None
    def total(summaries: Any) -> dict[str, Any]:
        merged = merge_summaries(summaries)
        (FOLDER / "merged.json").write_text(json.dumps(merged))
        return merged

    merged = total(load.output)
    CdfRecordsSensor(task_id="wait", load=merged) >> CdfRecordsUpsertOperator(
        task_id="again", stream_id=STREAM, path=str(FOLDER / "rejected"), max_rejected=1
    )


@dag(schedule=None)
def life() -> None:
    """Records that are live for a while, and then archived and deleted."""
    live = CdfStreamCreateOperator(task_id="create_live", stream_id="live", template="BasicLiveData")
    archive = CdfStreamCreateOperator(task_id="create_archive", stream_id="history", template="BasicArchive")
    records = some_records.override(task_id="extract")("l", 1500)
    load = CdfRecordsUpsertOperator(task_id="load", stream_id="live", records=records)
    closed = {"range": {"property": [SPACE, CONTAINER, "number"], "lt": 1490}}
    ingest = CdfRecordsIngestOperator(task_id="ingest", stream_id="history", records=records)
    delete = CdfRecordsDeleteOperator(task_id="delete", stream_id="live", filter=closed)
    [live, archive] >> load >> ingest >> delete


def mapped_by(mapping: Any, **arguments: Any) -> Any:
    rows = [{"1": "x", "n": 1}, {"1": "y", "n": "none"}]
    return CdfRecordsUpsertOperator(
        stream_id=STREAM, records=rows, max_rejected=1, mapping=mapping, **arguments
    )


@dag(schedule=None)
def empty() -> None:
    """Loads of nothing and of what is missing, which skip what is downstream."""

    @task
    def nothing() -> None:
        return None

    given = {"stream_id": STREAM, "if_empty": "skip"}
    loads = [
        CdfRecordsUpsertOperator(task_id="no_rows", records=[], **given),
        CdfRecordsUpsertOperator(task_id="no_list", records=nothing(), **given),
        CdfRecordsUpsertOperator(task_id="no_file", path=str(FOLDER / "missing.csv"), **given),
    ]
    loads >> some_records.override(task_id="after")("after")

    @task
    def by_hook() -> None:
        CdfRecordsHook().upsert_records(STREAM, [], if_empty="skip")

    by_hook()


@dag(schedule=None, render_template_as_native_obj=True)
def natives() -> None:
    """Native rendering, mappings beside this file, and a load that sends nothing."""
    source = {
        "space": SPACE,
        "container": CONTAINER,
        "properties": {"number": "n", "text": {"value": "1e5"}},
    }
    mapping = {"space": SPACE, "external_id": "{1}-{{ '007' }}", "sources": [source]}
    mapped_by(mapping, task_id="load", rejected_path=str(FOLDER / "{{ '007' }}"))
    mapped_by("mapping.json", task_id="beside")
    mapped_by("missing.json", task_id="nowhere")
    mapped_by(mapping, task_id="validate", validate_only=True, limit=1)


@dag(schedule=None)
def incremental() -> None:
    """A query that goes on from the run before, and one for which that makes no sense."""
    given: dict[str, Any] = {
        "stream_id": STREAM,
        "conn_id": "lite",
        "sql": "SELECT id, number FROM reading WHERE number >= :watermark",
        "mapping": {
            "space": SPACE,
            "external_id": "{id}",
            "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
        },
        "watermark": "number",
        "initial_watermark": 0,
    }
    CdfRecordsFromSqlOperator(task_id="load", spool=True, **given)
    CdfRecordsFromSqlOperator.partial(task_id="each", **given).expand(spool=[True])


if keeps_state_between_runs():
    incremental()
braces(), mapped(), shares(), hopeless(), many(), frames(), waits(), life(), empty(), natives()

waits_for_loads(), adds_up()


@dag(schedule=None)
def copies_changes() -> None:
    changed = CdfRecordsChangedSensor(
        task_id="changed",
        stream_id="alarms",
        sources=[
            {"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]}
        ],
        path=os.path.join(FOLDER, "{{ ts_nodash }}.ndjson"),
        deleted_path=os.path.join(FOLDER, "deleted-{{ ts_nodash }}.ndjson"),
        poke_interval=1,
        timeout=60,
        deferrable=os.environ.get("DEFERRABLE") == "yes",
    )
    copy = CdfRecordsUpsertOperator(task_id="copy", stream_id="copy", path=changed.output["path"])
    delete = CdfRecordsDeleteOperator(task_id="delete", stream_id="copy", path=changed.output["deleted_path"])
    copy >> delete


copies_changes()


@dag(schedule=None)
def numbers_its_runs() -> None:
    """A task that keeps a number from run to run, as is done where Airflow has no store for it."""

    @task
    def number(ti: Any = None) -> None:
        runs = EarlierRuns(ti)
        kept = runs.get("number")
        print(f"KEPT {kept!r}.")
        runs.set("number", 1 if kept is None else kept + 1)

    number()


numbers_its_runs()
