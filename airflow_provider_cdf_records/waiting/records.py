"""Waits for a number of records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.waiting.condition import Finding

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient


@dataclass
class EnoughRecords:
    """A number of records of a stream can be queried.

    :param stream_id: the stream.
    :param min_count: how many records there must be at least.
    :param filter: in CDF's filter language; all records without it.
    :param last_updated_time: bounds, as :meth:`.CdfClient.count_records` takes them.
    """

    stream_id: str
    min_count: int = 1
    filter: Mapping[str, Any] | None = None
    last_updated_time: Mapping[str, Any] | None = None

    def look(self, client: CdfClient) -> Finding:
        """Count the records; the value is their number."""
        count = client.count_records(
            self.stream_id, filter=self.filter, last_updated_time=self.last_updated_time
        )
        message = f"{count:,} of {self.min_count:,} records can be queried."
        return Finding(count >= self.min_count, message, count)
