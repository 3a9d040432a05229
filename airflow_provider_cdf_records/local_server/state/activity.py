"""What happened in the last minutes, second by second."""

from __future__ import annotations

import threading
from collections import deque

from airflow_provider_cdf_records.local_server.clock import Clock

KEPT = 15 * 60  # seconds in which something happened


class Activity:
    """Count stored records, requests and refused requests of each second; safe from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: deque[list[int]] = deque(maxlen=KEPT)

    def add(self, *, records: int = 0, requests: int = 0, refused: int = 0) -> None:
        """Count what happened just now."""
        now = self._clock.now_ms() // 1000
        with self._lock:
            if not self._seconds or self._seconds[-1][0] < now:
                self._seconds.append([now, 0, 0, 0])
            for place, count in enumerate((records, requests, refused), start=1):
                self._seconds[-1][place] += count

    def since(self, second: int) -> list[list[int]]:
        """Return ``[epoch second, records, requests, refused]`` from a second on, oldest first."""
        with self._lock:
            return [list(counts) for counts in self._seconds if counts[0] >= second]
