"""A function that many threads need at the same time, and that runs once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from copy import copy
from functools import partial
from typing import Any, Generic, TypeVar

from airflow_provider_cdf_records.client.errors import CdfError

T = TypeVar("T")


class SharedCall(Generic[T]):
    """Calls a function in a thread of its own, so that whoever waits for it can be told to stop.

    The thread has the context of the first who waits.

    :param function: what to call.
    :param wait: waits until a future is done; what it raises ends the wait, and not the call.
    """

    def __init__(self, function: Callable[[], T], wait: Callable[[Future[Any]], None]) -> None:
        self._function = function
        self._wait = wait
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def __call__(self, unless: Callable[[], T | None]) -> T:
        """Return what the function returns, from a call that runs already if there is one.

        :param unless: returns what makes the call unnecessary, or ``None``.
        """
        with self._lock:
            if (held := unless()) is not None:
                return held
            if (running := self._running) is None:
                running = Future()
                run = partial(copy_context().run, self._run, running)
                threading.Thread(target=run, name="cdf-token", daemon=True).start()
                self._running = running
        self._wait(running)
        error = running.exception()
        if isinstance(error, CdfError):
            with self._lock:
                own = copy(error)  # since callers write into their errors
                error.is_reported = True  # by the first of them
            raise own
        if error is not None:
            raise error
        return running.result()

    def _run(self, outcome: Future[T]) -> None:
        try:
            result = self._function()
        except BaseException as error:
            self._has_ended()
            outcome.set_exception(error)
        else:
            self._has_ended()
            outcome.set_result(result)

    def _has_ended(self) -> None:
        with self._lock:
            self._running = None
