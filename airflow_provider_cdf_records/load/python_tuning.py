"""Settings of the Python interpreter for the time of a load."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MANY_OBJECTS = 100_000  # batches hold some ten thousand, and leave no cycles behind
SHORT_TURN = 0.001  # seconds; with less, threads take turns so often that it costs a seventh of all time
ROUNDING = 5e-7  # seconds; Python cuts off what is below a microsecond, and so reads 0.0001 back as 0.000099

Settings = tuple[tuple[int, ...], float]


@contextmanager
def tuned_for_loading() -> Iterator[None]:
    """Make Python look for reference cycles less often, and switch between threads more often.

    By default it looks for cycles every few rows, and a sender whose answer has come waits for the reading
    thread for up to 5 ms at each step. The settings are those of the process: they stay until the last of
    the loads in it has ended, and a setting that someone else has changed meanwhile stays as it is.
    """
    _tuning.begin()
    try:
        yield
    finally:
        _tuning.end()


class _Tuning:
    """What the loads of this process that run at the moment have in common."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loads = 0
        self._before = self._tuned = _settings()

    def begin(self) -> None:
        with self._lock:
            if not self._loads:
                self._before = _settings()
                _tune()
                self._tuned = _settings()
            self._loads += 1

    def end(self) -> None:
        with self._lock:
            self._loads -= 1
            if self._loads:
                return
            (thresholds, turn), now = self._before, _settings()
            if now[0] == self._tuned[0]:
                gc.set_threshold(*thresholds)
            if now[1] == self._tuned[1]:
                sys.setswitchinterval(turn + ROUNDING)


def _settings() -> Settings:
    return gc.get_threshold(), sys.getswitchinterval()


def _tune() -> None:
    thresholds, turn = _settings()
    if 0 < thresholds[0] < MANY_OBJECTS:  # 0: never
        gc.set_threshold(MANY_OBJECTS, *thresholds[1:])
    if turn > SHORT_TURN:
        sys.setswitchinterval(SHORT_TURN)


_tuning = _Tuning()
