"""One look at a condition, as sensors and triggers take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_cdf_records.waiting.condition import Finding


def look_once(look: Callable[[], Finding], log: Any) -> Finding:
    """Return what a look at a condition found, and log it.

    A failure that may pass, such as a CDF that cannot be reached, is one more reason to wait.

    :raises Exception: whatever else goes wrong.
    """
    try:
        found = look()
    except Exception as error:
        if not getattr(error, "retryable", False):
            raise
        log.warning("Not known yet: %s", error)
        return Finding(False, str(error))
    log.info("%s", found.message)
    return found
