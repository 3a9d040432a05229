"""One batch, sent until each of its rows is accepted or rejected."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Protocol

from airflow_provider_cdf_records.load.batches import Batch
from airflow_provider_cdf_records.load.known_identities import KnownIdentities
from airflow_provider_cdf_records.load.part_threads import EndOfBatch, Part, PartThreads
from airflow_provider_cdf_records.load.probes import TIME_UNKNOWN, WriteTime
from airflow_provider_cdf_records.load.tally import Tally
from airflow_provider_cdf_records.load.verbs import Repeats
from airflow_provider_cdf_records.records.chunk import Identity
from airflow_provider_cdf_records.rejected.lines import rejection_of

log = logging.getLogger(__name__)


class RequestRefusedError(Exception):
    """A request was refused for something that is in it: sent in smaller parts, some of it can be accepted.

    :ivar identities: the records that the server names as the reason; may be empty.
    :ivar already_exist: whether the reason is that records exist already.
    :ivar may_be_stored_in_part: whether the answer means that others of its records may be stored than those
        that it names.
    :ivar may_be_stored: whether an earlier attempt without an answer may have stored records of the request.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        request_id: str | None = None,
        identities: Iterable[Identity] = (),
        already_exist: bool = False,
        may_be_stored_in_part: bool = False,
        may_be_stored: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.request_id = request_id
        self.identities = frozenset(identities)
        self.already_exist = already_exist
        self.may_be_stored_in_part = may_be_stored_in_part
        self.may_be_stored = may_be_stored


