"""Reads what has changed in a stream since an earlier look, in bounded memory however much it is."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_cdf_records.waiting.listed import Listed

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient, SyncPage

BAD_REQUEST = 400
MARGIN = 600.0  # seconds to begin earlier when a cursor is lost: clocks differ, records show late
TOMBSTONES_STAY = 3 * 86_400.0  # seconds at least, says CDF
MAX_PAGES = 100
MAX_SECONDS = 60.0
MAX_RECORDS = 100
MAX_BYTES = 200_000

log = logging.getLogger(__name__)


class Position(NamedTuple):
    """How far a stream's changes have been read, as JSON can keep it.

    :param cursor: of CDF, where the next change begins.
    :param time: epoch seconds when it was obtained, so that a cursor that CDF does not take any more can be
        replaced by a look back that is long enough.
    """

    cursor: str
    time: float


@dataclass
class Changes:
    """What was read.

    :ivar created: number of changes that created a record; likewise ``updated`` and ``deleted``.
    :ivar listed: the first of them, up to the bounds of number and size.
    :ivar start: the position that reading began at; ``None``: at ``initialize_cursor``.
    :ivar position: where to go on.
    :ivar has_next: whether there are more changes already.
    :ivar pages: how many pages were read.
    :ivar is_restarted: whether CDF took the cursor no more, so that changes may be among them again.
    """

    start: Position | None
    position: Position
    listed: Listed = field(default_factory=Listed)
    created: int = 0
    updated: int = 0
    deleted: int = 0
    has_next: bool = True
    pages: int = 0
    is_restarted: bool = False

    @property
    def total(self) -> int:
        """How many changes there are."""
        return self.created + self.updated + self.deleted

    @property
    def has_more_records(self) -> bool:
        """Whether there are more changes than are listed."""
        return self.total > len(self.listed.records)


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
    on_page: Callable[[list[dict[str, Any]]], None] | None = None,
    now: Callable[[], float] = time.time,
) -> Changes:
    """Read the changes of a stream, up to now or to a bound.

    One page at a time is in memory, and what is listed. What was read before a failure is returned: the
    next look goes on from there, and meets the failure again if it lasts.

    :param position: of the last look; ``None``: begin at ``initialize_cursor``. Where CDF refuses its cursor,
        reading begins at a time before it: changes come again, and none is left out, except that deletions
        longer than three days ago may be gone.
    :param initialize_cursor: how long ago to begin, such as ``7d-ago``.
    :param filter: in CDF's filter language. A deleted record has no properties, so a filter on a property
        lets no deletion pass.
    :param sources: ``[{"source": {...}, "properties": ["*"]}]``: properties to list with each record.
    :param max_records: how many changes to list at most.
    :param max_bytes: how many bytes of JSON to list at most.
    :param max_pages: how many pages of 1000 to read at most.
    :param max_seconds: after how many seconds to begin no further page.
    :param on_page: is given the records of each page.
    :raises CdfError: when not even one page could be read.
    """
    from airflow_provider_cdf_records.client import CdfApiError  # noqa: PLC0415 (costs time when parsed)

    read = partial(
        _read,
        client,
        stream_id,
        position,
        listed=Listed(max_records=max_records, max_bytes=max_bytes, with_properties=sources is not None),
        max_pages=max_pages,
        max_seconds=max_seconds,
        on_page=on_page,
        now=now,
    )
    query = {"filter": filter, "sources": sources}
    if position is None:
        return read(query={"initialize_cursor": initialize_cursor, **query})
    try:
        return read(query={"cursor": position.cursor, **query})
    except CdfApiError as error:
        if error.status != BAD_REQUEST or error.retryable:
            raise
        refusal = error
    since = look_back(position.time, now())
    changes = read(query={"initialize_cursor": since, **query})
    changes.is_restarted = True
    log.warning("%s", _restarted(stream_id, since, now() - position.time, refusal))
    return changes


def look_back(moment: float, now: float) -> str:
    """Return the ``initialize_cursor`` that reaches back before a moment.

    :param moment: in epoch seconds.
    """
    return f"{max(1, math.ceil((now - moment + MARGIN) / 60))}m-ago"


def _read(
    client: CdfClient,
    stream_id: str,
    start: Position | None,
    *,
    query: Mapping[str, Any],
    listed: Listed,
    max_pages: int,
    max_seconds: float,
    on_page: Callable[[list[dict[str, Any]]], None] | None,
    now: Callable[[], float],
) -> Changes:
    from airflow_provider_cdf_records.client import CdfError, sync_records  # noqa: PLC0415

    deadline = time.monotonic() + max_seconds
    asked_at = now()  # before the answer: what changes meanwhile must not seem to be read
    pages = sync_records(client, stream_id, **query)
    page = next(pages)  # it yields one at least
    changes = Changes(start, Position(page.cursor, asked_at), listed)
    while True:
        _add(changes, page, asked_at)
        if on_page is not None:
            on_page(page.items)
        if not page.has_next or changes.pages >= max_pages or time.monotonic() >= deadline:
            break
        asked_at = now()
        try:
            page = next(pages)
        except CdfError as error:
            log.warning(
                "Reading the changes of stream %s stopped early, to go on later: %s", stream_id, error
            )
            break
    return changes


def _add(changes: Changes, page: SyncPage, asked_at: float) -> None:
    for item in page.items:
        status = item.get("status")
        if status == "deleted":
            changes.deleted += 1
        elif status == "updated":
            changes.updated += 1
        else:
            changes.created += 1
        changes.listed.add(item)
    changes.pages += 1
    changes.position = Position(page.cursor, asked_at)
    changes.has_next = page.has_next


def _restarted(stream_id: str, since: str, age: float, refusal: Exception) -> str:
    lost = (
        " Records deleted longer than three days ago may be missing among the changes: CDF forgets them."
        if age > TOMBSTONES_STAY
        else ""
    )
    return (
        f"CDF takes the kept cursor of stream {stream_id} no more ({refusal}); its changes are read again "
        f"from {since}, so some come twice.{lost}"
    )
