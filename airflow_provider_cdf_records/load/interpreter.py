"""What a load wants of the interpreter, for as long as it runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MANY_OBJECTS = 100_000  # batches hold some ten thousand, and leave no cycles behind
SHORT_TURN = 0.0002  # seconds; Python's own 0.005 is a tenth of the time that CDF takes to answer


@contextmanager
def tuned_for_loading() -> Iterator[None]:
    """Have Python look for cycles seldom, and let threads that send wait less for the one that reads.

    By default it looks for cycles every few rows, and a sender whose answer has come waits up to 5 ms, at
    each step, until the reader makes way.
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
