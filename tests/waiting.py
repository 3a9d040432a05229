"""Waiting for what another thread or process does, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

PATIENCE = 300.0  # seconds: no machine takes so long, only what hangs does
SOON = 60.0  # seconds that what ends within seconds may take on a machine with much else to do
LOOK_EVERY = 0.01  # seconds

T = TypeVar("T")


def wait_until(what: Callable[[], T], patience: float = PATIENCE) -> T:
    """Return what a function returns as soon as that is true."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(LOOK_EVERY)
    pytest.fail(f"waited {patience} s in vain")


def wait_until_it_stays(what: Callable[[], T], looks: int = 50) -> T:
    """Return what a function returns once it has been the same for many looks."""
    seen, same = what(), 0
    while same < looks:
        time.sleep(LOOK_EVERY)
        seen, same = (seen, same + 1) if (now := what()) == seen else (now, 0)
    return seen
