"""Batches to outcomes: sent in parallel, in an order that keeps the later row, split where CDF refuses."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

import msgspec

from airflow_provider_cdf_records.pipeline.batches import Batch, Batcher, request_body
from airflow_provider_cdf_records.pipeline.checkpoint import Checkpoint
from airflow_provider_cdf_records.pipeline.errors import LoadStoppedError
from airflow_provider_cdf_records.pipeline.outcome import Tally
from airflow_provider_cdf_records.pipeline.record import (
    Identity,
    InvalidRecordError,
    Record,
    Row,
    encode,
    to_record,
)
from airflow_provider_cdf_records.pipeline.rejected import Rejection
from airflow_provider_cdf_records.pipeline.sources import Source

STOP_WITHIN = 4.0  # seconds that requests in flight get to end when the load is stopped
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

    :param checkpoint: told how far everything is settled.
    :param stop: when it is set, the load ends within seconds.
    :raises LoadStoppedError: when it was.
    """
    batcher = Batcher()
    failures: list[Exception] = []
    stop = stop or threading.Event()
    previous = -1
    with _InFlight(
        sender, tally, source, max_concurrency=max_concurrency, checkpoint=checkpoint, stop=stop
    ) as in_flight:
        for position, row in _until_failure(source, failures):
            if stop.is_set():
                break
            tally.read += 1
            try:
                record = to_record(position, row)
            except InvalidRecordError as error:
                tally.reject(_own_rejection(source.where(position), position, row, str(error)))
                if tally.passed_max_rejected:
                    break
            else:
                if full := batcher.feed(record):
                    in_flight.send(full, (previous, source.offset_before(), tally.read - 1))
                    if tally.passed_max_rejected:
                        break
            previous = position
        if last := batcher.flush():
            in_flight.send(last)
        in_flight.drain()
    if failures:
        raise failures[0]


def _until_failure(source: Source, failures: list[Exception]) -> Iterator[tuple[int, Row]]:
    try:
        yield from source
    except Exception as error:
        failures.append(error)


Place = tuple[int, int, int]  # position, offset and rows read up to the end of a batch


class _InFlight:
    """The batches that are being sent, each by a thread of its own until all of it is settled.

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
        self._checkpoint = checkpoint
        self._stop = stop
        self._batches: dict[Future[None], Batch] = {}
        self._order: deque[tuple[Future[None], Place | None]] = deque()

    def __enter__(self) -> _InFlight:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._sender.cancel()
            wait(self._batches, timeout=STOP_WITHIN)
            self._advance()

    def send(self, batch: Batch, end: Place | None = None) -> None:
        """Start to send a batch, as soon as there is room and none in flight shares an identity with it."""
        while len(self._batches) >= self._max or self._shares_identity(batch):
            self._settle_some()
        future: Future[None] = Future()
        self._batches[future] = batch
        self._order.append((future, end))
        threading.Thread(target=self._work, args=(batch, future), name="cdf-upsert", daemon=True).start()

    def drain(self) -> None:
        """Wait until all is settled."""
        while self._batches:
            self._settle_some()
        self._raise_if_stopped()

    def _work(self, batch: Batch, future: Future[None]) -> None:
        try:
            self._send_until_settled(batch)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    def _settle_some(self) -> None:
        done, _ = wait(self._batches, timeout=STOP_CHECK, return_when=FIRST_COMPLETED)
        for future in done:
            del self._batches[future]
        self._advance()
        self._raise_if_stopped()
        for future in done:
            with suppress(_TooManyRejectedError):
                future.result()

    def _advance(self) -> None:
        """Move the checkpoint on to where nothing before is unsettled."""
        end = None
        while self._order and self._order[0][0].done() and not self._order[0][0].exception():
            end = self._order.popleft()[1]
        if end is not None and self._checkpoint is not None:
            self._checkpoint.settled(self._tally.mark(*end), self._tally.persist)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            msg = "The load was told to stop."
            raise LoadStoppedError(msg)

    def _shares_identity(self, batch: Batch) -> bool:
        identities = batch.latest.keys()
        return any(not identities.isdisjoint(other.latest) for other in self._batches.values())

    def _send_until_settled(self, batch: Batch) -> None:
        """Send the latest row of each identity; where it is refused, the one before takes its place."""
        records = list(batch.latest.values())
        while records:
            refused = self._send_in_parts(records, batch.earlier)
            records = [batch.earlier[r.identity].pop() for r in refused if batch.earlier.get(r.identity)]

    def _send_in_parts(self, records: list[Record], earlier: Mapping[Identity, list[Record]]) -> list[Record]:
        """Send records, halving what is refused until the refused ones are alone; return those."""
        refused: list[Record] = []
        parts = [records]
        while parts:
            if self._tally.passed_max_rejected:
                raise _TooManyRejectedError
            part = parts.pop()
            try:
                self._sender.send(request_body(part))
            except RequestRefusedError as refusal:
                if len(part) > 1:
                    parts.extend(_smaller_parts(part, refusal.identities))
                else:
                    refused.append(part[0])
                    self._tally.reject(_rejection(self._source.where(part[0].position), part[0], refusal))
            else:
                superseded = sum(len(earlier.get(record.identity, ())) for record in part) if earlier else 0
                self._tally.stored(len(part), superseded)
        return refused


def _smaller_parts(part: list[Record], named: frozenset[Identity]) -> list[list[Record]]:
    """Split what was refused, last part first: the named ones apart and alone, or else two halves."""
    suspects = [record for record in part if record.identity in named]
    if suspects and len(suspects) < len(part):
        rest = [record for record in part if record.identity not in named]
        return [*([suspect] for suspect in suspects), rest]
    middle = len(part) // 2
    return [part[middle:], part[:middle]]


def _rejection(where: str, record: Record, refusal: RequestRefusedError) -> Rejection:
    space, external_id = record.identity
    return Rejection(
        position=record.position,
        where=where,
        record=record.body,
        message=refusal.message,
        space=space,
        external_id=external_id,
        status=refusal.status,
        request_id=refusal.request_id,
    )


def _own_rejection(where: str, position: int, row: Row, message: str) -> Rejection:
    """Tell what can be told of a row that is not a record."""
    record: bytes | str
    try:
        record = bytes(msgspec.json.decode(row, type=msgspec.Raw)) if isinstance(row, bytes) else encode(row)
        fields = msgspec.json.decode(record)
    except (ValueError, AttributeError, TypeError, RecursionError):
        record = row.decode(errors="replace") if isinstance(row, bytes) else repr(row)
        fields = row
    identity = fields if isinstance(fields, Mapping) else {}
    return Rejection(
        position=position,
        where=where,
        record=record,
        message=message,
        space=_text(identity.get("space")),
        external_id=_text(identity.get("externalId")),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
