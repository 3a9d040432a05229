"""Decorators of functions whose rows go to a stream."""

from airflow_provider_cdf_records.decorators.cdf_records import (
    cdf_records_delete,
    cdf_records_ingest,
    cdf_records_upsert,
)

__all__ = ["cdf_records_delete", "cdf_records_ingest", "cdf_records_upsert"]
