"""Clocks for the client that no test has to wait for."""

from __future__ import annotations

import threading

from airflow_provider_cdf_records.client.clock import Clock
from tests.waiting import PATIENCE, wait_until


class JumpingClock(Clock):
    """Jumps to the end of each wait."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        if seconds is None:
            changed.wait()
        else:
            self.now += seconds


class StoppedClock(Clock):
    """Stands still, and so does who waits, until it is moved on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._waiting: list[threading.Condition] = []

    def monotonic(self) -> float:
        return self.now

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        self._waiting.append(changed)
        was_told = changed.wait(PATIENCE)
        self._waiting.remove(changed)
        if not was_told:
            raise TimeoutError("nobody moved the clock on")

    def until_somebody_waits(self, count: int = 1) -> None:
        wait_until(lambda: len(self._waiting) >= count)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for changed in list(self._waiting):
            with changed:
                changed.notify_all()
