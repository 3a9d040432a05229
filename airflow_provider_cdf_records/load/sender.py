"""Sends requests with a verb, and finds out what a refusal means for the records in them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.client import CdfApiError, CdfClient
from airflow_provider_cdf_records.load.refusals import RequestRefusedError
from airflow_provider_cdf_records.load.verbs import IMMUTABLE, Verb
from airflow_provider_cdf_records.records.chunk import Identity
from airflow_provider_cdf_records.records.identifiers import identity_of

STATUSES_OF_STREAMS = frozenset({404, 409, 422})  # a stream may be missing or of the wrong type
NOT_FOUND = 404


class StreamUnusableError(Exception):
    """A stream that does not exist, or that cannot take the verb, whatever the records."""

    retryable = False


class StreamSender:
    """Sends batches to one stream.

    :param client: used by all threads of the load, and cancelled with it.
    """

    def __init__(self, client: CdfClient, verb: Verb[Any], stream_id: str) -> None:
        self._client = client
        self._verb = verb
        self._stream_id = stream_id
        self._checked_statuses: set[int] = set()  # of refusals after which the stream was checked
        self._check_lock = threading.Lock()

    def send(self, body: bytes) -> None:
        """Send ``{"items": [...]}``.

        :raises RequestRefusedError: when parts of it may be accepted.
        :raises StreamUnusableError: when the stream is missing, or of a type that does not take the verb.
        :raises CdfError: for everything else.
        """
        verb = self._verb
        try:
            verb.send(self._client, self._stream_id, body)
        except CdfApiError as error:
            if error.retryable or error.status not in verb.statuses_of_records:
                raise
            already_exist = error.status in verb.statuses_of_existing
            if error.status in STATUSES_OF_STREAMS and not already_exist:
                self._check_stream(error)
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

    def cancel(self) -> None:
        """End waiting and refuse to send more."""
        self._client.cancel()

    def _check_stream(self, refusal: CdfApiError) -> None:
        """Check that the stream exists and is of the right type, once a load for each status."""
        with self._check_lock:
            if refusal.status not in self._checked_statuses:
                stream_type_of(self._client, self._verb, self._stream_id, refusal)
                self._checked_statuses.add(refusal.status)


def _identities(named: list[Mapping[str, Any]]) -> Iterator[Identity]:
    for item in named:
        space, external_id = item.get("space"), item.get("externalId")
        if isinstance(space, str) and isinstance(external_id, str):
            yield identity_of(space, external_id)


def stream_type_of(
    client: CdfClient, verb: Verb[Any], stream_id: str, refusal: CdfApiError | None = None
) -> str | None:
    """Return the type of a stream; ``None`` when this client may not see it.

    :param refusal: the answer that is the reason to check, quoted in the error.
    :raises StreamUnusableError: when the stream is missing, or of a type that does not take the verb.
    """
    because = f" ({refusal})" if refusal is not None else ""
    try:
        stream = client.retrieve_stream(stream_id)
    except CdfApiError as error:
        if error.retryable:
            raise
        if error.status != NOT_FOUND:
            return None  # the token may write and not read
        msg = (
            f"Stream {stream_id!r} does not exist in project {client.project!r}, or this connection may not "
            f"see it; create the stream, or check stream_id.{because}"
        )
        raise StreamUnusableError(msg) from None
    stream_type = stream.get("type")
    if stream_type == IMMUTABLE and verb.needs_stream_type not in (None, IMMUTABLE):
        msg = (
            f"Stream {stream_id!r} is immutable, and immutable streams do not take {verb.noun}; "
            f"use a stream made from a mutable template.{because}"
        )
        raise StreamUnusableError(msg)
    return stream_type if isinstance(stream_type, str) else None
