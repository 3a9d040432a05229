"""A local stand-in for CDF's Streams and Records, with the part of Data Modeling that they need.

Written from the API's public facts, and from nothing else in this package. Needs no Airflow.

Rooms, each using only those after it: ``http`` (requests and answers), ``state`` (what the project holds),
``language`` (filters, aggregates, cursors) and ``checks`` (facts about CDF, and checks of JSON).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cdf_records.local_server.clock import Clock
    from airflow_provider_cdf_records.local_server.definitions import DefinitionsError
    from airflow_provider_cdf_records.local_server.http.faults import Elsewhere, FaultPlan
    from airflow_provider_cdf_records.local_server.http.request_log import LoggedRequest
    from airflow_provider_cdf_records.local_server.running import LocalServer
    from airflow_provider_cdf_records.local_server.settings import Quota, Settings

__all__ = [
    "Clock",
    "DefinitionsError",
    "Elsewhere",
    "FaultPlan",
    "LocalServer",
    "LoggedRequest",
    "Quota",
    "Settings",
]

MODULES = {
    "Clock": "clock",
    "DefinitionsError": "definitions",
    "Elsewhere": "http.faults",
    "FaultPlan": "http.faults",
    "LocalServer": "running",
    "LoggedRequest": "http.request_log",
    "Quota": "settings",
    "Settings": "settings",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for.

    pytest imports this package in every run, and Starlette or uvicorn may be missing.
    """
    if name not in MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
