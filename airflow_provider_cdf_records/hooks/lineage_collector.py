"""Airflow's collector of the lineage of hooks, of any version of Airflow."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.records.late_imports import collecting_later


def tell_lineage(context: Any, *, read: Iterable[str], written: Iterable[str]) -> None:
    """Tell Airflow's collector of lineage the URIs of what was read and written.

    :param context: the hook that did it.
    """
    if not _has_readers():
        return
    with collecting_later():
        collector = _lineage_collector()
    add_input = getattr(collector, "add_input_asset", None) or collector.add_input_dataset  # Airflow 2
    add_output = getattr(collector, "add_output_asset", None) or collector.add_output_dataset
    for uri in read:
        add_input(context, uri=uri)
    for uri in written:
        add_output(context, uri=uri)


def _has_readers() -> bool:
    """Whether any plugin reads the collector; making one imports assets and libraries of all providers."""
    try:
        readers = import_module("airflow.sdk.plugins_manager").get_hook_lineage_readers_plugins
    except (ImportError, AttributeError):  # Airflow before 3.2
        return True
    return bool(readers())


def _lineage_collector() -> Any:
    try:
        return import_module("airflow.sdk.lineage").get_hook_lineage_collector()
    except ImportError:  # Airflow before 3.2
        return import_module("airflow.lineage.hook").get_hook_lineage_collector()


def tell_lineage_of_query(context: Any, sql: str) -> None:
    """Tell Airflow's collector of lineage about a query, where the provider ``common.sql`` can.

    :param context: the hook of the database.
    """
    try:
        send = import_module("airflow.providers.common.sql.hooks.lineage").send_sql_hook_lineage
    except ImportError:
        return
    send(context=context, sql=sql)
