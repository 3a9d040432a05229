"""Pages of what has changed in a stream, from a position in the feed of its changes."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_cdf_records.records.argument_kinds import AGO

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient, SyncPage

BAD_REQUEST = 400
MARGIN = 600.0  # seconds to look back further where a cursor is lost: clocks differ, records show late
TOMBSTONES_STAY = 3 * 86_400.0  # seconds at least, says CDF
MINUTE, DAY = 60.0, 86_400.0
MOST_MINUTES = 99_999
SECONDS = {"s": 1.0, "m": MINUTE, "h": 3600.0, "d": DAY, "w": 7 * DAY}

log = logging.getLogger(__name__)


class Position(NamedTuple):
    """A place in the feed of a stream's changes, as JSON can keep it.

    :param cursor: of CDF; ``None``: where no page has been read yet.
    :param time: epoch seconds before which all changes lie before the place, as far as clocks agree. It
        stands in for a cursor that CDF takes no more. It never falls from one page to the next.
    """

    cursor: str | None
    time: float


def ago(duration: str, now: float) -> Position:
    """Return the position that an ``initialize_cursor`` such as ``1d-ago`` means now.

    :raises ValueError: when it is none.
    """
    parts = AGO.fullmatch(duration)
    if parts is None:
        msg = f"must be a duration such as '1d-ago' (s, m, h, d, w), got {duration!r}"
        raise ValueError(msg)
    return Position(None, now - int(parts[1]) * SECONDS[parts[2]])


def look_back(moment: float, now: float) -> str:
    """Return the ``initialize_cursor`` that reaches to a moment in epoch seconds, or a little further."""
    minutes = max(1, math.ceil((now - moment) / MINUTE))
    if minutes <= MOST_MINUTES:
        return f"{minutes}m-ago"
    return f"{math.ceil((now - moment) / DAY)}d-ago"


def pages_from(
    client: CdfClient,
    stream_id: str,
    start: Position | str,
    *,
    filter: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] | None = None,
    max_records: int | None = None,
) -> Iterator[tuple[SyncPage, Position]]:
    """Yield pages of changes, and the position that each one ends at, until there are no more for now.

    There is one page at least. Where CDF takes the cursor no more, the pages begin at the time of the
    position, so that changes come again rather than are left out; but deletions longer than three days ago
    may be gone.

    :param start: a position, or how long ago to begin, such as ``1d-ago``.
    :param max_records: how many changes to yield at most; the last page ends there.
    """
    from airflow_provider_cdf_records.client import CdfApiError, sync_records  # noqa: PLC0415 (heavy)

    asked = time.time()  # before the answer: what changes meanwhile must not seem to be read
    position = ago(start, asked) if isinstance(start, str) else start
    since = start if isinstance(start, str) else look_back(position.time, asked)
    query: dict[str, Any] = {"filter": filter, "sources": sources, "max_records": max_records}
    pages = sync_records(client, stream_id, cursor=position.cursor, initialize_cursor=since, **query)
    try:
        page = next(pages, None)
    except CdfApiError as error:
        if position.cursor is None or error.status != BAD_REQUEST or error.retryable:
            raise
        since = look_back(position.time - MARGIN, asked)
        pages = sync_records(client, stream_id, initialize_cursor=since, **query)
        page = next(pages, None)  # the same refusal where it is not about the cursor
        log.warning("%s", _restarted(stream_id, since, asked - position.time, error))
    while page is not None:
        position = Position(page.cursor, _time_before_rest(page, asked, position.time))
        yield page, position
        asked = time.time()
        page = next(pages, None)


def _time_before_rest(page: SyncPage, asked: float, before: float) -> float:
    """Return a time before which all changes are on this page or an earlier one."""
    if not page.has_next:
        return asked
    last = page.items[-1].get("lastUpdatedTime") if page.items else None
    return max(before, min(asked, last / 1000)) if isinstance(last, int | float) else before


def _restarted(stream_id: str, since: str, age: float, refusal: Exception) -> str:
    lost = (
        " Records deleted longer than three days ago may be missing among the changes: CDF forgets them."
        if age > TOMBSTONES_STAY
        else ""
    )
    return (
        f"CDF takes the cursor that was kept for stream {stream_id} no more ({refusal}); its changes are "
        f"read from {since} on, so that some come twice.{lost}"
    )
