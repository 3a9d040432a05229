"""Rows from an asynchronous generator, which runs in an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Iterator, Mapping
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, NamedTuple

from airflow_provider_cdf_records.sources.iterables import RecordsSource

ITEMS_AHEAD = 32  # rows that are taken before they are asked for; one frame or list counts as so many


class _End(NamedTuple):
    failure: BaseException | None


class AsyncRecordsSource(RecordsSource):
    """Rows of an asynchronous iterable, whose items are rows, lists of rows or frames.

    Its event loop never stands still while a load works, so that what runs beside the generator (connections
    that are kept alive, other tasks) goes on; the generator itself waits when it is far ahead of the load.
    """

    def __init__(self, records: AsyncIterable[Any]) -> None:
        self._draining = _Draining(records)
        super().__init__(self._draining)

    def cancel(self) -> None:
        """Cancel what the generator waits for; it may clean up."""
        self._draining.cancel()


class _Draining:
    """Iterates over an asynchronous iterable that another thread drains into a bounded queue."""

    def __init__(self, records: AsyncIterable[Any]) -> None:
        self._records = records
        self._items: SimpleQueue[Any] = SimpleQueue()
        self._ahead = 0  # only the loop's thread changes it
        self._has_room = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_cancelled = False

    def __iter__(self) -> Iterator[Any]:
        run = copy_context().run
        thread = threading.Thread(target=run, args=(self._run,), name="cdf-async-source", daemon=True)
        thread.start()
        settled = 0
        try:
            while not isinstance(item := self._items.get(), _End):
                yield item
                settled += _weight(item)
                if settled >= ITEMS_AHEAD // 2:
                    self._call(self._settle, settled)
                    settled = 0
        finally:
            self.cancel()
        if item.failure is not None:
            raise item.failure

    def cancel(self) -> None:
        """End the draining soon. Any thread may call this, again and again."""
        self._is_cancelled = True
        if self._task is not None:
            self._call(self._task.cancel)

    def _call(self, function: Any, *args: Any) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop is closed: all is drained
            return

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            asyncio.run(self._drain())
        except asyncio.CancelledError as error:
            # Of the generator's own making: an exception, since a thread has nobody to cancel it.
            failure = None if self._is_cancelled else RuntimeError("The asynchronous source was cancelled.")
            if failure is not None:
                failure.__cause__ = error
        except BaseException as error:
            failure = error
        self._items.put(_End(failure))

    async def _drain(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._is_cancelled:
            return
        iterator = aiter(self._records)
        try:
            async for item in iterator:
                self._ahead += _weight(item)
                self._items.put(item)
                while self._ahead >= ITEMS_AHEAD:
                    self._has_room.clear()
                    await self._has_room.wait()
        finally:
            close = getattr(iterator, "aclose", None)  # generators have it, other iterators may not
            if close is not None:
                await close()

    def _settle(self, count: int) -> None:
        self._ahead -= count
        self._has_room.set()


def _weight(item: Any) -> int:
    return 1 if isinstance(item, Mapping) else ITEMS_AHEAD
