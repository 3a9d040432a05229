from __future__ import annotations

from importlib import import_module

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3


@pytest.fixture
def empty_metadata_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Airflow 2 find no connection in its database, which these tests have not set up."""
    if not AIRFLOW_3:
        database = import_module("airflow.secrets.metastore").MetastoreBackend
        monkeypatch.setattr(database, "get_connection", lambda *_, **__: None)
