"""Where the links of a task lead; in a running Airflow: ``tests/dags/test_linked.py``."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.links.cdf_records import file_page, links_of, project_page
from airflow_provider_cdf_records.operators import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.local_cdf import LocalCdf
from tests.operators.test_cdf_records import context_with
from tests.sample_records import STREAM, a_record


@pytest.mark.parametrize(
    ("base_url", "page"),
    [
        (
            "https://westeurope-1.cognitedata.com",
            "https://fusion.cognite.com/a%20b?cluster=westeurope-1.cognitedata.com",
        ),
        ("http://127.0.0.1:8765", None),
        ("http://api.cognitedata.com", None),
        ("https://api.cognitedata.com:8443", None),
        ("https://p001.plink.cognitedata.com", None),
        ("https://cdf.my-company.com", None),
        ("https://cognitedata.com", None),
    ],
)
def test_a_project_has_a_page_where_its_cluster_is_a_public_one(base_url: str, page: str | None) -> None:
    assert project_page(base_url, "a b") == page


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("https://files.plant.com/r.ndjson", "https://files.plant.com/r.ndjson"),
        ("https://files.plant.com/r.ndjson?sig=secret", None),
        ("https://me:secret@files.plant.com/r.ndjson", None),
        (
            "gs://google@bucket/a b.ndjson",
            "https://console.cloud.google.com/storage/browser/_details/bucket/a%20b.ndjson",
        ),
        ("s3://bucket/r.ndjson", None),
        ("/data/r.ndjson", None),
        ("https://[", None),
        (None, None),
    ],
)
def test_a_file_has_a_page_where_it_has_an_address_without_secrets(path: object, page: str | None) -> None:
    assert file_page(path) == page
    if page is not None:
        assert links_of("http://127.0.0.1:1", "p", path) == {"cdf_rejected_records_link": page}


def test_a_task_that_works_with_a_local_server_keeps_no_link(cdf: LocalCdf) -> None:
    context = context_with()
    load = CdfRecordsUpsertOperator(task_id="t", stream_id=STREAM, records=[a_record()])
    load.execute(context)
    wait = CdfRecordsSensor(task_id="s", stream_id=STREAM)
    wait.poke(context)
    assert not any("link" in key for key in context["ti"].pushed)
    assert load.kept_links == wait.kept_links == {}


@pytest.mark.skipif(not AIRFLOW_3, reason="Airflow 2 looks for the XCom of before")
def test_a_sensor_has_its_links_after_a_deferral_too() -> None:
    sensor = CdfRecordsSensor(task_id="s", stream_id=STREAM)
    (link,) = sensor.operator_extra_links
    assert link.get_link(sensor, ti_key=None) == ""
    kept = {"event": {"status": "holds", "value": 1}, "started_at": 0.0, "links": {link.key: "https://page"}}
    assert sensor.resume_execution("execute_complete", kept, {}) == 1
    assert link.get_link(sensor, ti_key=None) == "https://page"
