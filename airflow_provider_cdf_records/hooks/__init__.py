"""Hooks: what Airflow knows of a CDF project, and what can be done with its records."""

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.query_split import split_query

__all__ = ["CdfRecordsHook", "split_query"]
