"""What a load wants of the interpreter, for as long as it runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY_OBJECTS = 100_000  # batches hold some ten thousand, and leave no cycles behind


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Have Python look for cycles after so many new objects only: by default it would for every few rows."""
    thresholds = gc.get_threshold()
    if 0 < thresholds[0] < MANY_OBJECTS:  # 0: never
        gc.set_threshold(MANY_OBJECTS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
