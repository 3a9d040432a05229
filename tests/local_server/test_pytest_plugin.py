"""The pytest fixture of the package, which pytest finds through its entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, refusal, set_up

HEAVY = {"airflow", "asyncio", "msgspec", "starlette", "uvicorn", "yaml", "sqlite3"}
PLUGIN = "airflow_provider_cdf_records.local_server.pytest_plugin"


def raw_of_connection() -> Raw:
    connection = json.loads(os.environ["AIRFLOW_CONN_CDF_DEFAULT"])
    with LocalServer() as other:
        return Raw(connection["host"], other.settings)


@pytest.mark.parametrize("_", range(2))
def test_each_test_has_a_fresh_server_that_the_connection_points_at(
    cdf_local_server: LocalServer, _: int
) -> None:
    raw = raw_of_connection()
    assert raw.url == cdf_local_server.url
    assert raw.get("/streams").json() == {"items": []}
    set_up(raw)
    raw.upsert(a_record("a"))
    assert [record["externalId"] for record in cdf_local_server.records("mutable")] == ["a"]


def test_the_connection_is_gone_after_the_test() -> None:
    assert "AIRFLOW_CONN_CDF_DEFAULT" not in os.environ


@pytest.mark.cdf_local_server(max_records=1)
def test_a_marker_sets_how_the_server_behaves(cdf_local_server: LocalServer) -> None:
    raw = raw_of_connection()
    set_up(raw)
    refusal(raw.upsert(a_record("a"), a_record("b")), 422)


@pytest.mark.cdf_local_server(max_records=1, latency=0.1)
class TestOfAClass:
    @pytest.mark.cdf_local_server(max_records=2)
    def test_the_nearest_marker_wins(self, cdf_local_server: LocalServer) -> None:
        assert (cdf_local_server.settings.max_records, cdf_local_server.settings.latency) == (2, 0.1)


def test_pytest_pays_little_for_it_where_it_is_not_used() -> None:
    code = f"import sys; before = set(sys.modules); import {PLUGIN}; print(*set(sys.modules) - before)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())
