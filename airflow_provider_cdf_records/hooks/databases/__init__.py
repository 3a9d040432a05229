"""Queries on any connection that Airflow has a SQL hook for, and what each database's driver needs."""

from airflow_provider_cdf_records.hooks.databases.errors import QueryError
from airflow_provider_cdf_records.hooks.databases.query import Query

__all__ = ["Query", "QueryError"]