class RequestConflictError(Exception):
    """Someone else keeps changing some of the records of a request, whose others may be stored.

    Sent in smaller parts, it may succeed.

    :ivar error: that of the last attempt.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Sender(Protocol):
    """Sends the body of a request."""

    def send(self, body: bytes, *, is_divisible: bool) -> WriteTime | None:
        """Send ``{"items": [...]}``; return when all of it is accepted, and when that was, by CDF's clock.

        :param is_divisible: whether it holds several records.
        :raises RequestRefusedError: when a part of it may be accepted.
        :raises RequestConflictError: when that may be so for another reason than the records.
        :raises Exception: any other error ends the load.
        """

    def cancel(self) -> None:
        """Make every call of ``send`` end soon."""


class TooManyRejectedInBatchError(EndOfBatch):
    """The rest of a batch is not sent, since the load has too many rejected rows."""


class BatchSettler:
    """Sends batches, splits what is refused until the refused records are alone, and counts the rows.

    Used by all threads of a load.

    :param where: describes a position in words.
    :param max_concurrency: requests in flight at most.
    :param may_be_stored: whether an earlier try of this load may have stored some of the records: then one
        that exists counts as accepted.
    """

    def __init__(
        self,
        sender: Sender,
        tally: Tally,
        where: Callable[[int], str],
        repeats: Repeats,
        *,
        max_concurrency: int,
        may_be_stored: bool = False,
    ) -> None:
        self._sender = sender
        self.max_concurrency = max_concurrency
        self._threads = PartThreads(max_concurrency)
        self._tally = tally
        self._where = where
        self._repeats = repeats
        self._may_be_stored = may_be_stored
        self._known = KnownIdentities() if repeats is Repeats.IN_TURN else None

    def cancel(self) -> None:
        """Make every call of :meth:`settle` end soon."""
        self._sender.cancel()

    @property
    def error(self) -> BaseException | None:
        """The error that ended a batch, also while other parts of that batch are under way."""
        return self._threads.error

    def wait_until_idle(self, timeout: float) -> None:
        """Wait for parts of batches whose :meth:`settle` has failed."""
        self._threads.wait_until_idle(timeout)

    def settle(self, batch: Batch) -> None:
        """Send a batch until each of its rows is accepted, superseded or rejected.

        :raises TooManyRejectedInBatchError: when the load ends before that, for too many rejected rows.
        """
        if self._repeats is Repeats.LAST_COUNTS:
            rows = list(batch.latest.values())
            while rows:  # where the last row of an identity is refused, the one before takes its place
                refused = self._send_in_parts(batch, rows)
                earlier = [batch.earlier.get(batch.identities[row]) for row in refused]
                rows = [before.pop() for before in earlier if before]
        elif self._repeats is Repeats.IN_TURN:
            for turn in batch.turns():
                self._send_in_parts(batch, turn)
        else:
            self._send_in_parts(batch, list(range(len(batch))))

    def _send_in_parts(self, batch: Batch, rows: list[int]) -> list[int]:
        """Send rows of a batch, splitting what is refused until the refused ones are alone; return those."""
        refused: list[int] = []
        in_doubt: set[int] = set()  # rows that this load may have stored already
        if self._may_be_stored:
            in_doubt = self._not_known(batch, rows)
        self._threads.send_all(rows, lambda part: self._send_part(batch, part, refused, in_doubt))
        return refused

    def _send_part(self, batch: Batch, part: Part, refused: list[int], in_doubt: set[int]) -> list[Part]:
        """Send a part of a batch; return the parts to be sent in its place, if it is refused.

        :param refused: gets the row that is refused alone.
        :param in_doubt: rows that this load may have stored already; kept up to date. Threads share it, and
            each changes only the rows of its own part.
        """
        if self._tally.passed_max_rejected:
            raise TooManyRejectedInBatchError
        try:
            written = self._sender.send(batch.body_of(part), is_divisible=len(part) > 1)
        except RequestConflictError as conflict:
            if len(part) == 1:
                raise conflict.error from None
            return _split(part, 2)
        except RequestRefusedError as refusal:
            named = [row for row in part if batch.identities[row] in refusal.identities]
            in_doubt |= self._doubted_after(refusal, batch, part, named)
            if refusal.already_exist and (stored := self._stored_before(batch, part, named, in_doubt)):
                left = [row for row in part if row not in stored]
                return [left] if left else []
            if len(part) > 1:
                return self._smaller_parts(part, named)
            refused.append(part[0])
            self._reject(batch, part[0], refusal)
            return []
        self._tally.accept(batch.identities_of(part), self._superseded_by(batch, part), written)
        self._remember(batch, part)
        return []

    def _smaller_parts(self, part: Part, named: list[int]) -> list[Part]:
        """Split a refused part: each named row alone, or else several equal parts."""
        if named:
            suspects = set(named)
            rest = [row for row in part if row not in suspects]
            return [*([rest] if rest else []), *([row] for row in named)]
        return _split(part, self._threads.parts_at_once)

    def _doubted_after(
        self, refusal: RequestRefusedError, batch: Batch, part: list[int], named: list[int]
    ) -> set[int]:
        """Return the rows of a refused request that may be stored all the same."""
        if refusal.may_be_stored:
            return self._not_known(batch, part)
        if refusal.may_be_stored_in_part and len(part) > 1:
            return self._not_known(batch, part).difference(named)
        return set()

    def _not_known(self, batch: Batch, rows: list[int]) -> set[int]:
        """Return the rows whose identity is not known to exist, so that they themselves may be stored."""
        if self._known is None:
            return set()
        return {row for row in rows if batch.identities[row] not in self._known}

    def _remember(self, batch: Batch, rows: Iterable[int]) -> None:
        if self._known is not None:
            self._known.add(batch.identities[row] for row in rows)

    def _stored_before(self, batch: Batch, part: list[int], named: list[int], in_doubt: set[int]) -> set[int]:
        """Count and return the rows that exist already and that this load may have stored itself."""
        existing = named if named or len(part) > 1 else part
        stored = in_doubt.intersection(existing)
        self._remember(batch, existing)
        if stored:
            in_doubt -= stored
            self._tally.accept(batch.identities_of(list(stored)), written=TIME_UNKNOWN)
            log.info(
                "%d records exist already and count as accepted: an earlier attempt may have stored them.",
                len(stored),
            )
        return stored

    def _superseded_by(self, batch: Batch, rows: list[int]) -> list[int]:
        """Return the positions of the rows that rows of the batch stand for."""
        if self._repeats is not Repeats.LAST_COUNTS or not batch.earlier:
            return []
        earlier = (batch.earlier.get(batch.identities[row], ()) for row in rows)
        return [batch.positions[row] for row in chain.from_iterable(earlier)]

    def _reject(self, batch: Batch, row: int, refusal: RequestRefusedError) -> None:
        position = batch.positions[row]
        self._tally.reject(
            rejection_of(
                self._where(position),
                position,
                batch.rows[row],
                refusal.message,
                identity=batch.identities[row],
                status=refusal.status,
                request_id=refusal.request_id,
            )
        )


def _split(part: Part, count: int) -> list[Part]:
    """Split rows into parts of about the same size, in their order."""
    size = -(-len(part) // count)
    return [part[start : start + size] for start in range(0, len(part), size)]
