"""Batches to outcomes: sent in parallel, in an order that keeps the later row, split where CDF refuses."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Protocol

from airflow_provider_cdf_records.load.batches import Batch, Batcher
from airflow_provider_cdf_records.load.checkpoint import Checkpoint
from airflow_provider_cdf_records.load.interpreter import tuned_for_loading
from airflow_provider_cdf_records.load.outcome import Tally
from airflow_provider_cdf_records.records.chunk import Chunk, Convert, Identity, Mark
from airflow_provider_cdf_records.records.errors import LoadStoppedError
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import Source

STOP_WITHIN = 3.0  # seconds that requests in flight get to end when the load is stopped
STOP_CHECK = 0.25  # seconds between two looks whether it is


class RequestRefusedError(Exception):
    """A request was refused for something that is in it: sent in smaller parts, some of it can be stored.

    :ivar identities: the records that the server names as the reason; may be empty.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        request_id: str | None = None,
        identities: Iterable[Identity] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.request_id = request_id
        self.identities = frozenset(identities)


class Sender(Protocol):
    """Something that sends a batch."""

    def send(self, body: bytes) -> None:
        """Send ``{"items": [...]}``; return when all of it is accepted.

        :raises RequestRefusedError: when a part of it may be accepted. Any other error ends the load.
        """

    def cancel(self) -> None:
        """Make every call of ``send`` end soon."""


class _TooManyRejectedError(Exception):
    """What is left of a batch is not sent any more."""


