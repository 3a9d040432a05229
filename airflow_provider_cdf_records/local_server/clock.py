"""The server's time, which a test can stop and move forward instead of waiting."""

from __future__ import annotations

import asyncio
import threading
import time

NS = 1_000_000_000  # whole nanoseconds, so that advancing by a duration ends a wait of exactly that duration


class Clock:
    """The time of day, a steady time to measure durations with, and a wait. Safe to share between threads.

    .. code-block:: python

        clock = Clock(stopped=True)
        with LocalServer(clock=clock, visibility_delay=60) as server:
            ...  # records are stored, and queries do not see them yet
            clock.advance(60)  # now they do

    :param stopped: until :meth:`resume`, only :meth:`advance` moves the clock.
    """

    def __init__(self, *, stopped: bool = False) -> None:
        self._lock = threading.Lock()
        self._added = 0
        self._stopped_at: tuple[int, int] | None = None
        self._sleepers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        if stopped:
            self.stop()

    def now_ms(self) -> int:
        """Return the time of day in epoch milliseconds."""
        return self._read()[0] // 1_000_000

    def monotonic(self) -> float:
        """Return seconds since an arbitrary moment; they never go back."""
        return self._read()[1] / NS

    @property
    def sleepers(self) -> int:
        """The number of calls of :meth:`sleep` that are waiting."""
        return len(self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once; calls of :meth:`sleep` that end by then return.

        :raises ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            msg = f"seconds must be 0 or more, got {seconds}"
            raise ValueError(msg)
        with self._lock:
            self._added += round(seconds * NS)
        self._wake_sleepers()

    def stop(self) -> None:
        """Stop the clock."""
        with self._lock:
            self._stopped_at = self._stopped_at or (time.time_ns(), time.monotonic_ns())
        self._wake_sleepers()

    def resume(self) -> None:
        """Let the clock run again, from where it stopped."""
        with self._lock:
            if self._stopped_at is not None:
                self._added += self._stopped_at[1] - time.monotonic_ns()
                self._stopped_at = None
        self._wake_sleepers()

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock has moved forward by ``seconds``."""
        until = self._read()[1] + round(seconds * NS)
        while True:
            moved, loop = asyncio.Event(), asyncio.get_running_loop()
            with self._lock:
                self._sleepers[moved] = loop
            left = until - self._read()[1]
            alarm = None if self._stopped_at is not None else loop.call_later(left / NS, moved.set)
            try:
                if left <= 0:
                    return
                await moved.wait()
            finally:
                if alarm is not None:
                    alarm.cancel()
                with self._lock:
                    del self._sleepers[moved]

    def _read(self) -> tuple[int, int]:
        with self._lock:
            day, steady = self._stopped_at or (time.time_ns(), time.monotonic_ns())
            return day + self._added, steady + self._added

    def _wake_sleepers(self) -> None:
        with self._lock:
            for moved, loop in self._sleepers.items():
                loop.call_soon_threadsafe(moved.set)
