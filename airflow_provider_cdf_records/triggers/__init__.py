"""Triggers: wait for a stream, or for records, without a worker; start DAGs when records have changed."""

from airflow_provider_cdf_records.triggers.cdf_records import (
    CdfRecordsChangedTrigger,
    CdfRecordsTrigger,
    CdfStreamTrigger,
)

__all__ = ["CdfRecordsChangedTrigger", "CdfRecordsTrigger", "CdfStreamTrigger"]
