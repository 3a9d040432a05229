"""Assets and aliases of Airflow 3, datasets and their aliases of Airflow 2."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.version_compat import AIRFLOW_3


def asset_of(uri: str, extra: Any = None) -> Any:
    """Return the asset of a URI; on Airflow 2 a dataset."""
    if AIRFLOW_3:
        return import_module("airflow.sdk").Asset(uri=uri, extra=extra)
    return import_module("airflow.datasets").Dataset(uri, extra=extra)


def kind_of_outlet(outlet: Any) -> str | None:
    """Return ``asset`` (also for a reference to one) or ``alias``; ``None`` for what has no events."""
    if AIRFLOW_3:
        assets = import_module("airflow.sdk.definitions.asset")
        kinds: tuple[Any, ...] = (assets.Asset, assets.AssetRef)
        alias = assets.AssetAlias
    else:
        assets = import_module("airflow.datasets")
        kinds, alias = (assets.Dataset,), assets.DatasetAlias
    if isinstance(outlet, alias):
        return "alias"
    return "asset" if isinstance(outlet, kinds) else None
