"""Reads what has changed in a stream since an earlier look, in bounded memory however much it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.waiting.change_pages import Position, pages_from
from airflow_provider_cdf_records.waiting.listed import Listed

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient, SyncPage

MAX_PAGES = 100
MAX_SECONDS = 60.0
MAX_RECORDS = 100
MAX_BYTES = 200_000

log = logging.getLogger(__name__)


@dataclass
class Changes:
    """What was read.

    :ivar position: where to go on.
    :ivar listed: the first changes, up to the bounds of number and size.
    :ivar created: number of changes that created a record; likewise ``updated`` and ``deleted``.
    :ivar has_next: whether there are more changes already.
    :ivar pages: how many pages were read.
    """

    position: Position
    listed: Listed = field(default_factory=Listed)
    created: int = 0
    updated: int = 0
    deleted: int = 0
    has_next: bool = True
    pages: int = 0

    @property
    def total(self) -> int:
        """How many changes there are."""
        return self.created + self.updated + self.deleted

    @property
    def has_more_records(self) -> bool:
        """Whether there are more changes than are listed."""
        return self.total > len(self.listed.records)

    def add(self, page: SyncPage, position: Position) -> None:
        """Count and list the changes of a page.

        :param position: where it ends.
        """
        for item in page.items:
            status = item.get("status")
            if status == "deleted":
                self.deleted += 1
            elif status == "updated":
                self.updated += 1
            else:
                self.created += 1
            self.listed.add(item)
        self.pages += 1
        self.position = position
        self.has_next = page.has_next


def read_changes(
    client: CdfClient,
    stream_id: str,
    *,
    position: Position | None = None,
    initialize_cursor: str = "1d-ago",
    filter: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] | None = None,
    max_records: int = MAX_RECORDS,
    max_bytes: int = MAX_BYTES,
    max_pages: int = MAX_PAGES,
    max_seconds: float = MAX_SECONDS,
) -> Changes:
    """Read the changes of a stream, up to now or to a bound.

    One page at a time is in memory, and what is listed. What was read before a failure is returned: the
    next look goes on from there, and meets the failure again if it lasts.

    :param position: of the last look; ``None``: begin at ``initialize_cursor``.
    :param initialize_cursor: how long ago to begin, such as ``7d-ago``.
    :param filter: in CDF's filter language. A deleted record has no properties, so a filter on a property
        lets no deletion pass.
    :param sources: ``[{"source": {...}, "properties": ["*"]}]``: properties to list with each record.
    :param max_records: how many changes to list at most.
    :param max_bytes: how many bytes of JSON to list at most.
    :param max_pages: how many pages of 1000 to read at most.
    :param max_seconds: after how many seconds to begin no further page.
    :raises CdfError: when not even one page could be read.
    """
    from airflow_provider_cdf_records.client import CdfError  # noqa: PLC0415 (costs time when parsed)

    deadline = time.monotonic() + max_seconds
    start = initialize_cursor if position is None else position
    pages = pages_from(client, stream_id, start, filter=filter, sources=sources)
    page, position = next(pages)  # it yields one at least
    listed = Listed(max_records=max_records, max_bytes=max_bytes, with_properties=sources is not None)
    changes = Changes(position, listed)
    changes.add(page, position)
    while changes.has_next and changes.pages < max_pages and time.monotonic() < deadline:
        try:
            page, position = next(pages)
        except CdfError as error:
            log.warning(
                "Reading the changes of stream %s stopped early, to go on later: %s", stream_id, error
            )
            break
        changes.add(page, position)
    return changes
