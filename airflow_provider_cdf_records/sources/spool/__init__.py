"""The rows of a query on their way through a file: fetched first, and loaded from there."""

from airflow_provider_cdf_records.sources.spool.places import LocalSpool, SpoolPlace, StoredSpool
from airflow_provider_cdf_records.sources.spool.spooled_query import SpooledQuery

__all__ = ["LocalSpool", "SpoolPlace", "SpooledQuery", "StoredSpool"]
