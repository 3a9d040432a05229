"""Triggers that wait until a stream exists, or until records can be queried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.triggers.base import CdfTrigger
from airflow_provider_cdf_records.triggers.cdf_records_changed import CdfRecordsChangedTrigger
from airflow_provider_cdf_records.waiting import EnoughRecords, LoadVisible, StreamExists

if TYPE_CHECKING:
    from airflow_provider_cdf_records.waiting import Condition

__all__ = ["CdfRecordsChangedTrigger", "CdfRecordsTrigger", "CdfStreamTrigger"]


class CdfStreamTrigger(CdfTrigger):
    """Waits until a stream exists; see :class:`.CdfStreamSensor`.

    :param stream_type: ``Mutable``, ``Immutable``, or ``None`` for either.
    """

    own_arguments = ("stream_type",)

    def __init__(self, *, stream_type: str | None = "Mutable", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream_type = stream_type

    def make_condition(self) -> Condition:
        return StreamExists(self.stream_id, self.stream_type)


class CdfRecordsTrigger(CdfTrigger):
    """Waits until what loads wrote, or a number of records, can be queried; see :class:`.CdfRecordsSensor`.

    :param probes: of loads, as in their summaries, instead of the arguments below.
    :param written: how many records the loads wrote.
    :param filter: in CDF's filter language; all records without it.
    :param min_count: how many records there must be at least.
    :param last_updated_time: bounds such as ``{"gte": 1767225600000}``, in milliseconds since the epoch.
    """

    own_arguments = ("probes", "written", "filter", "min_count", "last_updated_time")

    def __init__(
        self,
        *,
        probes: Sequence[Mapping[str, Any]] | None = None,
        written: int = 0,
        filter: Mapping[str, Any] | None = None,
        min_count: int = 1,
        last_updated_time: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.probes = probes
        self.written = written
        self.filter = filter
        self.min_count = min_count
        self.last_updated_time = last_updated_time

    def make_condition(self) -> Condition:
        if self.probes is not None:
            return LoadVisible(self.stream_id, self.probes, self.written)
        return EnoughRecords(self.stream_id, self.min_count, self.filter, self.last_updated_time)
