"""Streams as assets (on Airflow 2: datasets)."""

from airflow_provider_cdf_records.assets.cdf_records import cdf_asset

__all__ = ["cdf_asset"]
