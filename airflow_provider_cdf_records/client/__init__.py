"""A client of CDF's Streams and Records API. Knows HTTP, and nothing of Airflow or of pipelines."""

from airflow_provider_cdf_records.client.api import CdfClient
from airflow_provider_cdf_records.client.config import (
    Auth,
    CertificateFile,
    ClientAssertions,
    ClientConfig,
    ClientCredentials,
    FederatedTokenFile,
    IssuedToken,
    RetryPolicy,
    StaticToken,
    TokenSource,
)
from airflow_provider_cdf_records.client.errors import (
    CONFLICT,
    CdfAnswerError,
    CdfApiError,
    CdfAuthError,
    CdfCancelledError,
    CdfConnectionError,
    CdfError,
)
from airflow_provider_cdf_records.client.paging import SyncPage, query_records, sync_records
from airflow_provider_cdf_records.client.transport import Traffic

__all__ = [
    "CONFLICT",
    "Auth",
    "CdfAnswerError",
    "CdfApiError",
    "CdfAuthError",
    "CdfCancelledError",
    "CdfClient",
    "CdfConnectionError",
    "CdfError",
    "CertificateFile",
    "ClientAssertions",
    "ClientConfig",
    "ClientCredentials",
    "FederatedTokenFile",
    "IssuedToken",
    "RetryPolicy",
    "StaticToken",
    "SyncPage",
    "TokenSource",
    "Traffic",
    "query_records",
    "sync_records",
]
