"""The last changes of records in mutable streams, with what the records held, for people who look at them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

MOST_CHANGES = 10_000
MOST_BYTES = 4_000_000

ChangedRecord = tuple[str, str, bytes | None]  # space, external id, properties; none where it was deleted


@dataclass(frozen=True)
class Change:
    """A record as one change left it; ``properties`` is ``None`` where it was deleted."""

    at: int  # epoch milliseconds
    properties: bytes | None


@dataclass(frozen=True)
class _Request:
    """What one request wrote; packed, since thousands of live objects would slow each write down."""

    stream_id: str
    at: int
    changes: int
    packed: bytes


class RecentChanges:
    """Keep the last changes, as many requests as fit; CDF itself keeps only what a record holds now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[_Request] = deque()
        self._changes = 0
        self._bytes = 0

    def add(self, stream_id: str, at: int, records: Sequence[ChangedRecord]) -> None:
        """Keep what one request wrote, and drop what no longer fits."""
        if not records:
            return
        request = _Request(stream_id, at, len(records), msgspec.msgpack.encode(records))
        with self._lock:
            self._requests.append(request)
            self._changes += request.changes
            self._bytes += len(request.packed)
            while self._changes > MOST_CHANGES or self._bytes > MOST_BYTES:
                dropped = self._requests.popleft()
                self._changes -= dropped.changes
                self._bytes -= len(dropped.packed)

    def of(self, stream_id: str, space: str, external_id: str) -> list[Change]:
        """Return the changes of a record that are kept, oldest first."""
        with self._lock:
            requests = [request for request in self._requests if request.stream_id == stream_id]
        return [
            Change(request.at, properties)
            for request in requests
            for *identity, properties in msgspec.msgpack.decode(request.packed, type=list[ChangedRecord])
            if identity == [space, external_id]
        ]
