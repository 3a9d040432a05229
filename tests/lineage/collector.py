"""Airflow's real collector of lineage, in any version; Airflow uses it only where a plugin reads it."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest


class Collected:
    """What a collector has been told."""

    def __init__(self, collector: Any) -> None:
        self._collector = collector

    @property
    def _lineage(self) -> Any:
        for name in ("collected_assets", "collected_datasets"):  # the second in Airflow 2
            if hasattr(type(self._collector), name):
                return getattr(self._collector, name)
        raise AssertionError

    @property
    def inputs(self) -> list[str]:
        return [_uri_of(one) for one in self._lineage.inputs]

    @property
    def outputs(self) -> list[str]:
        return [_uri_of(one) for one in self._lineage.outputs]

    @property
    def queries(self) -> list[tuple[str, str]]:
        """The queries, with the name of the class of the hook that ran each."""
        return [(one.value["sql"], type(one.context).__name__) for one in self._lineage.extra]


def _uri_of(info: Any) -> str:
    return (info.asset if hasattr(info, "asset") else info.dataset).uri


def use_real_collector(monkeypatch: pytest.MonkeyPatch, kind: type[Any] | None = None) -> Collected:
    """Have Airflow's hooks tell a new collector, until the end of the test.

    :param kind: its class; by default Airflow's.
    """
    try:
        module = import_module("airflow.sdk.lineage")
    except ImportError:  # Airflow before 3.2
        module = import_module("airflow.lineage.hook")
    collector = (kind or module.HookLineageCollector)()
    monkeypatch.setattr(module, "get_hook_lineage_collector", lambda: collector)
    with suppress(ImportError, AttributeError):  # else Airflow before 3.2
        plugins = import_module("airflow.sdk.plugins_manager")
        monkeypatch.setattr(plugins, "get_hook_lineage_readers_plugins", lambda: ["one that reads"])
    compat = import_module("airflow.providers.common.compat.sdk")  # where common.sql finds it
    monkeypatch.setattr(compat, "get_hook_lineage_collector", lambda: collector, raising=False)
    return Collected(collector)
