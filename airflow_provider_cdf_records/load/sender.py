"""Sends requests with a verb, and tells what a refusal means for the records in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.client import CdfApiError, CdfAuthError, CdfClient
from airflow_provider_cdf_records.load.settling import RequestRefusedError
from airflow_provider_cdf_records.load.verbs import IMMUTABLE, Verb
from airflow_provider_cdf_records.records.chunk import Identity
from airflow_provider_cdf_records.records.identifiers import identity_of

STATUSES_OF_STREAMS = frozenset({404, 409, 422})  # a stream may be missing or of the wrong type
NOT_FOUND = 404


class StreamUnusableError(Exception):
    """The stream cannot take what is sent, whatever the records."""

    retryable = False


class StreamSender:
    """Sends batches to one stream.

    :param client: used by all threads of the load, and cancelled with it.
    """

    def __init__(self, client: CdfClient, verb: Verb[Any], stream_id: str) -> None:
        self._client = client
        self._verb = verb
        self._stream_id = stream_id
        self._looked_for: set[int] = set()  # statuses
        self._looking = threading.Lock()

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
            exist = error.status in verb.statuses_of_existing
            if error.status in STATUSES_OF_STREAMS and not exist:
                self._check_stream(error)
            raise RequestRefusedError(
                error.message,
                status=error.status,
                request_id=error.request_id,
                identities=_identities([*error.missing, *error.duplicated]),
                exist=exist,
                may_be_stored=error.may_be_applied,
            ) from error

    def cancel(self) -> None:
        """End waiting and refuse to send more."""
        self._client.cancel()

    def _check_stream(self, refusal: CdfApiError) -> None:
        """Look whether the stream is there and of the right type, once a load for each status."""
        with self._looking:
            if refusal.status not in self._looked_for:
                stream_type_of(self._client, self._verb, self._stream_id, refusal)
                self._looked_for.add(refusal.status)


def _identities(named: list[Mapping[str, Any]]) -> Iterator[Identity]:
    for item in named:
        space, external_id = item.get("space"), item.get("externalId")
        if isinstance(space, str) and isinstance(external_id, str):
            yield identity_of(space, external_id)


def stream_type_of(
    client: CdfClient, verb: Verb[Any], stream_id: str, refusal: CdfApiError | None = None
) -> str | None:
    """Return the type of a stream; ``None`` when this client may not see it.

    :param refusal: the answer that made one look.
    :raises StreamUnusableError: when the stream is missing, or of a type that does not take the verb.
    """
    because = f" ({refusal})" if refusal is not None else ""
    try:
        stream = client.retrieve_stream(stream_id)
    except CdfApiError as error:
        if error.retryable or isinstance(error, CdfAuthError):
            raise
        if error.status != NOT_FOUND:
            return None  # a token that may write and not look
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
