"""Queries on any connection that Airflow has a SQL hook for, and what each database's driver needs."""

from airflow_provider_cdf_records.hooks.databases.query import Query, QueryError

__all__ = ["Query", "QueryError"]
