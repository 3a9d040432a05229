"""What loads of queries tell Airflow's collector of lineage."""

from __future__ import annotations

import sqlite3
from importlib.util import find_spec

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowException
from tests.hooks.sql.conftest import mapping
from tests.lineage.collector import use_real_collector
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM

QUERY = "SELECT id, number FROM reading WHERE number > ?"
# common.sql tells lineage of queries since 1.32; an older one is pinned for Airflow 3.0.
IS_TOLD = find_spec("airflow.providers.common.sql.hooks.lineage") is not None


@pytest.mark.parametrize("spool", [False, True])
def test_a_query_is_told_without_its_parameters(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, spool: bool
) -> None:
    with sqlite:
        sqlite.execute("CREATE TABLE reading AS SELECT 'a' AS id, 1 AS number")
    collected = use_real_collector(monkeypatch)
    CdfRecordsHook().upsert_query(
        STREAM, QUERY, conn_id="lite", parameters=[0], mapping=mapping(number="number"), spool=spool
    )
    if IS_TOLD:
        assert collected.queries == [(QUERY, "SqliteHook")]
    assert collected.inputs == []
    assert len(collected.outputs) == 1


def test_a_query_that_fails_is_not(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = use_real_collector(monkeypatch)
    with pytest.raises(AirflowException):
        CdfRecordsHook().upsert_query(
            STREAM, QUERY, conn_id="lite", parameters=[0], mapping=mapping(number="number")
        )
    assert not collected.outputs
    assert not getattr(collected, "queries", [])