def upload(
    source: Source,
    convert: Convert,
    sender: Sender,
    tally: Tally,
    *,
    max_concurrency: int,
    checkpoint: Checkpoint | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Send every row of the source, up to ``max_concurrency`` batches at a time.

    For one identity the last row that can be stored is what the stream holds at the end: a batch waits
    while one in flight holds an identity of its own. Every row goes to the tally, as stored, superseded or
    rejected; returns early when the tally says that too many are rejected.

    What a source delivered before it failed is sent; its error is raised afterwards.

    :param convert: makes checked records of the rows.
    :param checkpoint: told how far everything is settled.
    :param stop: when it is set, the load ends within seconds.
    :raises LoadStoppedError: when it was.
    """
    batcher = Batcher()
    failures: list[Exception] = []
    stop = stop or threading.Event()
    in_flight = _InFlight(
        sender, tally, source, max_concurrency=max_concurrency, checkpoint=checkpoint, stop=stop
    )
    with tuned_for_loading(), in_flight:
        for chunk in _until_failure(source, failures):
            if stop.is_set():
                break
            records = convert(chunk)
            tally.read += len(records.bodies) + len(records.refusals)
            for refusal in records.refusals:
                tally.reject(rejection_of(source.where(refusal.position), *refusal))
            if tally.passed_max_rejected:
                tally.is_cut_short = True
                break
            for batch, mark in batcher.feed(records, chunk.end._replace(read=tally.read)):
                in_flight.send(batch, mark)
        if last := batcher.flush():
            in_flight.send(last)
        in_flight.drain()
    if failures:
        raise failures[0]


def _until_failure(source: Source, failures: list[Exception]) -> Iterator[Chunk]:
    try:
        yield from source
    except Exception as error:
        failures.append(error)


class _Sending:
    """A batch on its way."""

    def __init__(self, batch: Batch, mark: Mark | None) -> None:
        self.batch = batch
        self.mark = mark
        self.is_settled = False
        self.error: BaseException | None = None


class _InFlight:
    """The batches under way: a few are ready, the others being sent, each by one thread until it is settled.

    The threads are daemons, so that a request that hangs does not hold up the end of the process.
    """

    def __init__(
        self,
        sender: Sender,
        tally: Tally,
        source: Source,
        *,
        max_concurrency: int,
        checkpoint: Checkpoint | None,
        stop: threading.Event,
    ) -> None:
        self._sender = sender
        self._tally = tally
        self._source = source
        self._max = max_concurrency
        self._ahead = max_concurrency // 2 + 1  # ready when several requests end at once
        self._checkpoint = checkpoint
        self._stop = stop
        self._threads = 0
        self._waiting: SimpleQueue[_Sending | None] = SimpleQueue()
        self._ended: SimpleQueue[_Sending] = SimpleQueue()
        self._has_failed = False
        self._under_way = 0
        self._identities: set[Identity] = set()  # of the batches under way, which share none
        self._unsettled: deque[_Sending] = deque()  # in the order of the source

    def __enter__(self) -> _InFlight:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._sender.cancel()
            deadline = time.monotonic() + STOP_WITHIN
            while self._under_way and (left := deadline - time.monotonic()) > 0:
                self._take_ended(left)
            self._advance()
        for _ in range(self._threads):
            self._waiting.put(None)

    def send(self, batch: Batch, mark: Mark | None = None) -> None:
        """Have a batch sent, as soon as there is room and none under way shares an identity with it."""
        identities = batch.latest.keys()
        while self._under_way >= self._max + self._ahead or not self._identities.isdisjoint(identities):
            self._settle_some()
        sending = _Sending(batch, mark)
        self._under_way += 1
        self._identities.update(identities)
        self._unsettled.append(sending)
        self._waiting.put(sending)
        if self._threads < min(self._under_way, self._max):
            self._threads += 1
            threading.Thread(target=self._work, name="cdf-upsert", daemon=True).start()

    def drain(self) -> None:
        """Wait until all is settled."""
        while self._under_way:
            self._settle_some()
        self._raise_if_stopped()

    def _work(self) -> None:
        while sending := self._waiting.get():
            try:
                if not self._has_failed:  # else what was ready is left to the next try
                    self._send_until_settled(sending.batch)
                    sending.is_settled = True
            except BaseException as error:
                sending.error = error
                self._has_failed = True
            self._ended.put(sending)

    def _take_ended(self, timeout: float) -> _Sending | None:
        try:
            ended = self._ended.get(timeout=timeout)
        except Empty:
            return None
        self._under_way -= 1
        self._identities.difference_update(ended.batch.latest)
        return ended

    def _settle_some(self) -> None:
        ended = self._take_ended(STOP_CHECK)
        self._advance()
        self._raise_if_stopped()
        if ended is not None and ended.error is not None:
            with suppress(_TooManyRejectedError):
                raise ended.error

    def _advance(self) -> None:
        """Move the checkpoint on to where nothing before is unsettled."""
        mark = None
        while self._unsettled and self._unsettled[0].is_settled:
            mark = self._unsettled.popleft().mark or mark
        if mark is not None and self._checkpoint is not None:
            self._checkpoint.settled(self._tally.with_earlier_tries(mark), self._tally.persist)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise LoadStoppedError

    def _send_until_settled(self, batch: Batch) -> None:
        """Send the latest row of each identity; where it is refused, the one before takes its place."""
        rows = list(batch.latest.values())
        while rows:
            refused = self._send_in_parts(batch, rows)
            earlier = [batch.earlier.get(batch.identities[row]) for row in refused]
            rows = [before.pop() for before in earlier if before]

    def _send_in_parts(self, batch: Batch, rows: list[int]) -> list[int]:
        """Send rows of a batch, halving what is refused until the refused ones are alone; return those."""
        refused: list[int] = []
        parts = [rows]
        while parts:
            if self._tally.passed_max_rejected:
                raise _TooManyRejectedError
            part = parts.pop()
            try:
                self._sender.send(batch.body_of(part))
            except RequestRefusedError as refusal:
                if len(part) > 1:
                    parts.extend(_smaller_parts(batch, part, refusal.identities))
                else:
                    refused.append(part[0])
                    self._reject(batch, part[0], refusal)
            else:
                earlier = batch.earlier
                superseded = (
                    sum(len(earlier.get(batch.identities[row], ())) for row in part) if earlier else 0
                )
                self._tally.stored(len(part), superseded)
        return refused

    def _reject(self, batch: Batch, row: int, refusal: RequestRefusedError) -> None:
        position = batch.positions[row]
        self._tally.reject(
            rejection_of(
                self._source.where(position),
                position,
                batch.rows[row],
                refusal.message,
                identity=batch.identities[row],
                status=refusal.status,
                request_id=refusal.request_id,
            )
        )


def _smaller_parts(batch: Batch, part: list[int], named: frozenset[Identity]) -> list[list[int]]:
    """Split what was refused, last part first: the named ones apart and alone, or else two halves."""
    suspects = [row for row in part if batch.identities[row] in named]
    if suspects and len(suspects) < len(part):
        rest = [row for row in part if batch.identities[row] not in named]
        return [*([suspect] for suspect in suspects), rest]
    middle = len(part) // 2
    return [part[middle:], part[:middle]]
