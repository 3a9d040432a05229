"""What :class:`.CdfRecordsChangedSensor` defers to. To start DAGs, see ``cdf_records_changed.py`` instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.triggers.base import CdfTrigger
from airflow_provider_cdf_records.waiting import StreamChanged

if TYPE_CHECKING:
    from airflow_provider_cdf_records.waiting import Condition


class CdfChangedSinceTrigger(CdfTrigger):
    """Waits, for a deferred :class:`.CdfRecordsChangedSensor`, until records have changed since a cursor.

    It reads no further than the first change, and its event carries none: the sensor reads them. It is not
    for an ``AssetWatcher``; :class:`.CdfRecordsChangedTrigger` is.

    :param cursor: of CDF; ``None``: there is none yet.
    :param time: epoch seconds from which on changes count without a cursor, or with one that CDF refuses.
    :param filter: in CDF's filter language; all records without it.
    """

    own_arguments = ("cursor", "time", "filter")

    def __init__(
        self, *, cursor: str | None, time: float, filter: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.cursor = cursor
        self.time = time
        self.filter = filter

    def make_condition(self) -> Condition:
        return StreamChanged(self.stream_id, self.cursor, self.time, self.filter)
