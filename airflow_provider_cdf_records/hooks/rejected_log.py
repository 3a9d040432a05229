"""Shows in the task log what a load rejected that ended well all the same."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.load.measures import Measures
from airflow_provider_cdf_records.load.summary import count_of


def log_rejected(log: Any, measures: Measures) -> None:
    """Log the first rejected records, which Airflow's web interface folds away below one line.

    A load that fails for them has them in its error.
    """
    count = sum(measures.rejected.values())
    if not count:
        return
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(measures.rejected.items()))
    log.warning("::group::%s rejected (%s)", count_of(count, "record"), reasons)
    for rejection in measures.examples:
        log.warning("%s", rejection)
    if count > len(measures.examples):
        log.warning("and %s more", f"{count - len(measures.examples):,}")
    log.info("::endgroup::")
