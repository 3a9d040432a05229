"""Retry policies, for Airflow 3.3 and later."""

from airflow_provider_cdf_records.retry_policies.cdf_records import CdfRetryPolicy

__all__ = ["CdfRetryPolicy"]
