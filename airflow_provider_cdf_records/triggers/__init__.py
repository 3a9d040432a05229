"""Triggers: wait for a stream, for records or for changes, without a worker."""

from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsTrigger, CdfStreamTrigger
from airflow_provider_cdf_records.triggers.changed import CdfStreamChangedTrigger

__all__ = ["CdfRecordsTrigger", "CdfStreamChangedTrigger", "CdfStreamTrigger"]
