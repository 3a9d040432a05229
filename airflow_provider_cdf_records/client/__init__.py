"""A client of CDF's Streams and Records API. Knows HTTP, and nothing of Airflow or of pipelines."""

from airflow_provider_cdf_records.client.client import CdfClient, Traffic
from airflow_provider_cdf_records.client.config import (
    ClientConfig,
    ClientCredentials,
    RetryPolicy,
    StaticToken,
)
from airflow_provider_cdf_records.client.errors import (
    CdfApiError,
    CdfAuthError,
    CdfCancelledError,
    CdfConnectionError,
    CdfError,
)

__all__ = [
    "CdfApiError",
    "CdfAuthError",
    "CdfCancelledError",
    "CdfClient",
    "CdfConnectionError",
    "CdfError",
    "ClientConfig",
    "ClientCredentials",
    "RetryPolicy",
    "StaticToken",
    "Traffic",
]
