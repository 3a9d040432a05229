"""Calls functions in parallel, without waiting for them any longer when the load is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar, cast

from airflow_provider_cdf_records.records.errors import LoadStoppedError

T = TypeVar("T")

STOP_CHECK = 0.1  # seconds between two checks whether the load is stopped


def start_thread(function: Callable[..., Any], *arguments: Any, name: str) -> None:
    """Start a daemon in a copy of this thread's context, by which logs and traces are told apart."""
    run = copy_context().run
    threading.Thread(target=run, args=(function, *arguments), name=name, daemon=True).start()


def call_unless_stopped(stop: threading.Event, function: Callable[..., T], *arguments: Any) -> T:
    """Return what a function returns that may wait for storage, called in a thread of its own.

    :raises LoadStoppedError: as soon as ``stop`` is set; a call that still waits holds up nothing.
    """
    (result,) = call_in_parallel(partial(function, *arguments), stop=stop)
    return cast("T", result)


def call_in_parallel(*functions: Callable[[], Any], stop: threading.Event) -> list[Any]:
    """Call functions, each in a thread of its own, and return what they return, in their order.

    :raises LoadStoppedError: as soon as ``stop`` is set; threads that still wait do not hold up the process.
    :raises Exception: the first of what they raise, in their order.
    """
    futures: list[Future[Any]] = [Future() for _ in functions]
    for function, future in zip(functions, futures, strict=True):
        start_thread(_call, function, future, name="cdf-preflight")
    is_waiting = True
    while is_waiting:
        is_waiting = bool(wait(futures, timeout=STOP_CHECK).not_done)
        if stop.is_set():  # also when all have ended: they may have failed because of it
            raise LoadStoppedError
    return [future.result() for future in futures]


def _call(function: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
