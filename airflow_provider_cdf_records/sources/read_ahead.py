"""A source that is read by a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from types import TracebackType

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources.source import Source

log = logging.getLogger(__name__)

CHUNKS_AHEAD = 2  # read and not yet asked for
LOOK_EVERY = 0.2  # seconds between two looks whether it is over
STOP_WITHIN = 3.0  # seconds


class ReadAhead:
    """Reads a source a few chunks ahead, and can be left while the source blocks.

    A database, a network or a generator may take minutes to answer, in a call that no signal interrupts: the
    task has to end all the same when it is told to. To be used in a ``with`` statement.

    The source runs in that thread with a copy of the caller's context variables.

    :param source: told to end by its method ``cancel``, if it has one (see ``CancellableSource``).
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._cancel = getattr(source, "cancel", None)
        # Queues that a signal handler may put into, also while the thread that it interrupts waits for them.
        self._ready: SimpleQueue[Chunk | BaseException | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(CHUNKS_AHEAD):
            self._room.put(None)
        self._is_stopped = False
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._cancelling: threading.Thread | None = None

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        deadline = time.monotonic() + STOP_WITHIN
        while self._thread.is_alive() and time.monotonic() < deadline:
            if not self._has_ended:
                self.stop()  # again and again: what is to be cancelled may have begun after the last time
            self._thread.join(LOOK_EVERY)
        if self._thread.is_alive():
            log.warning(
                "The source did not stop within %g seconds. Its thread stays until the process ends.",
                STOP_WITHIN,
            )

    def stop(self) -> None:
        """Let the iteration end soon; may be called by a signal handler and by any thread."""
        self._is_stopped = True
        self._ready.put(None)
        self._room.put(None)
        if self._cancel is None or (self._cancelling is not None and self._cancelling.is_alive()):
            return
        self._cancelling = threading.Thread(target=self._cancel, name="cdf-cancel", daemon=True)
        self._cancelling.start()

    def __iter__(self) -> Iterator[Chunk]:
        run = copy_context().run
        self._thread = threading.Thread(target=run, args=(self._read,), name="cdf-source", daemon=True)
        self._thread.start()
        while not self._is_stopped:
            try:
                item = self._ready.get(timeout=LOOK_EVERY)  # a signal may wait until this ends
            except Empty:
                continue
            if self._is_stopped:
                return
            if not isinstance(item, Chunk):
                self._has_ended = True
                if item is not None:
                    raise item
                return
            self._room.put(None)
            yield item

    def where(self, position: int) -> str:
        return self._source.where(position)

    def share(self) -> float | None:
        return self._source.share()

    def _read(self) -> None:
        failure: BaseException | None = None
        try:
            self._hand_over_chunks()
        except BaseException as error:
            failure = error
        self._ready.put(failure)

    def _hand_over_chunks(self) -> None:
        chunks = iter(self._source)
        try:
            for chunk in chunks:
                self._room.get()
                if self._is_stopped:
                    return
                self._ready.put(chunk)
        finally:
            close = getattr(chunks, "close", None)  # generators have it; others need nothing of the kind
            if close is not None:
                close()
