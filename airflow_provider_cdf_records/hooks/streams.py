"""Creates a stream unless it exists already."""

from __future__ import annotations

import logging

from airflow_provider_cdf_records.client import CdfApiError, CdfClient
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import check_stream_id

log = logging.getLogger(__name__)

NOT_FOUND, CONFLICT = 404, 409
TYPES = {"BasicLiveData": "Mutable", "BasicArchive": "Immutable", "ImmutableTestStream": "Immutable"}


class StreamDiffersError(Exception):
    """A stream with that id exists, made from another template and of another type."""

    retryable = False


def ensure_stream(client: CdfClient, stream_id: str, template: str) -> dict[str, object]:
    """Return a stream, created from a template unless it exists already.

    :param template: such as ``BasicLiveData``; a project has the templates that Cognite provides for it.
    :raises StreamDiffersError: when the stream exists and is of another type than the template makes.
    :raises CdfError: when CDF cannot be reached or refuses.
    """
    check_stream_id(stream_id)
    if not isinstance(template, str) or not template:
        msg = f"template must be the name of a stream template, such as 'BasicLiveData', got {template!r}."
        raise InvalidArgumentError(msg)
    stream = _retrieve(client, stream_id)
    if stream is None:
        try:
            created = client.create_stream(stream_id, template)
        except CdfApiError as error:
            if error.status != CONFLICT or (stream := _retrieve(client, stream_id)) is None:
                raise
        else:
            log.info("Created stream %s from template %s: %s.", stream_id, template, created.get("type"))
            return created
    _check_same(stream, stream_id, template)
    log.info("Stream %s exists already and is of type %s.", stream_id, stream.get("type"))
    return stream


def _retrieve(client: CdfClient, stream_id: str) -> dict[str, object] | None:
    try:
        return client.retrieve_stream(stream_id)
    except CdfApiError as error:
        if error.status != NOT_FOUND:
            raise
        return None


def _check_same(stream: dict[str, object], stream_id: str, template: str) -> None:
    made_from, stream_type = stream.get("createdFromTemplate"), stream.get("type")
    if made_from != template and stream_type != TYPES.get(template):
        msg = (
            f"Stream {stream_id!r} exists already, of type {stream_type}, made from {made_from!r} and not "
            f"from {template!r}. Use {made_from!r} as the template, or another stream_id."
        )
        raise StreamDiffersError(msg)
