"""What Airflow's shared streams poll with: cursors move once events are persisted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

if TYPE_CHECKING:
    from airflow_provider_cdf_records.triggers.watched_stream import WatchedStream
    from airflow_provider_cdf_records.triggers.watcher import Poll


class ChangesProducer(SharedStreamProducer):
    """Polls a stream for several triggers, and keeps how far each has come.

    :param stream: what is polled.
    """

    def __init__(self, stream: WatchedStream) -> None:
        self._stream = stream

    async def open_stream(self) -> AsyncIterator[tuple[Poll, Poll]]:
        """Yield the polls."""
        async for poll in self._stream.polls():
            yield poll, poll

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Keep the cursors of the triggers whose events are in Airflow's database."""
        for poll, outcome in batch:
            settled = self._stream.settle(poll, outcome.failed + outcome.rejected)
            places = [(watcher, watcher.place) for watcher in settled]  # the next poll moves them meanwhile
            for watcher, place in places:
                await watcher.save(place)
