"""A few questions asked at once, without waiting for the answers when the load is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from airflow_provider_cdf_records.records.errors import LoadStoppedError

STOP_CHECK = 0.1  # seconds between two looks whether it is over


def ask_at_once(*questions: Callable[[], Any], stop: threading.Event) -> list[Any]:
    """Call functions, each in a thread of its own, and return what they return, in their order.

    :raises LoadStoppedError: as soon as ``stop`` is set; threads that still wait do not hold up the process.
    :raises Exception: the first of what they raise, in their order.
    """
    futures: list[Future[Any]] = [Future() for _ in questions]
    for question, future in zip(questions, futures, strict=True):
        threading.Thread(target=_answer, args=(question, future), name="cdf-look", daemon=True).start()
    is_waiting = True
    while is_waiting:
        is_waiting = bool(wait(futures, timeout=STOP_CHECK).not_done)
        if stop.is_set():  # also where all have ended, because of that
            raise LoadStoppedError
    return [future.result() for future in futures]


def _answer(question: Callable[[], Any], future: Future[Any]) -> None:
    try:
        future.set_result(question())
    except BaseException as error:
        future.set_exception(error)
