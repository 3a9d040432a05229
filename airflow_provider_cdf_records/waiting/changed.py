"""Waits until records of a stream have changed, and reads the changes from where it began."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_cdf_records.records.argument_kinds import AGO
from airflow_provider_cdf_records.waiting.condition import Finding

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient, SyncPage

BAD_REQUEST = 400
MARGIN = 600.0  # seconds to look back further where a cursor is lost: clocks differ, records show late
TOMBSTONES_STAY = 3 * 86_400.0  # seconds at least, says CDF
MAX_PAGES = 100  # in one look, all of them empty
MINUTE, DAY = 60.0, 86_400.0
MOST_MINUTES = 99_999
SECONDS = {"s": 1.0, "m": MINUTE, "h": 3600.0, "d": DAY, "w": 7 * DAY}

log = logging.getLogger(__name__)


class FeedPosition(NamedTuple):
    """A place in the feed of a stream's changes, as JSON can keep it.

    :param cursor: of CDF; ``None``: where no page has been read yet.
    :param time: epoch seconds before which all changes lie before the place, as far as clocks agree. It
        stands in for a cursor that CDF takes no more.
    """

    cursor: str | None
    time: float


def ago(duration: str, now: float) -> FeedPosition:
    """Return the place that an ``initialize_cursor`` such as ``1d-ago`` means now.

    :raises ValueError: when it is none.
    """
    parts = AGO.fullmatch(duration)
    if parts is None:
        msg = f"must be a duration such as '1d-ago' (s, m, h, d, w), got {duration!r}"
        raise ValueError(msg)
    return FeedPosition(None, now - int(parts[1]) * SECONDS[parts[2]])


def pages_from(
    client: CdfClient,
    stream_id: str,
    start: FeedPosition,
    *,
    filter: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] | None = None,
    max_records: int | None = None,
) -> Iterator[tuple[SyncPage, FeedPosition]]:
    """Yield pages of changes, and the place that each one ends at, until there are no more for now.

    Where CDF takes the cursor no more, the pages begin at the time of the place, so that changes come again
    rather than are left out.

    :param max_records: how many changes to yield at most; the last page ends there.
    """
    from airflow_provider_cdf_records.client import CdfApiError, sync_records  # noqa: PLC0415 (heavy)

    query: dict[str, Any] = {"filter": filter, "sources": sources, "max_records": max_records}
    asked = time.time()  # before the answer: what changes meanwhile must not seem to be read
    from_time: dict[str, Any] = {"initialize_cursor": _initialize_cursor(start.time, asked)}
    pages = sync_records(
        client, stream_id, **(from_time if start.cursor is None else {"cursor": start.cursor}), **query
    )
    try:
        page = next(pages, None)
    except CdfApiError as error:
        if start.cursor is None or error.status != BAD_REQUEST or error.retryable:
            raise
        from_time = {"initialize_cursor": _initialize_cursor(start.time - MARGIN, asked)}
        pages = sync_records(client, stream_id, **from_time, **query)
        page = next(pages, None)  # the same refusal where it is not about the cursor
        log.warning("%s", _restarted(stream_id, from_time["initialize_cursor"], asked - start.time, error))
    place = start
    while page is not None:
        place = FeedPosition(page.cursor, _time_before_rest(page, asked, place.time))
        yield page, place
        asked = time.time()
        page = next(pages, None)


@dataclass
class StreamChanged:
    """Records of a stream have changed since a place in the feed of its changes.

    :param stream_id: the stream.
    :param cursor: of the place; ``None``: no page has been read yet.
    :param time: of the place, in epoch seconds.
    :param filter: in CDF's filter language; all records without it.
    """

    stream_id: str
    cursor: str | None
    time: float
    filter: Mapping[str, Any] | None = None

    def look(self, client: CdfClient) -> Finding:
        """Read pages until one has a change; there is no value. The next look goes on after empty pages."""
        start = FeedPosition(self.cursor, self.time)
        pages = pages_from(client, self.stream_id, start, filter=self.filter)
        for number, (page, place) in enumerate(pages, 1):
            if page.items:
                return Finding(True, f"Records of stream {self.stream_id} have changed.")
            self.cursor, self.time = place
            if number >= MAX_PAGES:
                break
        return Finding(False, f"No record of stream {self.stream_id} has changed yet.")


def _initialize_cursor(moment: float, now: float) -> str:
    minutes = max(1, math.ceil((now - moment) / MINUTE))
    if minutes <= MOST_MINUTES:
        return f"{minutes}m-ago"
    return f"{math.ceil((now - moment) / DAY)}d-ago"


def _time_before_rest(page: SyncPage, asked: float, before: float) -> float:
    """Return a time before which all changes are on this page or an earlier one."""
    if not page.has_next:
        return asked
    last = page.items[-1].get("lastUpdatedTime") if page.items else None
    return min(asked, last / 1000) if isinstance(last, int | float) else before


def _restarted(stream_id: str, since: str, age: float, refusal: Exception) -> str:
    lost = (
        " CDF may have forgotten records that were deleted longer than three days ago."
        if age > TOMBSTONES_STAY
        else ""
    )
    return (
        f"CDF takes the cursor that was kept for stream {stream_id} no more ({refusal}); its changes are "
        f"read from {since} on, so that some may come twice.{lost}"
    )
