"""A local stand-in for CDF's Streams, Records and the bit of Data Modeling that they need.

Written from the API's public facts, and from nothing else in this package. Needs no Airflow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cdf_records.local_server.clock import Clock
    from airflow_provider_cdf_records.local_server.running import LocalServer
    from airflow_provider_cdf_records.local_server.settings import Quota

__all__ = ["Clock", "LocalServer", "Quota"]

MODULES = {"Clock": "clock", "LocalServer": "running", "Quota": "settings"}


def __getattr__(name: str) -> Any:
    """Import late: pytest imports this package in every run, and Starlette or uvicorn may be missing."""
    if name not in MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
