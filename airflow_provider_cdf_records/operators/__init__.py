"""Operators: records from tasks, files and queries to a stream, and the stream itself."""

from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsIngestOperator,
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator

__all__ = [
    "CdfRecordsDeleteOperator",
    "CdfRecordsFromSqlOperator",
    "CdfRecordsIngestOperator",
    "CdfRecordsUpsertOperator",
    "CdfStreamCreateOperator",
]
