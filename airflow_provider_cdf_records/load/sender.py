"""Sends requests with a verb, and finds out what a refusal means for the records in them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.client import CdfApiError, CdfClient
from airflow_provider_cdf_records.load.probes import WriteTime, write_time
from airflow_provider_cdf_records.load.refusals import RequestConflictError, RequestRefusedError
from airflow_provider_cdf_records.load.target_stream import look_at_stream
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.records.chunk import Identity
from airflow_provider_cdf_records.records.identifiers import identity_of

STATUSES_OF_STREAMS = frozenset({404, 409, 422})  # a stream may be missing, full or of the wrong type
ATTEMPTS_BEFORE_HALVING = 4  # of a request whose records are being changed by someone else


class StreamSender:
    """Sends batches to one stream.

    :param client: used by all threads of the load, and cancelled with it.
    :param accepted: returns how many records the load has had accepted so far.
    """

    def __init__(
        self, client: CdfClient, verb: Verb[Any], stream_id: str, accepted: Callable[[], int]
    ) -> None:
        self._client = client
        self._verb = verb
        self._stream_id = stream_id
        self._accepted = accepted
        self._look_again_at = 0.0  # accepted records
        self._look_lock = threading.Lock()

    def send(self, body: bytes, *, is_divisible: bool) -> WriteTime:
        """Send ``{"items": [...]}``, and return when CDF wrote it, by its clock.

        :param is_divisible: whether it holds several records.
        :raises RequestRefusedError: when parts of it may be accepted.
        :raises RequestConflictError: when someone else keeps changing some of its records.
        :raises StreamUnusableError: when the stream is missing, full, or of a type that does not take the
            verb.
        :raises CdfError: for everything else.
        """
        verb = self._verb
        before, started = self._client.server_time, time.monotonic()
        try:
            attempts = ATTEMPTS_BEFORE_HALVING if is_divisible else None
            verb.request(self._client, self._stream_id, body, conflict_attempts=attempts)
        except CdfApiError as error:
            if error.status in verb.statuses_of_conflict:
                raise RequestConflictError(error) from error
            if error.retryable or error.status not in verb.statuses_of_records:
                raise
            already_exist = error.status in verb.statuses_of_existing
            if error.status in STATUSES_OF_STREAMS and not already_exist:
                self._look_at_stream(error)
            named = list(_identities([*error.missing, *error.duplicated]))
            is_partial = error.status in verb.statuses_of_partial_storing
            raise RequestRefusedError(
                error.message,
                status=error.status,
                request_id=error.request_id,
                identities=named,
                already_exist=already_exist,
                may_be_stored_in_part=is_partial and (bool(named) or not already_exist),
                may_be_stored=error.may_be_applied,
            ) from error
        return write_time(before, self._client.server_time, time.monotonic() - started)

    def cancel(self) -> None:
        """End waiting and refuse to send more."""
        self._client.cancel()

    def _look_at_stream(self, refusal: CdfApiError) -> None:
        """Find out whether the stream is the reason for a refusal: once a load.

        Once more only where what was accepted since may have filled the room that the stream had then.
        """
        with self._look_lock:
            accepted = self._accepted()
            if accepted < self._look_again_at:
                return
            stream = look_at_stream(self._client, self._verb, self._stream_id, refusal)
            room = float("inf") if stream.records is None else max(1, stream.records.left)
            self._look_again_at = accepted + room


class SendsNothing:
    """Takes the place of a sender where records are only validated."""

    def send(self, body: bytes, *, is_divisible: bool) -> None:
        """Take a request for accepted."""

    def cancel(self) -> None:
        """Do nothing: no request waits."""


def _identities(named: list[Mapping[str, Any]]) -> Iterator[Identity]:
    for item in named:
        space, external_id = item.get("space"), item.get("externalId")
        if isinstance(space, str) and isinstance(external_id, str):
            yield identity_of(space, external_id)
