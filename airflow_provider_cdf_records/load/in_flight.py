"""Sends batches in parallel, and in order where they share an identity."""

from __future__ import annotations

import threading
import time
from collections import deque
from queue import Empty, SimpleQueue
from types import TracebackType

from airflow_provider_cdf_records.load.batches import MAX_BYTES_HELD, Batch
from airflow_provider_cdf_records.load.checkpoint import Checkpoint
from airflow_provider_cdf_records.load.parallel import start_thread
from airflow_provider_cdf_records.load.refusals import BatchSettler, TooManyRejectedInBatchError
from airflow_provider_cdf_records.load.tally import Tally
from airflow_provider_cdf_records.records.chunk import Identity, Mark
from airflow_provider_cdf_records.records.errors import LoadStoppedError

STOP_WITHIN = 3.0  # seconds that requests in flight get to end when the load is stopped
STOP_CHECK = 0.25  # seconds between two checks whether the load is stopped


class _Sending:
    """A batch on its way, and the mark that the load has reached once it and all before it are settled."""

    def __init__(self, batch: Batch, mark: Mark | None) -> None:
        self.batch = batch
        self.mark = mark
        self.is_settled = False
        self.error: BaseException | None = None


class InFlight:
    """Sends batches in parallel, each by one thread until it is settled; a few more are kept ready.

    A batch waits while one under way holds an identity of its own, so that their rows arrive in the order of
    the source. The threads are daemons, so that a request that hangs does not hold up the end of the process.

    :param settler: sends a batch until each of its rows is accepted or rejected.
    :param checkpoint: told how far everything is settled.
    :param stop: when it is set, :meth:`send` and :meth:`drain` raise :class:`LoadStoppedError`.
    """

    def __init__(
        self,
        settler: BatchSettler,
        tally: Tally,
        *,
        checkpoint: Checkpoint | None,
        stop: threading.Event,
    ) -> None:
        self._settler = settler
        self._tally = tally
        self._max = settler.max_concurrency
        self._ahead = self._max // 2 + 1  # ready when several requests end at once
        self._checkpoint = checkpoint
        self._stop = stop
        self._threads = 0
        self._waiting: SimpleQueue[_Sending | None] = SimpleQueue()
        self._ended: SimpleQueue[_Sending] = SimpleQueue()
        self._has_failed = False
        self._under_way = 0
        self._bytes_under_way = 0  # of rows
        self._identities: set[Identity] = set()  # of the batches under way, which share none
        self._unsettled: deque[_Sending] = deque()  # in the order of the source

    def __enter__(self) -> InFlight:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._settler.cancel()
            deadline = time.monotonic() + STOP_WITHIN
            while self._under_way and (left := deadline - time.monotonic()) > 0:
                self._next_ended(left)
            self._settler.wait_until_idle(max(0, deadline - time.monotonic()))
            self._advance()
        for _ in range(self._threads):
            self._waiting.put(None)

    def send(self, batch: Batch, mark: Mark | None = None) -> None:
        """Send a batch, as soon as there is room and no batch under way shares an identity with it."""
        self._raise_if_stopped()  # the batch may be one that the thread of the source is still filling
        identities = batch.exclusive_identities
        while self._is_full_for(batch) or not self._identities.isdisjoint(identities):
            self._wait_for_a_batch()
        sending = _Sending(batch, mark)
        self._under_way += 1
        self._bytes_under_way += batch.bytes_held
        self._identities.update(identities)
        self._unsettled.append(sending)
        self._waiting.put(sending)
        if self._threads < min(self._under_way, self._max):
            self._threads += 1
            start_thread(self._work, name="cdf-send")

    def _is_full_for(self, batch: Batch) -> bool:
        most = self._max + self._ahead
        size = self._bytes_under_way + batch.bytes_held
        return self._under_way >= most or (self._under_way > 0 and size > most * MAX_BYTES_HELD)

    def drain(self) -> None:
        """Wait until all batches are settled."""
        while self._under_way:
            self._wait_for_a_batch()
        self._raise_if_stopped()

    def _work(self) -> None:
        while sending := self._waiting.get():
            try:
                if not self._has_failed:  # otherwise leave the batch to the next try
                    self._settler.settle(sending.batch)
                    sending.is_settled = True
            except BaseException as error:
                sending.error = error
                self._has_failed = True
            self._ended.put(sending)

    def _next_ended(self, timeout: float) -> _Sending | None:
        try:
            ended = self._ended.get(timeout=timeout)
        except Empty:
            return None
        self._under_way -= 1
        self._bytes_under_way -= ended.batch.bytes_held
        self._identities.difference_update(ended.batch.exclusive_identities)
        return ended

    def _wait_for_a_batch(self) -> None:
        ended = self._next_ended(STOP_CHECK)
        self._advance()
        self._raise_if_stopped()
        if self._settler.error is not None:
            raise self._settler.error
        if ended is None or ended.error is None:
            return
        if not isinstance(ended.error, TooManyRejectedInBatchError):  # the tally fails the load for that
            raise ended.error

    def _advance(self) -> None:
        """Move the checkpoint to the last mark that has only settled batches before it."""
        mark = None
        while self._unsettled and self._unsettled[0].is_settled:
            mark = self._unsettled.popleft().mark or mark
        if mark is not None and self._checkpoint is not None:
            self._checkpoint.settled(self._tally.settle(mark), self._tally.persist)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise LoadStoppedError
