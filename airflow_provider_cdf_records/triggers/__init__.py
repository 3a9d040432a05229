"""Triggers: wait for a stream, or for records, without a worker; start DAGs when records have changed."""

from airflow_provider_cdf_records.triggers.cdf_records import (
    CdfRecordsChangedTrigger,
    CdfRecordsTrigger,
    CdfStreamTrigger,
)
from airflow_provider_cdf_records.triggers.changed import CdfStreamChangedTrigger

__all__ = ["CdfRecordsChangedTrigger", "CdfRecordsTrigger", "CdfStreamChangedTrigger", "CdfStreamTrigger"]
