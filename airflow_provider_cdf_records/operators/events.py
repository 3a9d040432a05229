"""The summary of a load in the events of the task's outlets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.assets.of_airflow import asset_of, kind_of_outlet
from airflow_provider_cdf_records.sources.storage import shown_url

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.lineage import LoadLineage

log = logging.getLogger(__name__)

LEFT_OUT = frozenset({"probes"})  # of the summary: what only this project's sensors read


def add_to_events(
    context: Any, outlets: Iterable[Any], summary: Mapping[str, Any], load: LoadLineage | None
) -> None:
    """Make a summary the ``extra`` of the events of assets, which Airflow keeps if the task succeeds.

    A failure here must not hide how the task ended.

    :param load: its stream is what an alias stands for, if the load writes to it.
    """
    events = context.get("outlet_events")
    if events is None or not outlets:
        return
    extra = {key: value for key, value in summary.items() if key not in LEFT_OUT}
    if extra["rejected_path"] is not None:
        extra["rejected_path"] = shown_url(extra["rejected_path"])
    try:
        for outlet in outlets:
            kind = kind_of_outlet(outlet)
            if kind == "asset":
                events[outlet].extra = {**events[outlet].extra, **extra}
            elif kind == "alias" and load is not None and load.summary.valid is None:
                events[outlet].add(asset_of(load.stream), extra=extra)
    except Exception as error:
        log.warning("The summary could not be added to the events of the task's outlets: %s", error)
