"""The summary in the events of outlets; what Airflow keeps of it: ``tests/dags/test_lineage.py``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from airflow_provider_cdf_records.assets.of_airflow import asset_of
from airflow_provider_cdf_records.hooks.lineage import LoadLineage
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.operators.events import add_to_events
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record

URI = f"cdf://westeurope-1/plant/{STREAM}"
SUMMARY = {"stream_id": STREAM, "read": 1, "rejected_path": None}


@pytest.fixture
def events() -> Any:
    """The accessors that Airflow puts into a task's context."""
    module = "airflow.sdk.execution_time.context" if AIRFLOW_3 else "airflow.utils.context"
    return import_module(module).OutletEventAccessors()


def alias() -> Any:
    if AIRFLOW_3:
        return import_module("airflow.sdk").AssetAlias("any")
    return import_module("airflow.datasets").DatasetAlias("any")


def told_of_alias(events: Any, outlet: Any) -> list[tuple[str, Any]]:
    found = events[outlet]
    if AIRFLOW_3:
        return [(one.dest_asset_key.uri, one.extra) for one in found.asset_alias_events]
    return [(one["dest_dataset_uri"], one["extra"]) for one in found.dataset_alias_events]


def load(**numbers: Any) -> LoadLineage:
    summary = UPSERT.summary(UPSERT, STREAM, **numbers)
    return LoadLineage("https://westeurope-1.cognitedata.com", "plant", summary, has_read=True)


def test_what_a_task_has_put_into_an_event_stays(events: Any) -> None:
    asset = asset_of(URI)
    events[asset].extra = {"mine": 1, "read": 0}
    add_to_events({"outlet_events": events}, [asset], SUMMARY, load())
    assert events[asset].extra == {"mine": 1, **SUMMARY}


def test_probes_are_left_out(events: Any) -> None:
    asset = asset_of(URI)
    add_to_events({"outlet_events": events}, [asset], SUMMARY | {"probes": [1]}, load())
    assert events[asset].extra == SUMMARY


def test_the_path_of_rejected_records_has_no_secret(events: Any) -> None:
    asset = asset_of(URI)
    add_to_events(
        {"outlet_events": events}, [asset], SUMMARY | {"rejected_path": "s3://key:secret@b/r.ndjson"}, load()
    )
    assert events[asset].extra["rejected_path"] == "s3://***@b/r.ndjson"


def test_an_alias_stands_for_the_stream_unless_nothing_is_sent_to_it(events: Any) -> None:
    outlet = alias()
    add_to_events({"outlet_events": events}, [outlet], SUMMARY, load(valid=1))
    assert told_of_alias(events, outlet) == []
    add_to_events({"outlet_events": events}, [outlet], SUMMARY, load())
    assert told_of_alias(events, outlet) == [(URI, SUMMARY)]


def test_outlets_of_other_kinds_and_contexts_without_events_are_no_error(events: Any) -> None:
    add_to_events({"outlet_events": events}, ["a table", None], SUMMARY, load())
    add_to_events({}, [asset_of(URI)], SUMMARY, load())
    assert len(events) == 0


def test_events_that_cannot_be_changed_fail_no_load(cdf: LocalCdf) -> None:
    class Broken:
        def __getitem__(self, _: Any) -> Any:
            raise RuntimeError("no events here")

    task = CdfRecordsUpsertOperator(
        task_id="t", stream_id=STREAM, records=[a_record()], outlets=[asset_of(URI)]
    )
    assert task.execute({"outlet_events": Broken()})["upserted"] == 1
