"""Counts what becomes of the rows, and writes the rejected ones to a file."""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Collection
from operator import attrgetter
from types import TracebackType
from typing import Any

from airflow_provider_cdf_records.load.identity_count import IdentityCount
from airflow_provider_cdf_records.load.measures import UNREADABLE, class_of_reason
from airflow_provider_cdf_records.load.probes import CANDIDATES, Probes, WriteTime
from airflow_provider_cdf_records.load.summary import Summary, count_of
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.records.argument_checks import check_max_rejected
from airflow_provider_cdf_records.records.chunk import Identity, Mark
from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Rejection

MAX_QUOTED = 5  # how many rejected records an error quotes
SHARE_AFTER = 1000  # rejected records before a share is judged while the load runs


class TooManyRejectedError(Exception):
    """More records were rejected than ``max_rejected`` allows."""

    retryable = False

    def __init__(
        self,
        summary: Summary,
        max_rejected: float,
        first: list[Rejection],
        *,
        has_more: bool = False,
    ) -> None:
        self.summary = summary
        self.first = first
        verb = summary.verb
        named = "\n".join(f"  {rejection}" for rejection in first)
        more = f"\n  and {summary.rejected - len(first):,} more" if summary.rejected > len(first) else ""
        kept = (
            f"{_all_rejected(summary.rejected)} in {summary.rejected_path}."
            if summary.rejected_path
            else "Set rejected_path to keep them in a file, with the reasons."
        )
        allowed = f"{max_rejected:,}" if isinstance(max_rejected, int) else f"{max_rejected:.4g} of all"
        if not isinstance(max_rejected, int) and not summary.unsettled and not has_more:
            allowed += ", which was judged at the end, when all was read"
        rejected = f"{summary.rejected:,} of {count_of(summary.read, 'record')} read {_was(summary.rejected)}"
        if summary.valid is None:
            accepted = f"{summary.accepted:,} {_was(summary.accepted)} {verb.done} {verb.preposition} stream"
        else:
            accepted = f"{summary.valid:,} {_was(summary.valid)} valid, and nothing was sent to stream"
        super().__init__(
            f"{rejected} rejected, and max_rejected allows {allowed}. {accepted} {summary.stream_id}."
            f"{_left_out(summary, has_more)}\n{named}{more}\n{kept}"
        )


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _all_rejected(count: int) -> str:
    return "The rejected record is" if count == 1 else f"All {count:,} rejected records are"


def _left_out(summary: Summary, has_more: bool) -> str:
    """Return what a load leaves out that stopped for its rejected rows; nothing where that is nothing."""
    unsettled = summary.unsettled
    read = f"{count_of(unsettled, 'record')} that had been read"
    if unsettled and has_more:
        left_out = f"{read}, and the rest of the source, are"
    elif unsettled:
        left_out = f"{read} {'is' if unsettled == 1 else 'are'}"
    elif has_more:
        left_out = "the rest of the source is"
    else:
        return ""
    missed = "not loaded" if summary.valid is None else "not validated"
    nowhere = f"{missed}, nor in the rejected file" if summary.rejected_path else missed
    return (
        f" The load stopped there: {left_out} {nowhere}. Run the task again with a higher max_rejected, or "
        "with these records corrected in the source."
    )


