"""Sends the parts of refused batches in several threads, so that a bad record is found in few round trips."""

from __future__ import annotations

import threading
from collections.abc import Callable

from airflow_provider_cdf_records.load.parallel import start_thread

Part = list[int]  # rows of a batch
SendPart = Callable[[Part], list[Part]]  # returns the smaller parts to be sent in place of a part, if any

MAX_PARTS = 8  # that a refused part is split into: more find a record in hardly fewer round trips


class _Work:
    """The parts of one batch that are still to be sent, the next one last."""

    def __init__(self, part: Part, send: SendPart) -> None:
        self.send = send
        self.parts = [part]
        self.running = 0
        self.error: BaseException | None = None
        self.changed = threading.Condition()


class EndOfBatch(Exception):
    """The rest of a batch is not sent; parts of it that are under way are waited for."""


class PartThreads:
    """Threads that help each other with the parts of their batches.

    A thread that has a batch sends its parts, and helpers join it while there are several. The client limits
    how many requests are in flight, whichever thread sends them. Helpers are daemons, so that a request that
    hangs does not hold up the end of the process.

    :param max_concurrency: requests in flight at most.
    :ivar error: the first that ended a batch, which the batch's own thread may tell much later.
    """

    def __init__(self, max_concurrency: int) -> None:
        self.parts_at_once = max(2, min(max_concurrency, MAX_PARTS))
        self._max_helpers = max_concurrency - 1
        self._helpers = 0
        self._changed = threading.Condition()
        self.error: BaseException | None = None

    def send_all(self, part: Part, send: SendPart) -> None:
        """Send a part of a batch, then the parts that stand in its place, until none is left.

        :raises Exception: what ``send`` raises, at once; parts under way may then end later. Only for an
            :class:`EndOfBatch` they are waited for, and what they raise comes first.
        """
        work = _Work(part, send)
        self._send_parts(work, waits=True)
        if work.error is not None:
            raise work.error

    def wait_until_idle(self, timeout: float) -> None:
        """Wait until no helper is sending."""
        with self._changed:
            self._changed.wait_for(lambda: not self._helpers, timeout)

    def _send_parts(self, work: _Work, *, waits: bool) -> None:
        """Send parts until there are none.

        :param waits: whether to wait for those that others are sending.
        """
        while (part := self._next_part(work, waits=waits)) is not None:
            smaller: list[Part] = []
            error: BaseException | None = None
            try:
                smaller = work.send(part)
            except BaseException as raised:
                error = raised
            with work.changed:
                work.running -= 1
                work.parts += reversed(smaller)
                if error is not None and (work.error is None or isinstance(work.error, EndOfBatch)):
                    work.error = error
                    if not isinstance(error, EndOfBatch):
                        self.error = self.error or error
                waiting = len(work.parts)
                work.changed.notify_all()
            if waiting > 1:
                self._call_helpers(work, waiting - 1)

    def _next_part(self, work: _Work, *, waits: bool) -> Part | None:
        with work.changed:
            while waits and work.running and (not work.parts if work.error is None else _is_end(work.error)):
                work.changed.wait()
            if work.error is not None or not work.parts:
                return None
            work.running += 1
            return work.parts.pop()

    def _call_helpers(self, work: _Work, wanted: int) -> None:
        with self._changed:
            count = min(wanted, self._max_helpers - self._helpers)
            self._helpers += max(0, count)
        for started in range(count):
            try:
                start_thread(self._help, work, name="cdf-send-part")
            except RuntimeError:  # the system lets no more start: those that there are send all parts
                with self._changed:
                    self._helpers -= count - started
                    self._changed.notify_all()
                return

    def _help(self, work: _Work) -> None:
        try:
            self._send_parts(work, waits=False)
        finally:
            with self._changed:
                self._helpers -= 1
                self._changed.notify_all()


def _is_end(error: BaseException) -> bool:
    return isinstance(error, EndOfBatch)
