"""Threads for calls that wait for others, apart from those that all triggers of a process share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from airflow_provider_cdf_records.version_compat.secrets import asking

T = TypeVar("T")

LOOK_EVERY = 1  # second, whether the event loop is still there


class Threads:
    """A bounded number of threads, which no process waits for when it ends. Belongs to one event loop.

    :param most: how many calls run at the same time; the others wait in the loop, in their order.
    """

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def call(self, function: Callable[[], T]) -> T:
        """Return what a function returns, called in a thread with the context of the caller.

        The thread may ask Airflow for connections; those that it starts with its context may mask secrets.
        Whoever is cancelled meanwhile does not wait for it.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()

        def has_ended(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended, too
                loop.call_soon_threadsafe(self._free.release)

        def with_way_to_ask() -> T:
            # Set in the thread alone: on the loop itself, whoever asked it would wait for himself.
            set_before = asking.set(partial(_call_from_any_thread, loop))
            try:
                return function()
            finally:
                asking.reset(set_before)

        return await _call_in_thread(with_way_to_ask, has_ended)


async def _call_in_thread(function: Callable[[], T], has_ended: Callable[[object], None]) -> T:
    from asgiref.sync import sync_to_async  # noqa: PLC0415 (costs time when parsed)

    # Not asyncio.to_thread: in Airflow 3.0 and 3.1, a call to the supervisor finds its event loop only
    # from a thread that asgiref has prepared. From another one it spoils what the whole triggerer reads.
    thread: Any = _OneThread(has_ended)  # asgiref needs no more of a ThreadPoolExecutor
    call: Callable[[], Awaitable[T]] = sync_to_async(function, thread_sensitive=False, executor=thread)
    return await call()


def _call_from_any_thread(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    called = _call_in_thread(function, has_ended=lambda _: None)
    try:
        outcome = asyncio.run_coroutine_threadsafe(called, loop)
    except RuntimeError:  # the loop has ended
        called.close()
        raise
    while not wait([outcome], LOOK_EVERY).done:
        if loop.is_closed():  # it ended with the call in its queue
            called.close()
            outcome.cancel()
            break
    outcome.result()


class _OneThread(Executor):
    """Makes a thread for the one call that it gets."""

    def __init__(self, has_ended: Callable[[object], None]) -> None:
        self._has_ended = has_ended

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        outcome: Future[Any] = Future()
        outcome.add_done_callback(self._has_ended)
        outcome.set_running_or_notify_cancel()  # so that it counts until the thread has ended

        def run() -> None:
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                outcome.set_exception(error)
            else:
                outcome.set_result(result)

        try:
            threading.Thread(target=run, name="cdf-trigger", daemon=True).start()
        except RuntimeError as error:  # no more threads
            outcome.set_exception(error)
        return outcome
