"""Decides which of our errors Airflow retries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException


@contextmanager
def airflow_failures() -> Iterator[None]:
    """Turn an error that says whether trying again can help into the Airflow exception that means it.

    :raises AirflowFailException: for one that cannot succeed on a retry.
    :raises AirflowException: for one that can.
    """
    try:
        yield
    except Exception as error:
        retryable = getattr(error, "retryable", None)
        if retryable is None:
            raise
        raise (AirflowException if retryable else AirflowFailException)(str(error)) from error
