"""What the trigger for changed records says on Airflow 2; where that is not installed, it is pretended."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.triggers import cdf_records_changed
from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger


def test_airflow_2_is_told_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdf_records_changed, "AIRFLOW_3", False)
    with pytest.raises(RuntimeError, match=r"needs Airflow 3.*CdfRecordsChangedSensor"):
        CdfRecordsChangedTrigger(stream_id="alarms")
