"""Lineage in a real Airflow: assets and their events, and what OpenLineage's provider writes to a file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT, Airflow, airflow_on
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.sample_records import STREAM

Event = dict[str, Any]

pytestmark = pytest.mark.xdist_group("lineage in Airflow")  # one run for all


@dataclass
class Run:
    """A run of all of the tasks."""

    airflow: Airflow
    cdf: LocalCdf
    folder: Path
    events: list[Event]

    def last(self, task_id: str) -> Event:
        """Return the last event of a task, which says how it ended."""
        *_, last = (event for event in self.events if event["job"]["name"].endswith(f".{task_id}"))
        return last

    @property
    def namespace(self) -> str:
        return f"cdf://{self.cdf.server.url.partition('://')[2]}"


@pytest.fixture(scope="module")
def run(airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("lineage")
    (folder / "rows.csv").write_text("id,number\nx,1\ny,2\n")
    (folder / "broken.csv").write_text("id,number\nx,1\ny,none\n")
    with sqlite3.connect(folder / "db.sqlite") as database:
        database.execute("CREATE TABLE reading AS SELECT 'q' AS id, 7 AS number")
    database.close()
    written = folder / "events.ndjson"
    with pytest.MonkeyPatch.context() as monkeypatch, local_cdf(monkeypatch) as cdf:
        airflow = airflow_on(ROOT / "tests" / "lineage", airflow_home, folder)
        transport = {"type": "file", "log_file_path": str(written), "append": True}
        airflow.settings |= {
            "AIRFLOW_CONN_DB": json.dumps({"conn_type": "sqlite", "host": str(folder / "db.sqlite")}),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        }
        airflow.learn_assets()
        for dag_id in ("lineage", "lineage_of_hook"):
            airflow.run("dags", "test", dag_id)
        events = [json.loads(line) for line in written.read_text().splitlines()]
        yield Run(airflow, cdf, folder, events)


def datasets(of: list[Event]) -> list[tuple[str, str]]:
    return [(one["namespace"], one["name"]) for one in of]


def statistics(event: Event) -> tuple[int, int]:
    (output,) = event["outputs"]
    found = output["outputFacets"]["outputStatistics"]
    return found["rowCount"], found["size"]


def test_a_load_of_a_file_has_the_file_as_input_and_the_stream_as_output(run: Run) -> None:
    event = run.last("of_file")
    assert event["eventType"] == "COMPLETE"
    assert datasets(event["inputs"]) == [("file", str(run.folder / "rows.csv"))]
    assert datasets(event["outputs"]) == [(run.namespace, f"{run.cdf.client.project}/{STREAM}")]
    rows, size = statistics(event)
    assert rows == 2
    assert size > 100
    assert "errorMessage" not in event["run"]["facets"]


def test_the_schema_is_that_of_the_container_which_the_mapping_names(run: Run) -> None:
    (output,) = run.last("of_file")["outputs"]
    fields = {one["name"]: one["type"] for one in output["facets"]["schema"]["fields"]}
    assert fields == {
        "space": "text",
        "externalId": "text",
        "value": "float64",
        "text": "text",
        "time": "timestamp",
        "number": "int64",
    }
    (output,) = run.last("rejects")["outputs"]  # without a mapping
    assert "schema" not in output["facets"]


def test_rejected_rows_are_an_error_of_a_run_that_completes(run: Run) -> None:
    event = run.last("rejects")
    assert event["eventType"] == "COMPLETE"
    assert event["inputs"] == []  # the rows came from the DAG itself
    assert statistics(event)[0] == 2
    error = event["run"]["facets"]["errorMessage"]
    assert error["message"] == f"Rejected 1 of 3 records, see {run.folder}/rejected.ndjson."


def test_a_load_that_fails_tells_what_it_wrote_before(run: Run) -> None:
    event = run.last("fails")
    assert event["eventType"] == "FAIL"
    assert datasets(event["outputs"]) == [(run.namespace, f"{run.cdf.client.project}/{STREAM}")]
    assert statistics(event)[0] == 1
    assert "1 of 2 records read was rejected" in event["run"]["facets"]["errorMessage"]["message"]


def test_a_file_that_fails_a_load_is_an_input(run: Run) -> None:
    event = run.last("of_broken_file")
    assert event["eventType"] == "FAIL"
    assert datasets(event["inputs"]) == [("file", str(run.folder / "broken.csv"))]
    assert statistics(event)[0] == 0


def test_a_load_that_did_not_begin_read_nothing(run: Run) -> None:
    event = run.last("has_no_stream")
    assert event["eventType"] == "FAIL"
    assert event["inputs"] == []
    assert statistics(event) == (0, 0)


def test_a_query_is_told_as_it_is_where_its_tables_have_no_names(run: Run) -> None:
    event = run.last("of_query")
    assert event["eventType"] == "COMPLETE"
    assert event["job"]["facets"]["sql"]["query"] == "SELECT id, number FROM reading"
    assert event["inputs"] == []  # OpenLineage has no names for tables of SQLite
    assert datasets(event["outputs"]) == [(run.namespace, f"{run.cdf.client.project}/{IMMUTABLE_STREAM}")]
    assert statistics(event)[0] == 1


def test_validating_has_no_output(run: Run) -> None:
    event = run.last("only_validates")
    assert datasets(event["inputs"]) == [("file", str(run.folder / "rows.csv"))]
    assert event["outputs"] == []


def test_a_delete_by_filter_reads_the_stream_and_writes_no_rows(run: Run) -> None:
    event = run.last("deletes")
    stream = [(run.namespace, f"{run.cdf.client.project}/{STREAM}")]
    assert (datasets(event["inputs"]), datasets(event["outputs"])) == (stream, stream)
    assert event["outputs"][0]["outputFacets"] == {}


def test_a_hook_in_a_python_task_tells_the_same_datasets(run: Run) -> None:
    event = run.last("by_hook")
    assert datasets(event["inputs"]) == [("file", str(run.folder / "rows.csv"))]
    assert datasets(event["outputs"]) == [(run.namespace, f"{run.cdf.client.project}/{STREAM}")]


def test_no_event_has_a_secret(run: Run) -> None:
    secret = json.loads(run.cdf.server.connection_json())["password"]
    assert secret not in json.dumps(run.events)


def test_the_events_of_outlets_hold_the_summary(run: Run) -> None:
    tables = ("asset_event", "asset", "asset_id") if AIRFLOW_3 else ("dataset_event", "dataset", "dataset_id")
    with sqlite3.connect(run.airflow.home / "airflow.db") as database:
        found = database.execute(
            "SELECT e.source_task_id, a.uri, e.extra FROM {} e JOIN {} a ON a.id = e.{} "
            "WHERE e.source_dag_id = 'lineage'".format(*tables)
        ).fetchall()
    database.close()
    events = {task_id: (uri, json.loads(extra)) for task_id, uri, extra in found}
    assert events.keys() == {"rejects", "of_file"}  # by an asset and by an alias; failed tasks have no events
    assert {uri for uri, _ in events.values()} == {f"{run.namespace}/{run.cdf.client.project}/{STREAM}"}
    summaries = {task_id: extra for task_id, (_, extra) in events.items()}
    assert [summaries["rejects"][key] for key in ("read", "upserted", "rejected")] == [3, 2, 1]
    assert [summaries["of_file"][key] for key in ("read", "upserted", "rejected")] == [2, 2, 0]
