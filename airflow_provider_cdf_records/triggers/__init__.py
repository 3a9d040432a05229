"""Triggers: wait for a stream, or for records, without a worker."""

from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsTrigger, CdfStreamTrigger

__all__ = ["CdfRecordsTrigger", "CdfStreamTrigger"]
