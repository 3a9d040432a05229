"""Ends a load whose task Airflow has lost, and whose retry may begin at any time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_cdf_records.version_compat import has_supervisor

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
ENDS_WITHIN = 10.0  # seconds, as long as Airflow waits before it kills a task


@contextmanager
def ended_with_supervisor(end: Callable[[], None]) -> Iterator[None]:
    """End what runs in the context once the supervisor of the task's process has died.

    The supervisor is the parent of a task's process, and sends its heartbeats. Without them, Airflow starts
    the next try beside this one. What has no supervisor, as in ``dag.test()``, is left alone.

    :param end: ends it within seconds, as ``on_kill`` does; called by another thread. If it runs on all the
        same, the process is ended.
    """
    if not has_supervisor():
        yield
        return
    has_ended = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(os.getppid(), has_ended, end), name="cdf-supervisor-watch", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        has_ended.set()


def _watch(supervisor: int, has_ended: threading.Event, end: Callable[[], None]) -> None:
    while not has_ended.wait(LOOK_EVERY):
        if os.getppid() != supervisor:
            log.warning("Process %d, which supervised this task, has died; the load ends.", supervisor)
            end()
            if not has_ended.wait(ENDS_WITHIN):
                os._exit(1)
            return
