"""What became of the rows: the summary, and the file of rejected records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from types import TracebackType
from typing import IO, Any

import msgspec

from airflow_provider_cdf_records.pipeline.errors import InvalidArgumentError
from airflow_provider_cdf_records.pipeline.storage import StoragePath

NAMED_REJECTIONS = 5  # how many rejected records an error quotes
LONGEST_QUOTE = 300  # characters of the server's words in such a quote
SHARE_AFTER = 1000  # rejected records before a share is judged on the way


@dataclass(frozen=True)
class UpsertSummary:
    """What a load did; ``read == upserted + superseded + rejected``.

    :param stream_id: the stream.
    :param read: rows taken from the source.
    :param upserted: records that CDF accepted.
    :param superseded: rows left out, since a later row of the same identity was stored.
    :param rejected: rows that could not be stored.
    :param resumed_from: the position from which an earlier try was continued.
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
        if not self.read:
            return f"Nothing to upsert into stream {self.stream_id}: the source holds no records."
        rate = f", {self.read / self.seconds:,.0f} records/s" if self.seconds > 0 else ""
        rejected = f"{self.rejected:,} rejected"
        if self.rejected_path:
            rejected += f" (see {self.rejected_path})"
        return (
            f"Upserted {self.upserted:,} of {self.read:,} records into stream {self.stream_id}: "
            f"{self.superseded:,} superseded by a later row, {rejected}; {self.requests:,} requests "
            f"({self.retries:,} retries), {_size(self.bytes_sent)} in {self.seconds:.2f} s{rate}."
        )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"  # noqa: PLR2004


@dataclass(frozen=True)
class Rejection:
    """A row that could not be stored, and why.

    :param where: position in words, such as ``line 17 of /data/alarms.ndjson``.
    :param record: the row as JSON, or as text where it is not JSON.
    """

    position: int
    where: str
    record: bytes | str
    message: str
    space: str | None = None
    external_id: str | None = None
    status: int | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        identity = f" ({self.space}/{self.external_id})" if self.external_id is not None else ""
        refused = f"CDF answered {self.status}: " if self.status else ""
        message = self.message if len(self.message) <= LONGEST_QUOTE else f"{self.message[:LONGEST_QUOTE]}..."
        return f"{self.where}{identity}: {refused}{message}"

    def as_line(self) -> bytes:
        """Return one line of the rejected-records file."""
        line = {
            "position": self.position,
            "where": self.where,
            "space": self.space,
            "externalId": self.external_id,
            "status": self.status,
            "message": self.message,
            "requestId": self.request_id,
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "record": msgspec.Raw(self.record) if isinstance(self.record, bytes) else self.record,
        }
        return msgspec.json.encode(line) + b"\n"


class RejectedFile:
    """NDJSON of rejected records, made when the first one comes, replacing what an earlier run left."""

    def __init__(self, path: StoragePath) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        if path.exists():
            path.unlink()

    def write(self, rejection: Rejection) -> None:
        """Append one rejection, and see that it is out of our hands."""
        if self._file is None:
            self._file = self.path.open("wb")
        self._file.write(rejection.as_line())
        self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


class TooManyRejectedError(Exception):
    """More records were rejected than ``max_rejected`` allows."""

    retryable = False

    def __init__(self, summary: UpsertSummary, max_rejected: float, first: list[Rejection]) -> None:
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
        super().__init__(
            f"{summary.rejected:,} of {summary.read:,} records read were rejected, and max_rejected allows "
            f"{allowed}. {summary.upserted:,} were upserted into stream {summary.stream_id}{not_sent}.\n"
            f"{named}{more}\n{kept}"
        )


class Tally:
    """Counts what becomes of the rows, and keeps the rejected ones. Shared by all senders.

    :param max_rejected: how many rejected rows are tolerated; a ``float`` is a share of all rows, from
        0.0 to 1.0. A share is judged at the end, and on the way once 1000 rows were rejected.
    """

    def __init__(
        self, stream_id: str, *, max_rejected: float = 0, rejected_path: StoragePath | None = None
    ) -> None:
        if not max_rejected >= 0 or (isinstance(max_rejected, float) and max_rejected > 1):
            msg = f"max_rejected must be a number of records, or a share from 0.0 to 1.0, not {max_rejected}."
            raise InvalidArgumentError(msg)
        self._stream_id = stream_id
        self._max_rejected = max_rejected
        self._file = RejectedFile(rejected_path) if rejected_path is not None else None
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._first: list[Rejection] = []
        self.read = 0
        self._upserted = 0
        self._superseded = 0
        self._rejected = 0

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
            self._rejected += 1
            if len(self._first) < NAMED_REJECTIONS:
                self._first.append(rejection)
            if self._file is not None:
                self._file.write(rejection)

    @property
    def passed_max_rejected(self) -> bool:
        """Whether there is no point in going on."""
        if isinstance(self._max_rejected, int):
            return self._rejected > self._max_rejected
        return self._rejected >= SHARE_AFTER and self._rejected > self._max_rejected * self.read

    def raise_if_too_many_rejected(self, summary: UpsertSummary) -> None:
        """Judge the finished load.

        :raises TooManyRejectedError: naming the first few, and the file.
        """
        allowed = (
            self._max_rejected if isinstance(self._max_rejected, int) else self._max_rejected * self.read
        )
        if self._rejected > allowed:
            raise TooManyRejectedError(summary, self._max_rejected, self._first)

    def summary(self) -> UpsertSummary:
        """Return the numbers as they stand; what went over the wire is for the sender to add."""
        with self._lock:
            return UpsertSummary(
                stream_id=self._stream_id,
                read=self.read,
                upserted=self._upserted,
                superseded=self._superseded,
                rejected=self._rejected,
                seconds=round(time.monotonic() - self._started, 3),
                rejected_path=str(self._file.path) if self._file is not None and self._rejected else None,
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
