"""A stream that is polled for all triggers that watch it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow_provider_cdf_records.triggers.shared_client import shared_client
from airflow_provider_cdf_records.triggers.watcher import Place, Poll, Reading
from airflow_provider_cdf_records.waiting.change_pages import ago
from airflow_provider_cdf_records.waiting.changes import read_changes

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient
    from airflow_provider_cdf_records.triggers.watch import Watch
    from airflow_provider_cdf_records.triggers.watcher import Watcher

KEEP_EVERY = 3600.0  # seconds after which the cursor of a stream without changes is kept anew
LONGEST_PAUSE = 300.0  # seconds between two tries, unless polls are rarer

log = logging.getLogger(__name__)

_numbers = itertools.count()


class NotConfirmedError(RuntimeError):
    """Airflow has not confirmed an event, and it is not known of which trigger."""


class Watchers:
    """The triggers of an event loop that share the polls of a stream."""

    def __init__(self) -> None:
        self.present: set[Watcher] = set()
        self.has_changed = asyncio.Event()

    @contextmanager
    def joined_by(self, watcher: Watcher) -> Iterator[None]:
        """Have a trigger be one of them."""
        self.present.add(watcher)
        self.has_changed.set()
        try:
            yield
        finally:
            self.remove(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Note that a trigger has ended."""
        watcher.leave()
        self.present.discard(watcher)


_watchers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, Watchers]] = WeakKeyDictionary()


def watchers_of(watch: Watch) -> Watchers:
    """Return the triggers of this event loop with equal watches; they stay in a process, be they none."""
    of_loop = _watchers.setdefault(asyncio.get_running_loop(), {})
    return of_loop.setdefault(watch.key, Watchers())


class WatchedStream:
    """Polls a stream for as long as any trigger watches it.

    Failures never end it: all are tried again with growing pauses, and what does not pass by itself is logged
    as an error, since the stream may be created, and the rights or the connection mended.

    :param watch: what is polled, and how often.
    :param watchers: the triggers.
    """

    def __init__(self, watch: Watch, watchers: Watchers) -> None:
        self._watch = watch
        self._watchers = watchers
        self._told = Place()  # up to where the triggers were told
        self._told_at = -float("inf")
        self._failed_at: float | None = None  # when the first read failed
        self._is_settled = asyncio.Event()

    async def polls(self) -> AsyncIterator[Poll]:
        """Yield the polls that the triggers have to hear of; one follows when the other is settled.

        These have changes; or there is a trigger that stands elsewhere, and has to catch up; or it is the
        first one, or the first for an hour, so that the cursor is kept.
        """
        with shared_client(self._watch.cdf_conn_id):  # one client for all polls
            await self._all_ready()
            place = self._told = self._newest()
            failures = 0
            while True:
                self._watchers.has_changed.clear()
                try:
                    reading = await self.read(place)
                except Exception as error:
                    failures += 1
                    self._failed_at = self._failed_at or time.time()
                    await self._pause(self._after_failure(error, failures))
                    continue
                failures = 0
                place = reading.place
                if self._is_news(reading):
                    self._is_settled.clear()
                    yield Poll(next(_numbers), self._told, reading, frozenset(self._watchers.present))
                    await self._is_settled.wait()
                    self._told, self._told_at = place, time.monotonic()
                if not (reading.changes.has_next or self._is_behind()):
                    await self._pause(self._watch.poll_interval)

    def settle(self, poll: Poll, failed: int = 0) -> list[Watcher]:
        """Have the next poll begin, and return the triggers whose events of this one are all persisted.

        :param failed: of how many triggers they are not.
        :raises NotConfirmedError: when it is not known of which ones.
        """
        never_begun = sum(watcher.is_gone and watcher.begun < poll.number for watcher in poll.watchers)
        if failed and failed != never_begun:
            msg = (
                f"Airflow did not confirm that the events of {failed} of {len(poll.watchers)} triggers on "
                f"stream {self._watch.stream_id} are stored; all of them start again from the cursors that "
                "are kept, and some changes come twice."
            )
            raise NotConfirmedError(msg)
        self._is_settled.set()
        return [watcher for watcher in poll.watchers if watcher.done >= poll.number and not watcher.is_gone]

    async def read(self, place: Place) -> Reading:
        """Read the changes from a place on."""
        with shared_client(self._watch.cdf_conn_id) as client:
            return await client.run(lambda: client.use(lambda connected: self._read(connected, place)))

    def _read(self, client: CdfClient, place: Place) -> Reading:
        watch = self._watch
        origin = f"{client.base_url} {client.project}"
        position = place.position
        if place.origin not in (None, origin):
            log.warning(
                "Connection %s leads to another project than when the cursor of stream %s was kept; its "
                "changes are read from %s on.",
                watch.cdf_conn_id,
                watch.stream_id,
                watch.initialize_cursor,
            )
            position = None
        if position is None and self._failed_at is not None:  # what was written meanwhile counts, too
            position = ago(watch.initialize_cursor, self._failed_at)
        changes = read_changes(
            client,
            watch.stream_id,
            position=position,
            initialize_cursor=watch.initialize_cursor,
            filter=watch.filter,
            sources=watch.sources,
            max_records=max((watcher.max_identities for watcher in self._watchers.present.copy()), default=0),
        )
        return Reading(changes, client.project, Place(changes.position, origin))

    async def _all_ready(self) -> None:
        while waiting := [watcher for watcher in self._watchers.present if not watcher.is_ready]:
            await waiting[0].ready()

    def _newest(self) -> Place:
        """Return the place of the trigger that has come furthest; the others catch up with it."""
        places = [watcher.place for watcher in self._watchers.present if watcher.place.position is not None]
        return max(places, key=lambda place: place.position.time if place.position else 0.0, default=Place())

    def _is_behind(self) -> bool:
        return any(watcher.wants_more for watcher in self._watchers.present)

    def _is_news(self, reading: Reading) -> bool:
        return (
            reading.changes.total > 0
            or time.monotonic() - self._told_at >= KEEP_EVERY
            or any(
                watcher.is_ready and watcher.place.cursor != self._told.cursor
                for watcher in self._watchers.present
            )
        )

    def _after_failure(self, error: Exception, failures: int) -> float:
        """Log a failure, and return the seconds to wait."""
        watch = self._watch
        longest = max(watch.poll_interval, LONGEST_PAUSE)
        pause = min(watch.poll_interval * 2.0 ** min(failures - 1, 30), longest)
        if getattr(error, "retryable", False):
            log.warning(
                "Changes of stream %s could not be read, the next try is in %.0f s: %s",
                watch.stream_id,
                pause,
                error,
            )
            return pause
        is_known = getattr(error, "retryable", None) is not None
        log.error(
            "Changes of stream %s cannot be read, and no DAG is started by them, until this is mended "
            "(stream, filter and sources of the trigger, connection %s and its rights); the next try is in "
            "%.0f s: %s",
            watch.stream_id,
            watch.cdf_conn_id,
            pause,
            error,
            exc_info=None if is_known else error,
        )
        return pause

    async def _pause(self, seconds: float) -> None:
        """Wait, or until a trigger joins."""
        try:
            await asyncio.wait_for(self._watchers.has_changed.wait(), seconds)
        except (TimeoutError, asyncio.TimeoutError):
            return
