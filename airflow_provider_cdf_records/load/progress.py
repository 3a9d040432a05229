"""Progress lines while a load runs."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from airflow_provider_cdf_records.load.tally import Tally
from airflow_provider_cdf_records.sources import Source

INTERVAL = 10.0  # seconds between two lines


class ProgressLog:
    """Logs how far a load is at a steady interval, whatever the load is waiting for.

    :param tally: has the numbers so far.
    :param source: says how much of it has been read.
    """

    def __init__(self, log: Any, tally: Tally, source: Source) -> None:
        self._log = log
        self._tally = tally
        self._source = source
        self._read_before = tally.read  # by earlier tries
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
        prepared = getattr(self._source, "progress", lambda: None)
        while not self._ended.wait(INTERVAL):
            preparation = prepared()
            if preparation is not None:
                self._log.info("%s", preparation)
                continue
            summary, share = self._tally.summary(), self._source.share()
            rate = (summary.read - self._read_before) / max(summary.seconds, 0.001)
            self._log.info(
                "%s records read%s, %s %s, %s rejected; %s records/s.",
                f"{summary.read:,}",
                "" if share is None else f" ({share:.0%})",
                f"{summary.accepted if summary.valid is None else summary.valid:,}",
                summary.verb.done if summary.valid is None else "valid",
                f"{summary.rejected:,}",
                f"{rate:,.0f}",
            )
