"""Settings of the Python interpreter for the time of a load."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MANY_OBJECTS = 100_000  # batches hold some ten thousand, and leave no cycles behind
SHORT_TURN = 0.0002  # seconds; Python's own 0.005 is a tenth of the time that CDF takes to answer


@contextmanager
def tuned_for_loading() -> Iterator[None]:
    """Make Python look for reference cycles less often, and switch between threads more often.

    By default it looks for cycles every few rows, and a sender whose answer has come waits for the reading
    thread for up to 5 ms at each step.
    """
    thresholds, turn = gc.get_threshold(), sys.getswitchinterval()
    if 0 < thresholds[0] < MANY_OBJECTS:  # 0: never
        gc.set_threshold(MANY_OBJECTS, *thresholds[1:])
    if turn > SHORT_TURN:
        sys.setswitchinterval(SHORT_TURN)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if turn > SHORT_TURN:
            sys.setswitchinterval(turn)
