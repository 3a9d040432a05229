"""How fast records are written to each stream."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.state.activity import Activity

WINDOW = 5  # seconds that rates are averaged over


@dataclass
class _Second:
    at: int
    records: int = 0
    size: int = 0


class Throughput:
    """Count the records and bytes written to each stream, second by second.

    :param activity: counts the records of all streams.
    """

    def __init__(self, clock: Clock, activity: Activity) -> None:
        self._clock = clock
        self._activity = activity
        self._lock = threading.Lock()
        self._seconds: defaultdict[str, deque[_Second]] = defaultdict(lambda: deque(maxlen=WINDOW + 1))

    def add(self, stream_id: str, records: int, size: int) -> None:
        """Count what was written just now."""
        self._activity.add(records=records)
        now = int(self._clock.monotonic())
        with self._lock:
            seconds = self._seconds[stream_id]
            if not seconds or seconds[-1].at != now:
                seconds.append(_Second(now))
            seconds[-1].records += records
            seconds[-1].size += size

    def of(self, stream_id: str) -> tuple[float, float]:
        """Return records and bytes a second, over the last full seconds."""
        now = int(self._clock.monotonic())
        with self._lock:
            recent = [
                second for second in self._seconds.get(stream_id, ()) if now - WINDOW <= second.at < now
            ]
        records, size = sum(s.records for s in recent), sum(s.size for s in recent)
        return records / WINDOW, size / WINDOW
