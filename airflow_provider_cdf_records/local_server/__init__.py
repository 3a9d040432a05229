"""A local stand-in for CDF's Streams, Records and the bit of Data Modeling that they need.

Written from the API's public facts, and from nothing else in this package. Needs no Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.settings import Quota

if TYPE_CHECKING:
    from airflow_provider_cdf_records.local_server.running import LocalServer

__all__ = ["Clock", "LocalServer", "Quota"]


def __getattr__(name: str) -> Any:
    """Import late, so that the command line can say what is missing where Starlette or uvicorn is."""
    if name != "LocalServer":
        raise AttributeError(name)
    from airflow_provider_cdf_records.local_server.running import LocalServer  # noqa: PLC0415

    return LocalServer
