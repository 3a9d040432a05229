"""When to look next."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 7 * 86_400.0  # seconds between two looks: without it, doubling ends in numbers that no clock takes


@dataclass(frozen=True)
class Schedule:
    """The moments of the looks of one wait, the same ones after a restart; in seconds since the epoch.

    :param started_at: when the first look was.
    :param interval: seconds between two looks.
    :param deadline: after it, the look that found nothing was the last one; ``None``: there is no such time.
    :param is_doubling: whether the intervals double, each with a random share, as Airflow's
        ``exponential_backoff`` has it.
    :param longest: seconds between two looks at most, when they double.
    """

    started_at: float
    interval: float
    deadline: float | None = None
    is_doubling: bool = False
    longest: float | None = None

    def next_look(self, now: float) -> float:
        """Return when to look again, after a look that found nothing before the deadline."""
        if not self.is_doubling:
            return now + self.interval
        elapsed = now - self.started_at
        passed = 0.0
        for pause in self._pauses():
            passed += pause
            if passed > elapsed:
                break
        moment = now + min(pause, LONGEST if self.longest is None else self.longest)
        return moment if self.deadline is None else min(moment, max(now, self.deadline))

    def first_look(self) -> float:
        """Return when to look for the second time, whoever has looked for the first."""
        return self.next_look(self.started_at)

    def _pauses(self) -> Iterator[float]:
        draw = random.Random(self.started_at)  # noqa: S311 (the same ones after a restart)
        pause = max(self.interval / 2, 1.0)
        while True:
            yield min(pause * draw.uniform(1, 2), LONGEST)
            pause = min(pause * 2, LONGEST)
