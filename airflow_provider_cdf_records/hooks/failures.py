"""Decides which of our errors Airflow retries, and what the task log shows of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_cdf_records.records.errors import EmptySourceError, MissingSourceError
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    running_task,
)

log = logging.getLogger(__name__)


@contextmanager
def airflow_failures(*, skip_if_empty: bool = False) -> Iterator[None]:
    """Turn an error that says whether trying again can help into the Airflow exception that means it.

    Its message says what, where and what to do, and quotes the error of another library that led to it. So
    the task log shows it once, without tracebacks of causes, which are logged at level ``DEBUG``. A retry
    policy reads its attributes ``retryable`` and ``retry_after`` (seconds; ``None``: nobody asked to wait).

    :param skip_if_empty: skip the task where there is nothing to load, or where the source is missing.
    :raises AirflowSkipException: then.
    :raises AirflowFailException: for one that cannot succeed on a retry.
    :raises AirflowException: for one that can.
    """
    try:
        yield
    except Exception as error:
        retryable = getattr(error, "retryable", None)
        if retryable is None:
            raise
        log.debug("What led to the failure:", exc_info=error)
        if skip_if_empty and isinstance(error, EmptySourceError | MissingSourceError):
            raise AirflowSkipException(str(error)) from None
        failure = (AirflowException if retryable else AirflowFailException)(str(error))
        vars(failure).update(retryable=retryable, retry_after=_retry_after(error))
        raise failure from None


@contextmanager
def task_failures() -> Iterator[None]:
    """Do what :func:`airflow_failures` does where a task is running; elsewhere leave errors as they are."""
    if running_task() is None:
        yield
        return
    with airflow_failures():
        yield


def _retry_after(error: BaseException) -> float | None:
    """Return how many seconds CDF or the identity provider asked to wait, in the error that led to this."""
    cause: BaseException | None = error
    while cause is not None:
        asked: float | None = getattr(cause, "retry_after", None)
        if asked is not None:
            return asked
        cause = cause.__cause__
    return None
