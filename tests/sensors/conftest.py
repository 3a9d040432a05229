"""Deferred sensors that fire at once, since no Airflow has to note that they wait."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.sensors import base


@pytest.fixture(autouse=True)
def fires_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "NOTED_WITHIN", 0.0)
