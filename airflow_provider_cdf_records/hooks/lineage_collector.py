"""Airflow's collector of the lineage of hooks, of any version of Airflow."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any


def tell_lineage(context: Any, *, read: Iterable[str], written: Iterable[str]) -> None:
    """Tell Airflow's collector of lineage the URIs of what was read and written.

    :param context: the hook that did it.
    """
    collector = _lineage_collector()
    add_input = getattr(collector, "add_input_asset", None) or collector.add_input_dataset  # Airflow 2
    add_output = getattr(collector, "add_output_asset", None) or collector.add_output_dataset
    for uri in read:
        add_input(context, uri=uri)
    for uri in written:
        add_output(context, uri=uri)


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
