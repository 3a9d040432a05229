"""Waits for a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_cdf_records.waiting.condition import Finding, WaitEndedError

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient

NOT_FOUND = 404


@dataclass
class StreamExists:
    """A stream exists.

    :param stream_id: the stream.
    :param stream_type: ``Mutable`` or ``Immutable``, which never changes; ``None``: either.
    """

    stream_id: str
    stream_type: str | None = None

    def look(self, client: CdfClient) -> Finding:
        """Ask for the stream; a value is not found."""
        from airflow_provider_cdf_records.client import CdfApiError  # noqa: PLC0415 (costs time when parsed)

        try:
            stream = client.retrieve_stream(self.stream_id)
        except CdfApiError as error:
            if error.status != NOT_FOUND:
                raise
            return Finding(False, f"Stream {self.stream_id} does not exist yet.")
        found = stream.get("type")
        if self.stream_type not in (None, found):
            msg = f"Stream {self.stream_id!r} must be of type {self.stream_type}, got {found}."
            raise WaitEndedError(msg)
        return Finding(True, f"Stream {self.stream_id} exists and is of type {found}.")
