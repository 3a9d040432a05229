"""The last changes of records in mutable streams, with what the records held, for people who look at them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

MOST_CHANGES = 10_000
MOST_BYTES = 4_000_000  # of properties

# seq, stream, space, external id, created, updated, properties; without properties where it was deleted
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """A record as one change left it; ``properties`` is ``None`` where it was deleted."""

    at: int  # epoch milliseconds
    properties: bytes | None


class RecentChanges:
    """Keep the last changes, as many requests as fit; CDF itself keeps only what a record holds now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[tuple[list[Row], int]] = deque()
        self._changes = 0
        self._bytes = 0

    def add(self, rows: list[Row]) -> None:
        """Keep the rows that one request wrote, and drop what no longer fits."""
        if not rows:
            return
        size = sum(len(row[-1]) for row in rows if row[-1])
        with self._lock:
            self._requests.append((rows, size))
            self._changes += len(rows)
            self._bytes += size
            while self._changes > MOST_CHANGES or self._bytes > MOST_BYTES:
                dropped, dropped_size = self._requests.popleft()
                self._changes -= len(dropped)
                self._bytes -= dropped_size

    def of(self, stream_id: str, space: str, external_id: str) -> list[Change]:
        """Return the changes of a record that are kept, oldest first."""
        with self._lock:
            requests = list(self._requests)
        identity = (stream_id, space, external_id)
        return [Change(row[5], row[6]) for rows, _ in requests for row in rows if row[1:4] == identity]
