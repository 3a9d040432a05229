"""Reads a source in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources.source import Source

log = logging.getLogger(__name__)

T = TypeVar("T")

CHUNKS_TOGETHER = 4  # read at each request, since a change of threads costs a good part of a chunk's time
CHUNKS_AHEAD = 4  # of a cancellable source: with no more than these left, more are requested
BYTES_AHEAD = 1 << 23  # of rows; with more than these, no more chunks are read
LOOK_EVERY = 0.2  # seconds between two checks for a chunk or the end
STOP_WITHIN = 3.0  # seconds that the source gets to end


class _End(NamedTuple):
    """The end of a source, and what it failed with, if it did."""

    failure: BaseException | None


class ReadAhead(Generic[T]):
    """Reads a source in a thread of its own, and can be left while the source blocks.

    A database, a network or a generator may take minutes to answer, in a call that no signal interrupts: the
    task has to end all the same when it is told to. Use it in a ``with`` statement.

    The source runs in that thread with a copy of the caller's context variables. One that waits for others (a
    ``CancellableSource``) is read while the caller works. Any other is read only while the caller waits: of
    two threads that compute at the same time, each holds up the other.

    :param source: ended by its method ``cancel``, if it has one.
    :param convert: called with each chunk in that thread, where the chunk is still in the processor's cache.
    """

    def __init__(self, source: Source, convert: Callable[[Chunk], T]) -> None:
        self._source = source
        self._convert = convert
        self._cancel = getattr(source, "cancel", None)
        self._ahead = CHUNKS_AHEAD if self._cancel is not None else 0
        self._requests = 0  # that are not answered yet
        self._items: deque[T | _End] = deque()  # what was read and converted
        self._sizes: deque[int] = deque()  # bytes of the rows of each, added before it and removed after it
        # Queues that a signal handler may put into, also while the thread that it interrupts waits for them.
        self._wanted: SimpleQueue[None] = SimpleQueue()
        self._answered: SimpleQueue[None] = SimpleQueue()
        self._is_stopped = False
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._cancelling: threading.Thread | None = None

    def __enter__(self) -> ReadAhead[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        deadline = time.monotonic() + STOP_WITHIN
        while self._thread.is_alive() and time.monotonic() < deadline:
            if not self._has_ended:
                self.stop()  # again and again: the call to cancel may have begun after the last time
            self._thread.join(LOOK_EVERY)
        if self._thread.is_alive():
            log.warning(
                "The source did not stop within %g seconds. Its thread stays until the process ends.",
                STOP_WITHIN,
            )

    def has_more(self, within: float, is_nothing: Callable[[T], bool] = lambda _: False) -> bool:
        """Return whether the source goes on after what the iteration has yielded.

        :param within: seconds; a source that does not show its end until then is taken to go on.
        :param is_nothing: whether a converted chunk does not count, such as one without rows.
        """
        deadline = time.monotonic() + within
        while not self._has_ended:
            self._request()
            item = self._items[0] if self._items else None
            if item is not None and not isinstance(item, _End) and is_nothing(item):
                self._items.popleft()
                self._sizes.popleft()
                continue
            if self._items or self._is_stopped or (left := deadline - time.monotonic()) <= 0:
                return not (self._items and self._items[0] == _End(None))
            with suppress(Empty):
                self._answered.get(timeout=left)
                self._requests -= 1
        return False

    def stop(self) -> None:
        """Make the iteration end soon; may be called by a signal handler and by any thread."""
        self._is_stopped = True
        self._answered.put(None)
        self._wanted.put(None)
        if self._cancel is None or (self._cancelling is not None and self._cancelling.is_alive()):
            return
        self._cancelling = threading.Thread(target=self._cancel, name="cdf-cancel", daemon=True)
        self._cancelling.start()

    def __iter__(self) -> Iterator[T]:
        run = copy_context().run
        self._thread = threading.Thread(target=run, args=(self._read,), name="cdf-source", daemon=True)
        self._thread.start()
        while not isinstance(item := self._next(), _End):
            yield item
        if item.failure is not None:
            raise item.failure

    def _next(self) -> T | _End:
        self._request()
        while not self._items and not self._is_stopped:
            with suppress(Empty):  # a source that blocks may have read some of the chunks
                self._answered.get(timeout=LOOK_EVERY)  # a signal may wait until this ends
                self._requests -= 1
            self._request()
        if self._is_stopped:
            return _End(None)
        item = self._items.popleft()
        self._has_ended = isinstance(item, _End)
        if not self._has_ended:
            self._sizes.popleft()
        return item

    def _request(self) -> None:
        """Ask for more chunks if there are few, and none are being read already."""
        with suppress(Empty):
            while self._requests:
                self._answered.get_nowait()
                self._requests -= 1
        has_few = not self._items or (len(self._items) <= self._ahead and sum(self._sizes) < BYTES_AHEAD)
        if not self._requests and has_few:
            self._requests += 1
            self._wanted.put(None)

    def _read(self) -> None:
        failure: BaseException | None = None
        try:
            self._answer_requests()
        except BaseException as error:
            failure = error
        self._items.append(_End(failure))
        self._answered.put(None)

    def _answer_requests(self) -> None:
        chunks = iter(self._source)
        try:
            while True:
                self._wanted.get()
                size = 0
                for _ in range(CHUNKS_TOGETHER):
                    chunk = None if self._is_stopped else next(chunks, None)
                    if chunk is None or self._is_stopped:  # it may have blocked until after the end
                        return
                    converted = self._convert(chunk)
                    self._sizes.append(chunk.size)
                    self._items.append(converted)
                    size += chunk.size
                    if size >= BYTES_AHEAD:
                        break
                self._answered.put(None)
        finally:
            close = getattr(chunks, "close", None)  # generators have it, other iterators may not
            if close is not None:
                close()
