"""What CDF says of the stream that a load writes to: whether it is there, its type, and its room."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from airflow_provider_cdf_records.client import CdfAnswerError, CdfApiError, CdfClient
from airflow_provider_cdf_records.load.verbs import IMMUTABLE, Verb

log = logging.getLogger(__name__)

NOT_FOUND = 404
LOOK_FAILURES = (CdfApiError, CdfAnswerError)  # answers that leave unknown what was looked for


class StreamUnusableError(Exception):
    """A stream that does not exist, is full, or cannot take the verb, whatever the records."""

    retryable = False


class Usage(NamedTuple):
    """How much of a limit is used up."""

    consumed: float
    provisioned: float

    @property
    def left(self) -> float:
        """What is left of it, at least 0."""
        return max(0, self.provisioned - self.consumed)

    def __str__(self) -> str:
        return f"{round(self.consumed, 3):,} of {round(self.provisioned, 3):,}"


@dataclass(frozen=True)
class TargetStream:
    """A stream as far as CDF shows it; each field is ``None`` where that is not known.

    :param type: ``Mutable`` or ``Immutable``.
    :param records: how many records it holds and may hold.
    :param gigabytes: the same of its size.
    """

    type: str | None = None
    records: Usage | None = None
    gigabytes: Usage | None = None

    @classmethod
    def of(cls, stream: Mapping[str, Any]) -> TargetStream:
        """Read what CDF answers with for a stream, in whatever shape."""
        stream_type = stream.get("type")
        limits = _mapping(_mapping(stream.get("settings")).get("limits"))
        return cls(
            stream_type if isinstance(stream_type, str) else None,
            _usage(limits.get("maxRecordsTotal")),
            _usage(limits.get("maxGigaBytesTotal")),
        )

    @property
    def usage(self) -> str:
        """The known limits in words."""
        limits = (("records", self.records), ("GB", self.gigabytes))
        return " and ".join(f"{usage} {unit}" for unit, usage in limits if usage is not None)

    @property
    def is_full(self) -> bool:
        """Whether a known limit is used up, so that only records that exist can be written."""
        return any(usage is not None and usage.left <= 0 for usage in (self.records, self.gigabytes))


def raise_if_it_may_pass(error: CdfApiError | CdfAnswerError) -> None:
    """Raise the error of a look that can still succeed; an answer of another form stays what it is."""
    if isinstance(error, CdfApiError) and error.retryable:
        raise error


def look_at_stream(
    client: CdfClient, verb: Verb[Any], stream_id: str, refusal: CdfApiError | None = None
) -> TargetStream:
    """Return what CDF shows of a stream; nothing is known of one that this client may not see.

    :param refusal: the answer that is the reason to look, quoted in the error.
    :raises StreamUnusableError: when the stream is missing, or of a type that does not take the verb; after a
        refusal, also when it is full.
    :raises CdfError: when CDF cannot be asked.
    """
    because = f" ({refusal})" if refusal is not None else ""
    try:
        stream = TargetStream.of(client.retrieve_stream(stream_id, include_statistics=True))
    except LOOK_FAILURES as error:
        raise_if_it_may_pass(error)
        if not isinstance(error, CdfApiError) or error.status != NOT_FOUND:
            log.info("Loading without a look at the stream, since CDF does not show it: %s", error)
            return TargetStream()
        msg = (
            f"Stream {stream_id!r} does not exist in project {client.project!r}, or this connection may not "
            f"see it; create the stream, or check stream_id.{because}"
        )
        raise StreamUnusableError(msg) from None
    if stream.type == IMMUTABLE and verb.needs_stream_type not in (None, IMMUTABLE):
        msg = (
            f"Stream {stream_id!r} is immutable, and immutable streams do not take {verb.noun}; "
            f"use a stream made from a mutable template.{because}"
        )
        raise StreamUnusableError(msg)
    if refusal is not None and verb.adds_records and stream.is_full:
        msg = (
            f"Stream {stream_id!r} is full: it holds {stream.usage}. Delete records that are no longer "
            f"needed, or load into another stream.{because}"
        )
        raise StreamUnusableError(msg)
    return stream


class RoomWarning:
    """Warns once when a load has more rows than the stream had room for when the load began.

    :param stream: the stream at that time.
    """

    def __init__(self, stream: TargetStream, verb: Verb[Any], stream_id: str) -> None:
        self._stream = stream
        self._stream_id = stream_id
        self._is_needed = verb.adds_records

    def check(self, rows: int) -> None:
        """Log a warning if the stream is full, or has room for fewer records than these.

        :param rows: how many the load has at least.
        """
        stream = self._stream
        has_less = stream.records is not None and rows > stream.records.left
        if not self._is_needed or not (stream.is_full or has_less):
            return
        self._is_needed = False
        log.warning(
            "Stream %s held %s when the load began%s: new records may not fit. "
            "Records that exist already can still be replaced.",
            self._stream_id,
            stream.usage,
            f", and there are {rows:,} rows or more to load" if rows else "",
        )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _usage(limit: object) -> Usage | None:
    numbers = [_mapping(limit).get(name) for name in ("consumed", "provisioned")]
    if all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        return Usage(*numbers)  # type: ignore[arg-type]
    return None
