"""Progress lines while a load runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType

from airflow_provider_cdf_records.load.summary import Summary

INTERVAL = 10.0  # seconds between two lines

log = logging.getLogger(__name__)


class ProgressLog:
    """Logs how far a load is at a steady interval, whatever the load is waiting for.

    :param summary: returns the numbers so far.
    :param share: returns how much of the source has been read, from 0 to 1; ``None`` where nobody knows.
    """

    def __init__(self, summary: Callable[[], Summary], share: Callable[[], float | None]) -> None:
        self._summary = summary
        self._share = share
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cdf-progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL):
            summary, share = self._summary(), self._share()
            log.info(
                "%s records read%s, %s %s, %s rejected; %s records/s.",
                f"{summary.read:,}",
                "" if share is None else f" ({share:.0%})",
                f"{summary.accepted:,}",
                summary.verb.done,
                f"{summary.rejected:,}",
                f"{summary.read / max(summary.seconds, 0.001):,.0f}",
            )
