"""Imports that a task makes only when it runs, at the least cost."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Keep Python from looking for reference cycles while modules are imported.

    All that they make stays. A search goes through whatever the process holds, which Airflow has filled well,
    and takes longer than the imports that set it off.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
