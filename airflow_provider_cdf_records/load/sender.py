"""The joint between pipeline and client: sends a batch, and tells what a refusal means for it."""

from __future__ import annotations

from airflow_provider_cdf_records.client import CdfApiError, CdfAuthError, CdfClient
from airflow_provider_cdf_records.load.upload import RequestRefusedError
from airflow_provider_cdf_records.records.chunk import identity_of

BAD_RECORD = frozenset({400, 413, 422})  # refused for what is in the request: smaller parts may do
MAYBE_THE_STREAM = frozenset({404, 409, 422})  # or because there is no such stream, or no mutable one
NOT_FOUND = 404
SEMANTICS = 422  # what an immutable stream answers, as do some bad records


class StreamUnusableError(Exception):
    """The stream cannot take upserts, whatever the records."""

    retryable = False


class StreamSender:
    """Upserts batches into one stream.

    :param client: used by all threads of the load, and cancelled with it.
    """

    def __init__(self, client: CdfClient, stream_id: str) -> None:
        self._client = client
        self._stream_id = stream_id
        self._known_mutable = False

    def send(self, body: bytes) -> None:
        """Upsert ``{"items": [...]}``.

        :raises RequestRefusedError: when parts of it may be accepted.
        :raises StreamUnusableError: when the stream is not there or immutable.
        :raises CdfError: for everything else.
        """
        try:
            self._client.upsert_records(self._stream_id, body)
        except CdfApiError as error:
            if error.retryable or error.status not in BAD_RECORD | MAYBE_THE_STREAM:
                raise
            if error.status in MAYBE_THE_STREAM and not (error.status == SEMANTICS and self._known_mutable):
                self._known_mutable = check_stream(self._client, self._stream_id, error)
            raise RequestRefusedError(
                error.message,
                status=error.status,
                request_id=error.request_id,
                identities=(
                    identity_of(named["space"], named["externalId"])
                    for named in (*error.missing, *error.duplicated)
                    if isinstance(named.get("space"), str) and isinstance(named.get("externalId"), str)
                ),
            ) from error

    def cancel(self) -> None:
        """End waiting and refuse to send more."""
        self._client.cancel()


def check_stream(client: CdfClient, stream_id: str, refusal: CdfApiError | None = None) -> bool:
    """Look whether a stream can take upserts. ``False`` when this client may not see it.

    :param refusal: what made one look.
    :raises StreamUnusableError: when it is not there, or immutable.
    """
    because = f" ({refusal})" if refusal is not None else ""
    try:
        stream = client.retrieve_stream(stream_id)
    except CdfApiError as error:
        if error.retryable or isinstance(error, CdfAuthError):
            raise
        if error.status != NOT_FOUND:
            return False  # a token that may write and not look
        msg = (
            f"Stream {stream_id!r} does not exist in project {client.project!r}, or this connection may not "
            f"see it; create the stream, or check stream_id.{because}"
        )
        raise StreamUnusableError(msg) from None
    if stream.get("type") == "Immutable":
        msg = (
            f"Stream {stream_id!r} is immutable, and immutable streams do not take upserts; "
            f"use a stream made from a mutable template.{because}"
        )
        raise StreamUnusableError(msg)
    return True
