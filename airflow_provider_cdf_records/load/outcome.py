"""What became of the rows: the summary, and the file of rejected records."""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Rejection

NAMED_REJECTIONS = 5  # how many rejected records an error quotes
SHARE_AFTER = 1000  # rejected records before a share is judged on the way


@dataclass(frozen=True)
class UpsertSummary:
    """What a load did; ``read == upserted + superseded + rejected``.

    :param stream_id: the stream.
    :param read: rows taken from the source.
    :param upserted: records that CDF accepted.
    :param superseded: rows left out, since a later row of the same identity was stored.
    :param rejected: rows that could not be stored.
    :param resumed_from: the position (line or item) after which an earlier try was continued.
    :param requests: API requests sent, retries included.
    :param retries: how many of them were sent again.
    :param bytes_sent: bytes of request bodies as sent, compressed where compression is on.
    :param seconds: duration of the load.
    :param rejected_path: where the rejected records are, if there are any and a path was given.
    """

    stream_id: str
    read: int = 0
    upserted: int = 0
    superseded: int = 0
    rejected: int = 0
    resumed_from: int | None = None
    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    seconds: float = 0.0
    rejected_path: str | None = None

    @property
    def unsettled(self) -> int:
        """Rows that were read and not sent when a load ended early; 0 at the end of one that did not."""
        return self.read - self.upserted - self.superseded - self.rejected

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON, as for an XCom."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.read and self.resumed_from is None:
            return f"Nothing to upsert into stream {self.stream_id}: no records were read."
        rate = f", {self.read / self.seconds:,.0f} records/s" if self.seconds > 0 and self.upserted else ""
        rejected = f"{self.rejected:,} rejected"
        if self.unsettled:
            rejected += f", {self.unsettled:,} read and not sent"
        if self.resumed_from is not None:
            rejected += f", resumed after {self.resumed_from:,}"
        if self.rejected_path:
            rejected += f" (see {self.rejected_path})"
        return (
            f"Upserted {self.upserted:,} of {self.read:,} records into stream {self.stream_id}: "
            f"{self.superseded:,} superseded by a later row, {rejected}; {self.requests:,} requests "
            f"({self.retries:,} retries), {_size(self.bytes_sent)} in {self.seconds:.2f} s{rate}."
        )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"  # noqa: PLR2004


class TooManyRejectedError(Exception):
    """More records were rejected than ``max_rejected`` allows."""

    retryable = False

    def __init__(
        self,
        summary: UpsertSummary,
        max_rejected: float,
        first: list[Rejection],
        *,
        before: int = 0,
        cut_short: bool = False,
    ) -> None:
        self.summary = summary
        self.first = first
        named = "\n".join(f"  {rejection}" for rejection in first)
        more = f"\n  and {summary.rejected - len(first):,} more" if summary.rejected > len(first) else ""
        kept = (
            f"All of them are in {summary.rejected_path}."
            if summary.rejected_path
            else "Set rejected_path to keep them in a file, with the reasons."
        )
        not_sent = f", {summary.unsettled:,} not sent" if summary.unsettled else ""
        allowed = f"{max_rejected:,}" if isinstance(max_rejected, int) else f"{max_rejected:.4g} of all"
        stopped = (
            " The load stopped there and did not look at the rest of the source: raise max_rejected to load "
            "the good records and to find all bad ones."
            if cut_short
            else ""
        )
        earlier = f" (and {before:,} in earlier tries)" if before else ""
        super().__init__(
            f"{summary.rejected:,} of {summary.read:,} records read were rejected{earlier}, and max_rejected "
            f"allows {allowed}. {summary.upserted:,} were upserted into stream {summary.stream_id}"
            f"{not_sent}.{stopped}\n{named}{more}\n{kept}"
        )


