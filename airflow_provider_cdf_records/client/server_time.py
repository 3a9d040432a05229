"""The time by the server's clock, as its answers tell it."""

from __future__ import annotations

import threading
from datetime import timezone
from email.utils import parsedate_to_datetime


class ServerTime:
    """The greatest ``Date`` of the answers so far; whole seconds. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted = ""
        self._latest: int | None = None

    @property
    def latest(self) -> int | None:
        """Epoch milliseconds that the server's clock has reached; ``None`` where no answer had a date."""
        return self._latest

    def note(self, date: str) -> None:
        """Note the date of an answer; one that cannot be read, or is none, tells nothing."""
        if date == self._noted:  # most answers: parsing costs more than comparing
            return
        try:
            moment = parsedate_to_datetime(date)
            milliseconds = int(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp() * 1000)
        except (TypeError, ValueError, OverflowError):
            return
        with self._lock:
            self._noted = date
            self._latest = max(milliseconds, self._latest or 0)
