"""When queries see an accepted change."""

from __future__ import annotations

import random
import threading

from airflow_provider_cdf_records.local_server.clock import Clock


class Visibility:
    """Hides changes for some time after they were accepted.

    :param delay: seconds that each change stays invisible.
    :param jitter: seconds more at most: each request stays invisible for a time of its own.
    :param seed: of these times; the same for the same requests in the same order.
    """

    def __init__(self, clock: Clock, delay: float = 0.0, jitter: float = 0.0, seed: int = 0) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._jitter_ms = int(jitter * 1000)
        self._random = random.Random(seed)  # noqa: S311 (no secret)
        self._visible_from: dict[int, int] = {}  # by the time of the change, which no two requests share
        self.delay_ms = int(delay * 1000)

    @property
    def is_uneven(self) -> bool:
        """Whether changes become visible in another order than that in which they were accepted."""
        return self._jitter_ms > 0

    @property
    def longest_ms(self) -> int:
        """How long a change stays invisible at most."""
        return self.delay_ms + self._jitter_ms

    def accepted(self, at: int) -> None:
        """Note a change that is dated ``at``, which is not committed yet."""
        if self.is_uneven:
            with self._lock:
                more = self._random.randint(0, self._jitter_ms)
                self._visible_from[at] = self._clock.now_ms() + self.delay_ms + more

    def hidden(self) -> list[int]:
        """Return the times of the changes that are not visible yet, where that is uneven."""
        now = self._clock.now_ms()
        with self._lock:
            self._visible_from = {at: then for at, then in self._visible_from.items() if then > now}
            return list(self._visible_from)
