"""A source that is read by a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from contextvars import copy_context
from queue import Empty, Full, Queue
from types import TracebackType

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources.source import Source

log = logging.getLogger(__name__)

LOOK_EVERY = 0.2  # seconds between two looks whether it is over
STOP_WITHIN = 3.0  # seconds


class ReadAhead:
    """Reads a source one chunk ahead, and can be left while the source blocks.

    A database may take minutes to answer, in a call that no signal interrupts: the task has to end all the
    same when it is told to. To be used in a ``with`` statement.

    :param cancel: makes the source's thread return soon, where that is possible.
    """

    def __init__(self, source: Source, cancel: Callable[[], None] = lambda: None) -> None:
        self._source = source
        self._cancel = cancel
        self._ready: Queue[Chunk | BaseException | None] = Queue(1)
        self._is_stopped = False
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
            self.stop()  # again and again: what is to be cancelled may have begun after the last time
            self._thread.join(LOOK_EVERY)
        if self._thread.is_alive():
            log.warning("The source does not end, and is left to itself until this process ends.")

    def stop(self) -> None:
        """Let the iteration end soon; may be called by a signal handler."""
        self._is_stopped = True
        if self._cancelling is None or not self._cancelling.is_alive():
            self._cancelling = threading.Thread(target=self._cancel, name="cdf-cancel", daemon=True)
            self._cancelling.start()

    def __iter__(self) -> Iterator[Chunk]:
        run = copy_context().run
        self._thread = threading.Thread(target=run, args=(self._read,), name="cdf-source", daemon=True)
        self._thread.start()
        while not self._is_stopped:
            try:
                item = self._ready.get(timeout=LOOK_EVERY)
            except Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def where(self, position: int) -> str:
        return self._source.where(position)

    def share(self) -> float | None:
        return self._source.share()

    def _read(self) -> None:
        last: BaseException | None = None
        try:
            with closing(iter(self._source)) as chunks:  # type: ignore[type-var]
                for chunk in chunks:
                    self._offer(chunk)
                    if self._is_stopped:
                        return
        except BaseException as error:
            last = error
        self._offer(last)

    def _offer(self, item: Chunk | BaseException | None) -> None:
        while not self._is_stopped:
            with suppress(Full):
                self._ready.put(item, timeout=LOOK_EVERY)
                return
