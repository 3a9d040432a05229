"""The state that all senders of a client share: how many may send, until when to pause, whether to stop."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.errors import CdfCancelledError

ROUNDS = 5  # of answered requests, after which there may be one more in parallel
SPREAD = 0.25  # seconds over which paused senders start again, so that they do not all send at once


class Throttle:
    """Parallelism that halves when CDF throttles and grows back slowly, and one shared pause.

    Loads of many processes share a project's budget, and know nothing of each other. A pause takes as long as
    several requests, so that growing back within a few of them would have each load throttled again at once.

    :param max_concurrency: requests in flight at most.
    """

    def __init__(self, max_concurrency: int, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._max = float(max_concurrency)
        self._limit = float(max_concurrency)
        self._in_flight = 0
        self._paused_until = 0.0
        self._paused = 0.0
        self._cancelled = False

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit)

    @property
    def paused_seconds(self) -> float:
        """For how long nothing was sent, or will not be, since CDF asked for less."""
        return self._paused

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for the pause to end and for a free slot, and hold the slot.

        :raises CdfCancelledError: when the client is told to stop.
        """
        self._enter()
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()  # the first to wake up may be one that only sleeps

    def _enter(self) -> None:
        with self._changed:
            spread = 0.0
            while True:
                self._raise_if_cancelled()
                left = self._paused_until + spread - self._clock.monotonic()
                if left > 0:
                    spread = spread or random.uniform(0, SPREAD)  # noqa: S311
                    self._clock.wait(self._changed, left)
                elif self._in_flight >= self.limit:
                    self._clock.wait(self._changed, None)
                else:
                    self._in_flight += 1
                    return

    def sleep(self, seconds: float) -> None:
        """Wait without a slot, as between two attempts.

        :raises CdfCancelledError: when the client is told to stop.
        """
        until = self._clock.monotonic() + seconds
        with self._changed:
            while (left := until - self._clock.monotonic()) > 0:
                self._raise_if_cancelled()
                self._clock.wait(self._changed, left)
            self._raise_if_cancelled()

    def wait_for(self, outcome: Future[Any]) -> None:
        """Wait until a future is done.

        :raises CdfCancelledError: when the client is told to stop.
        """
        outcome.add_done_callback(self._wake_all)
        with self._changed:
            while not outcome.done():
                self._raise_if_cancelled()
                self._changed.wait()

    def throttled(self, pause: float) -> None:
        """Stop all sending for ``pause`` seconds, and halve the parallelism, since CDF asked for less."""
        now = self._clock.monotonic()
        with self._changed:
            if now >= self._paused_until:  # one halving a pause, however many requests it hit
                self._limit = max(1.0, self._limit / 2)
            until = max(self._paused_until, now + pause)
            self._paused += until - max(self._paused_until, now)
            self._paused_until = until

    def went_well(self) -> None:
        """Count an answered request: some full rounds of these allow one more in parallel."""
        with self._changed:
            if self._limit < self._max:
                self._limit = min(self._max, self._limit + 1 / (ROUNDS * self._limit))
                self._changed.notify_all()

    def cancel(self) -> None:
        """End every wait, and stop all sending."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def _wake_all(self, _: object) -> None:
        with self._changed:
            self._changed.notify_all()

    def _raise_if_cancelled(self) -> None:
        if self._cancelled:
            msg = "The client was told to stop."
            raise CdfCancelledError(msg)
