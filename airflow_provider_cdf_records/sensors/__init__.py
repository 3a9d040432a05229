"""Sensors: wait for a stream, or for records."""

from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor

__all__ = ["CdfRecordsSensor", "CdfStreamSensor"]
