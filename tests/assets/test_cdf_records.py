"""Assets of streams (datasets on Airflow 2), as the installed Airflow makes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_cdf_records.assets import cdf_asset
from airflow_provider_cdf_records.assets.of_airflow import asset_of
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.airflow_version import AIRFLOW

URI = "cdf://westeurope-1/Plant-7/alarms"


@pytest.mark.parametrize(
    "written",
    [
        URI,
        "CDF://WestEurope-1/Plant-7/alarms",
        "cdf://westeurope-1.cognitedata.com/Plant-7/alarms",
        "cdf://WESTEUROPE-1.CogniteData.com./Plant-7/alarms/",
        "cdf://westeurope-1.cognitedata.com:443/Plant-7/alarms",
        "cdf://alias.plink.westeurope-1.cognitedata.com/Plant-7/alarms",
        "cdf://westeurope-1/Plant%2D7/%61larms",
    ],
)
def test_each_way_to_write_the_uri_of_a_stream_is_the_same_asset(written: str) -> None:
    assert asset_of(written).uri == URI


@pytest.mark.parametrize(
    "uri",
    ["cdf://cdf.example.com/p/s", "cdf://127.0.0.1:8765/p/s", "cdf://[::1]:8765/p/s", "cdf://localhost/p/s"],
)
def test_other_hosts_stay_as_they_are(uri: str) -> None:
    assert asset_of(uri).uri == uri


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("cdf://westeurope-1/alarms", "its path must have two parts, got 1"),
        ("cdf://westeurope-1", "its path must have two parts, got"),
        ("cdf://westeurope-1/p/alarms/more", "its path must have two parts, got 3"),
        ("cdf://westeurope-1//p/alarms", "its path must have two parts, got 3"),
        ("cdf:///p/alarms", "its cluster is no name of a host"),
        ("cdf://west europe/p/alarms", "its cluster is no name of a host"),
        ("cdf://westeurope-1:99999/p/alarms", "Port out of range"),
        ("cdf://westeurope-1/p/Alarms", "stream_id must be"),
        ("cdf://westeurope-1/p/a%2Fb", "stream_id must be"),
        ("cdf://westeurope-1/_p/alarms", "its project must be"),
        ("cdf://westeurope-1/p/alarms?x=1", "no user and no query"),
        pytest.param(
            "cdf://me@westeurope-1/p/alarms",
            "no user and no query",
            marks=pytest.mark.skipif(AIRFLOW < (3, 1), reason="this Airflow drops the user first"),
        ),
    ],
)
def test_what_is_no_uri_of_a_stream_is_an_error_with_the_right_form(
    uri: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__STRICT_DATASET_URI_VALIDATION", "True")  # Airflow 2 warns without it
    with pytest.raises(ValueError, match=problem) as raised:
        asset_of(uri)
    assert "must be cdf://<cluster>/<project>/<stream>, such as" in str(raised.value)
    assert "me" not in str(raised.value).partition("got")[2].partition(":")[0]


@pytest.mark.parametrize(
    "cluster",
    ["westeurope-1", "https://westeurope-1.cognitedata.com/", "x.plink.westeurope-1.cognitedata.com"],
)
def test_cluster_and_project_need_no_connection(cluster: str) -> None:
    asset = cdf_asset("alarms", cluster=cluster, project="Plant-7", extra={"owner": "me"})
    assert (asset.uri, asset.extra) == (URI, {"owner": "me"})
    if AIRFLOW_3:
        assert asset.name == URI


def connection(**fields: Any) -> str:
    return json.dumps({"conn_type": "cdf", "schema": "Plant-7", **fields})


@pytest.mark.parametrize(
    "host", ["westeurope-1", "https://WestEurope-1.cognitedata.com", "a.plink.westeurope-1.cognitedata.com"]
)
def test_a_connection_says_where_a_stream_is_though_it_may_have_no_credentials(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", connection(host=host))
    assert cdf_asset("alarms").uri == URI


@pytest.mark.usefixtures("empty_metadata_database")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cluster": "westeurope-1"}, "cluster and project go together"),
        ({"project": "p"}, "cluster and project go together"),
        ({"cluster": "a/b", "project": "p"}, "two parts"),
        ({"cluster": "a", "project": "p", "stream_id": "No"}, "stream_id must be"),
        ({"cdf_conn_id": "cdf_missing"}, "cdf_conn_id.*'cdf_missing'|'cdf_missing'"),
        ({"cdf_conn_id": "cdf_empty"}, r"Connection 'cdf_empty': CDF project \(schema\) is empty"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_an_error(
    arguments: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CDF_EMPTY", connection(host="a", schema=""))
    with pytest.raises(ValueError, match=words):
        cdf_asset(**({"stream_id": "alarms"} | arguments))


@pytest.mark.usefixtures("empty_metadata_database")
def test_without_a_connection_at_parse_time_it_says_what_needs_none() -> None:
    words = r"no connection 'cdf_missing'.*cdf_asset\('alarms', cluster=\.\.\., project=\.\.\.\)"
    with pytest.raises(ValueError, match=words):
        cdf_asset("alarms", cdf_conn_id="cdf_missing")