class Tally:
    """Counts what becomes of the rows, and keeps the rejected ones. Shared by all senders.

    :param max_rejected: how many rejected rows are tolerated, those of earlier tries included; a ``float``
        is a share of all rows, from 0.0 to 1.0. A share is judged at the end, and on the way once 1000 rows
        were rejected.
    :param resumed: where an earlier try of the same load came to.
    """

    def __init__(
        self,
        stream_id: str,
        *,
        max_rejected: float = 0,
        rejected_file: RejectedFile | None = None,
        resumed: Mark | None = None,
    ) -> None:
        if (
            not isinstance(max_rejected, int | float)
            or not max_rejected >= 0
            or (isinstance(max_rejected, float) and max_rejected > 1)
        ):
            msg = (
                f"max_rejected must be a number of records, or a share from 0.0 to 1.0, not {max_rejected!r}."
            )
            raise InvalidArgumentError(msg)
        self.stream_id = stream_id
        self._max_rejected = max_rejected
        self._file = rejected_file
        self._resumed = resumed
        self._before = resumed or Mark(-1)
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._first: list[Rejection] = []
        self._rejected_at = array("q")
        self._is_over = False
        self.is_cut_short = False  # whether rows of the source were left unread
        self.read = 0
        self._upserted = 0
        self._superseded = 0

    def __enter__(self) -> Tally:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def stored(self, upserted: int, superseded: int) -> None:
        """Count records that CDF has accepted, and the rows that stand back for them."""
        with self._lock:
            self._upserted += upserted
            self._superseded += superseded

    def reject(self, rejection: Rejection) -> None:
        """Count a rejected row and write it down."""
        with self._lock:
            insort(self._rejected_at, rejection.position)
            if len(self._first) < NAMED_REJECTIONS:
                self._first.append(rejection)
            if self._file is not None:
                self._file.write(rejection)

    @property
    def passed_max_rejected(self) -> bool:
        """Whether there is no point in going on.

        Once it is so it stays so, though more rows may make a share good again: senders that saw it have left
        rows out.
        """
        rejected = self._rejected
        if isinstance(self._max_rejected, int) or rejected >= SHARE_AFTER:
            self._is_over = self._is_over or rejected > self._allowed
        return self._is_over

    @property
    def _rejected(self) -> int:
        return self._before.rejected + len(self._rejected_at)

    @property
    def _allowed(self) -> float:
        share = self._before.read + self.read
        return self._max_rejected if isinstance(self._max_rejected, int) else self._max_rejected * share

    def raise_if_too_many_rejected(self, summary: UpsertSummary) -> None:
        """Judge the finished load.

        :raises TooManyRejectedError: naming the first few, and the file.
        """
        if self._is_over or self._rejected > self._allowed:
            raise TooManyRejectedError(
                summary,
                self._max_rejected,
                self._first,
                before=self._before.rejected,
                cut_short=self.is_cut_short,
            )

    def with_earlier_tries(self, mark: Mark) -> Mark:
        """Add to the numbers of a mark of this try those of the tries before."""
        with self._lock:
            rejected = bisect_right(self._rejected_at, mark.position)
        return mark._replace(read=self._before.read + mark.read, rejected=self._before.rejected + rejected)

    def persist(self) -> None:
        """See that the rejected records so far are where they belong."""
        if self._file is not None:
            with self._lock:
                self._file.persist()

    def summary(self) -> UpsertSummary:
        """Return the numbers as they stand; what went over the wire is for the sender to add."""
        with self._lock:
            any_rejected = self._rejected_at or self._before.rejected
            return UpsertSummary(
                stream_id=self.stream_id,
                read=self.read,
                upserted=self._upserted,
                superseded=self._superseded,
                rejected=len(self._rejected_at),
                resumed_from=self._resumed.position if self._resumed else None,
                seconds=round(time.monotonic() - self._started, 3),
                rejected_path=str(self._file.path) if self._file is not None and any_rejected else None,
            )


class ProgressLog:
    """Calls ``report`` at a steady interval, whatever the load is waiting for."""

    def __init__(self, report: Callable[[], None], interval: float) -> None:
        self._report = report
        self._interval = interval
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
        while not self._ended.wait(self._interval):
            self._report()
