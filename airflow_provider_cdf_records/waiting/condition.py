"""A condition that CDF is asked about again and again, until it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient


class Finding(NamedTuple):
    """What one look found.

    :param holds: whether the wait is over.
    :param message: the same in words, for the task log.
    :param value: what the wait ends with, as plain JSON: the sensor's XCom.
    """

    holds: bool
    message: str
    value: Any = None


class WaitEndedError(Exception):
    """A condition that can never hold."""

    retryable = False


class Condition(Protocol):
    """What is waited for. An object may remember what it has seen; it is used by one thread at a time."""

    def look(self, client: CdfClient) -> Finding:
        """Ask CDF once.

        :raises WaitEndedError: when the condition can never hold.
        :raises CdfError: when CDF does not say; waiting goes on after one that is ``retryable``.
        """
