"""Sensors: wait for a stream, or for records."""

from airflow_provider_cdf_records.sensors.cdf_records import (
    CdfRecordsChangedSensor,
    CdfRecordsSensor,
    CdfStreamSensor,
)

__all__ = ["CdfRecordsChangedSensor", "CdfRecordsSensor", "CdfStreamSensor"]
