"""Waits until records of a stream have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.waiting.change_pages import Position, pages_from
from airflow_provider_cdf_records.waiting.condition import Finding

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient

MAX_PAGES = 100  # in one look, all of them empty


@dataclass
class StreamChanged:
    """Records of a stream have changed since a position in the feed of its changes.

    :param stream_id: the stream.
    :param cursor: of the position; ``None``: no page has been read yet.
    :param time: of the position, in epoch seconds.
    :param filter: in CDF's filter language; all records without it.
    """

    stream_id: str
    cursor: str | None
    time: float
    filter: Mapping[str, Any] | None = None

    def look(self, client: CdfClient) -> Finding:
        """Read pages until one has a change; there is no value. The next look goes on after empty pages."""
        start = Position(self.cursor, self.time)
        pages = pages_from(client, self.stream_id, start, filter=self.filter)
        for number, (page, position) in enumerate(pages, 1):
            if page.items:
                return Finding(True, f"Records of stream {self.stream_id} have changed.")
            self.cursor, self.time = position
            if number >= MAX_PAGES:
                break
        return Finding(False, f"No record of stream {self.stream_id} has changed yet.")
