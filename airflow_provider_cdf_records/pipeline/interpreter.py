"""Settings of the interpreter that a load wants, for as long as it runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_INTERVAL = 0.0005  # seconds; a sender that has to wait for its turn leaves the network idle
GC_THRESHOLD = (
    100_000  # objects; batches hold some ten thousand and make no cycles, so looking at them is vain
)


@contextmanager
def set_up_for_throughput() -> Iterator[None]:
    """Switch threads sooner, and look for garbage less often; everything is put back afterwards."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(min(interval, SWITCH_INTERVAL))
    if gc.isenabled() and 0 < thresholds[0] < GC_THRESHOLD:
        gc.set_threshold(GC_THRESHOLD, *thresholds[1:])
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
