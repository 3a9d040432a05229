"""Airflow's classes that operators, sensors and hooks are made of, and those that ``common.compat`` lacks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseHook,
    BaseOperator,
    BaseSensorOperator,
    PokeReturnValue,
    XComArg,
    XComNotFound,
)

from airflow_provider_cdf_records.version_compat.version import AIRFLOW_3

if TYPE_CHECKING or AIRFLOW_3:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial
    from airflow.sdk.definitions.param import DagParam
else:
    from airflow.models.mappedoperator import OperatorPartial
    from airflow.models.param import DagParam

if TYPE_CHECKING:
    from airflow.sdk.definitions._internal.mixins import ResolveMixin
else:  # the base of all references; each version of Airflow keeps it elsewhere
    ResolveMixin = next(base for base in XComArg.__mro__ if base.__name__ == "ResolveMixin")


def asset(name: str, group: str) -> Any:
    """Return an asset, of which Airflow can keep state."""
    return import_module("airflow.sdk").Asset(name=name, uri=name, group=group)


def import_dbapi_hook() -> type[Any]:
    """Return ``DbApiHook``, the base of all hooks of SQL databases.

    :raises ImportError: without the provider ``common.sql``.
    """
    hook: type[Any] = import_module("airflow.providers.common.sql.hooks.sql").DbApiHook
    return hook


__all__ = [
    "AirflowException",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "BaseHook",
    "BaseOperator",
    "BaseSensorOperator",
    "DagParam",
    "OperatorPartial",
    "PokeReturnValue",
    "ResolveMixin",
    "XComArg",
    "XComNotFound",
    "asset",
    "import_dbapi_hook",
]