class Tally:
    """Counts what becomes of the rows, over all tries of a load, and keeps the rejected ones.

    Shared by all senders.

    :param max_rejected: how many rejected rows are tolerated; a ``float``
        is a share of all rows, from 0.0 to 1.0. A share is judged at the end, and earlier once 1000 rows were
        rejected.
    :param resumed: the mark of an earlier try of the same load.
    :param probes: those of an earlier try of the same load, to go on from.
    :param validate_only: whether nothing is sent: what would be accepted counts as valid.
    """

    def __init__(
        self,
        verb: Verb[Any],
        stream_id: str,
        *,
        max_rejected: float = 0,
        rejected_file: RejectedFile | None = None,
        resumed: Mark | None = None,
        probes: Probes | None = None,
        validate_only: bool = False,
    ) -> None:
        check_max_rejected(max_rejected)
        self.verb = verb
        self.stream_id = stream_id
        self._max_rejected = max_rejected
        self._validate_only = validate_only
        self._file = rejected_file
        self._resumed_from = None if resumed is None else resumed.position
        before = self.before = resumed or Mark(-1)
        self.rejected_by: Counter[str] = Counter()  # of this try, by class of reason
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.first: list[Rejection] = []  # by position
        self._rejected_at = array("q")
        self._has_passed_max = False
        self.has_found_existing = False  # whether records were rejected because the stream had them already
        self.is_cut_short = False  # whether rows of the source were left unread
        self.has_seen_rows = resumed is not None  # of any part
        self.read = before.read
        self._rejected_before = before.rejected
        self._superseded_before_mark = before.superseded
        self._superseded_at: list[int] = []  # positions after the last mark
        self._superseded = before.superseded
        self._accepted = before.read - before.rejected - before.superseded
        self._identities = IdentityCount(is_known=resumed is None)
        self._probes = probes or Probes()

    def __enter__(self) -> Tally:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            with self._lock:  # a request that hung may be answered now, and its rows be rejected
                self._file.close()
        except Exception:
            if error is None:  # else the error that ended the load is what counts
                raise

    def accept(
        self,
        identities: Collection[Identity],
        superseded: Collection[int] = (),
        written: WriteTime | None = None,
    ) -> None:
        """Count records that CDF has accepted, and the rows that they stand for.

        :param identities: those of the records.
        :param superseded: the positions of the rows.
        :param written: when CDF wrote the records; ``None``: nothing was sent.
        """
        with self._lock:
            self._accepted += len(identities)
            if written is not None:
                fresh = self._identities.first_new(identities, CANDIDATES)
                self._probes.add(identities, fresh, written)
            self._identities.add(identities)
            self._superseded += len(superseded)
            self._superseded_at += superseded

    @property
    def accepted(self) -> int:
        """How many records CDF has accepted."""
        return self._accepted

    def reject(self, rejection: Rejection, *, is_unreadable: bool = False) -> None:
        """Count a rejected row and write it down.

        :param is_unreadable: whether the source could not read it.
        """
        with self._lock:
            insort(self._rejected_at, rejection.position)
            reason = UNREADABLE if is_unreadable else class_of_reason(rejection, self.verb)
            self.rejected_by[reason] += 1
            self.has_found_existing |= rejection.status in self.verb.statuses_of_existing
            insort(self.first, rejection, key=attrgetter("position"))
            del self.first[MAX_QUOTED:]
            if self._file is not None:
                self._file.write(rejection)

    @property
    def passed_max_rejected(self) -> bool:
        """Whether too many rows were rejected, so that the load must end.

        Once true it stays true, even if further rows bring a share down again: senders that saw it have left
        rows out.
        """
        rejected = self._rejected
        if isinstance(self._max_rejected, int) or rejected >= SHARE_AFTER:
            self._has_passed_max = self._has_passed_max or rejected > self._allowed
        return self._has_passed_max

    @property
    def _rejected(self) -> int:
        return self._rejected_before + len(self._rejected_at)

    @property
    def _allowed(self) -> float:
        return self._max_rejected if isinstance(self._max_rejected, int) else self._max_rejected * self.read

    def raise_if_too_many_rejected(self, summary: Summary) -> None:
        """Fail a load that has ended with too many rejected rows.

        :raises TooManyRejectedError: naming the first few, and the file.
        """
        if self._has_passed_max or self._rejected > self._allowed:
            raise TooManyRejectedError(summary, self._max_rejected, self.first, has_more=self.is_cut_short)

    def settle(self, mark: Mark) -> Mark:
        """Note that all rows before a mark are settled; return the mark with their numbers."""
        with self._lock:
            after = [position for position in self._superseded_at if position > mark.position]
            self._superseded_before_mark += len(self._superseded_at) - len(after)
            self._superseded_at = after
            rejected = self._rejected_before + bisect_right(self._rejected_at, mark.position)
            return mark._replace(rejected=rejected, superseded=self._superseded_before_mark)

    def persist(self) -> None:
        """Write the rejected records so far to storage."""
        if self._file is not None:
            with self._lock:
                self._file.persist()

    def complete(self) -> None:
        """Write the rejected records of a load that ended well; without any, remove those of an older one."""
        if self._file is not None:
            with self._lock:
                self._file.complete()

    def summary(self) -> Summary:
        """Return the numbers so far, without those of the requests."""
        with self._lock:
            summary: Summary = self.verb.summary(
                verb=self.verb,
                stream_id=self.stream_id,
                read=self.read,
                accepted=0 if self._validate_only else self._accepted,
                valid=self._accepted if self._validate_only else None,
                superseded=self._superseded,
                rejected=self._rejected,
                identities=self._identities.value,
                resumed_from=self._resumed_from,
                seconds=round(time.monotonic() - self._started, 3),
                rejected_path=str(self._file.path) if self._file is not None and self._rejected else None,
                probes=self._probes.as_list("until" if self.verb.removes_records else "since"),
            )
            return summary
