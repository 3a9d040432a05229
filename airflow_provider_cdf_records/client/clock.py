"""The clock that measures waits, pauses and the lifetime of tokens."""

from __future__ import annotations

import threading
import time


class Clock:
    """This machine's monotonic clock. Tests replace it with clocks whose waits take no time."""

    def monotonic(self) -> float:
        """Return seconds since some moment; they only grow."""
        return time.monotonic()

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        """Wait, holding the condition's lock, until it is notified or the time, if any, has passed."""
        changed.wait(seconds)


SYSTEM = Clock()
