"""Assets and aliases of Airflow 3, datasets and their aliases of Airflow 2."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.version_compat import AIRFLOW_3

COMPAT = "airflow.providers.common.compat.sdk"  # imported late: assets cost a DAG file that has none


def asset_of(uri: str, extra: Any = None) -> Any:
    """Return the asset of a URI; on Airflow 2 a dataset."""
    return import_module(COMPAT).Asset(uri=uri, extra=extra)


def kind_of_outlet(outlet: Any) -> str | None:
    """Return ``asset`` (also for a reference to one) or ``alias``; ``None`` for what has no events."""
    assets = import_module(COMPAT)
    if isinstance(outlet, assets.AssetAlias):
        return "alias"
    kinds: tuple[Any, ...] = (assets.Asset,)
    if AIRFLOW_3:
        kinds += (import_module("airflow.sdk.definitions.asset").AssetRef,)
    return "asset" if isinstance(outlet, kinds) else None
