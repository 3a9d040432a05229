"""One trigger that watches a stream: what its assets have been told, and what they are told next."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_cdf_records.waiting.changes import Position

if TYPE_CHECKING:
    from airflow_provider_cdf_records.triggers.stores import Store
    from airflow_provider_cdf_records.waiting import Changes

CATCH_UP_SECONDS = 60.0  # to catch up within one poll: Airflow fails a trigger that takes five minutes
LOAD_AGAIN = 5.0  # seconds after which a store that failed is asked again


log = logging.getLogger(__name__)


class Place(NamedTuple):
    """How far a stream of a project has been read.

    :param position: where reading goes on; ``None``: it begins at ``initialize_cursor``.
    :param origin: the project that the position is of; ``None``: of whichever it is.
    """

    position: Position | None = None
    origin: str | None = None

    @property
    def cursor(self) -> str | None:
        """The cursor, which tells places apart."""
        return None if self.position is None else self.position.cursor


class Reading(NamedTuple):
    """What was read of a project.

    :param changes: what has changed.
    :param project: the CDF project.
    :param place: where reading goes on.
    """

    changes: Changes
    project: str
    place: Place


class Poll(NamedTuple):
    """One look at a stream, for all triggers that watch it.

    :param number: grows with each poll of a process.
    :param start: where it began.
    :param reading: what it found.
    :param watchers: the triggers that were there.
    """

    number: int
    start: Place
    reading: Reading
    watchers: frozenset[Watcher]


class Watcher:
    """A trigger's part of a poll that several share.

    :param read: reads the changes from a place on.
    :param stores: where the trigger's assets keep their state; none: what it knows ends with the process.
    :param key: the name of the cursor in them.
    :param max_identities: how many records an event lists at most.
    :ivar place: up to where the trigger has made events of changes.
    :ivar begun: number of the last poll that it has begun to work on; ``done``: that it has finished.
    :ivar is_gone: whether the trigger has ended.
    :ivar wants_more: whether it has to go on at once, since there is more than fitted into one poll.
    """

    def __init__(
        self,
        read: Callable[[Place], Awaitable[Reading]],
        stores: Sequence[Store],
        *,
        key: str,
        stream_id: str,
        max_identities: int,
    ) -> None:
        self.max_identities = max_identities
        self.place = Place()
        self.begun = self.done = -1
        self.is_gone = False
        self.wants_more = False
        self._read = read
        self._stores = stores
        self._key = key
        self._stream_id = stream_id
        self._ready = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether it knows from where to go on."""
        return self._ready.is_set()

    async def ready(self) -> None:
        """Wait until it knows from where to go on, or has ended."""
        await self._ready.wait()

    def leave(self) -> None:
        """Note that the trigger has ended."""
        self.is_gone = True
        self._ready.set()

    async def load(self) -> None:
        """Go on where the assets' stores say, however long it takes until they can be asked.

        Of several assets, the one that was told least decides: the others are told some changes again. One
        without a cursor is new, and joins the others.
        """
        while True:
            try:
                kept = [_place(await store.get(self._key)) for store in self._stores]
            except Exception as error:
                log.warning("The cursor of stream %s cannot be read yet: %s", self._stream_id, error)
                await asyncio.sleep(LOAD_AGAIN)
            else:
                break
        known = [(place.position.time, place) for place in kept if place.position is not None]
        if known:
            self.place = min(known, key=lambda one: one[0])[1]
        self._ready.set()

    async def save(self, place: Place) -> None:
        """Keep how far it has come; a failure only has changes come again after a restart."""
        if place.position is None:
            return
        value = {**place.position._asdict(), "origin": place.origin}
        for store in self._stores:
            try:
                await store.set(self._key, value)
            except Exception as error:
                log.warning("The cursor of stream %s could not be kept: %s", self._stream_id, error)

    async def events(self, poll: Poll) -> AsyncIterator[dict[str, Any]]:
        """Yield the events that tell of a poll.

        A trigger that stands elsewhere than where the poll begins, since it has joined late or was down,
        reads from its own place first, which covers the poll, too.
        """
        self.begun = poll.number
        self.wants_more = False
        if self.place.cursor == poll.start.cursor:
            if poll.reading.changes.total:
                yield self._event(poll.reading)
            self.place = poll.reading.place
        else:
            async for event in self._catch_up(poll):
                yield event
        self.done = poll.number

    async def _catch_up(self, poll: Poll) -> AsyncIterator[dict[str, Any]]:
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while True:
            try:
                reading = await self._read(self.place)
            except Exception as error:
                log.warning("Catching up with stream %s is tried again: %s", self._stream_id, error)
                return
            if reading.changes.total:
                yield self._event(reading)
            if not reading.changes.has_next:
                self.place = poll.reading.place
                return
            self.place = reading.place
            if time.monotonic() > deadline:
                self.wants_more = True
                return

    def _event(self, reading: Reading) -> dict[str, Any]:
        changes = reading.changes
        records = changes.listed.records[: self.max_identities]
        return {
            "stream_id": self._stream_id,
            "project": reading.project,
            "created": changes.created,
            "updated": changes.updated,
            "deleted": changes.deleted,
            "records": records,
            "has_more_records": changes.total > len(records),
        }


def _place(kept: Any) -> Place:
    """Return what a store kept; of another form, it is as good as nothing."""
    try:
        return Place(Position(str(kept["cursor"]), float(kept["time"])), kept["origin"])
    except (TypeError, KeyError, ValueError):
        return Place()
