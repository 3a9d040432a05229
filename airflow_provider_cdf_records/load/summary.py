"""The numbers that a load ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cdf_records.load.verbs import Verb

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Summary:
    """What a load did; ``read == accepted + superseded + rejected`` at its end.

    :param verb: what was done with the records; it names the key of ``accepted``.
    :param stream_id: the stream.
    :param read: rows taken from the source.
    :param accepted: records that CDF accepted.
    :param superseded: rows left out, since a later row of the same identity was accepted.
    :param rejected: rows that could not be sent or that CDF refused.
    :param resumed_from: the position (line, row or item) after which this try went on with an earlier one.
    :param requests: API requests sent, retries included.
    :param retries: how many of them were sent again.
    :param bytes_sent: bytes of request bodies as sent, compressed where compression is on.
    :param seconds: duration of the load.
    :param rejected_path: where the rejected records are, if there are any and a path was given.
    """

    verb: Verb[Any] = field(repr=False)
    stream_id: str
    read: int = 0
    accepted: int = 0
    superseded: int = 0
    rejected: int = 0
    resumed_from: int | None = None
    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    seconds: float = 0.0
    rejected_path: str | None = None

    @property
    def unsettled(self) -> int:
        """Rows that were read and not sent when a load ended early; 0 at the end of one that did not."""
        return self.read - self.accepted - self.superseded - self.rejected

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON, as for an XCom."""
        return {
            "stream_id": self.stream_id,
            "read": self.read,
            self.verb.done: self.accepted,
            "superseded": self.superseded,
            "rejected": self.rejected,
            "resumed_from": self.resumed_from,
            "requests": self.requests,
            "retries": self.retries,
            "bytes_sent": self.bytes_sent,
            "seconds": self.seconds,
            "rejected_path": self.rejected_path,
        }

    def __str__(self) -> str:
        stream = f"{self.verb.preposition} stream {self.stream_id}"
        if not self.read and self.resumed_from is None:
            return f"Nothing to {self.verb.name} {stream}: no records were read."
        rate = f", {self.read / self.seconds:,.0f} records/s" if self.seconds > 0 and self.accepted else ""
        rejected = f"{self.rejected:,} rejected"
        if self.unsettled:
            rejected += f", {self.unsettled:,} read and not sent"
        if self.resumed_from is not None:
            rejected += f", resumed after {self.resumed_from:,}"
        if self.rejected_path:
            rejected += f" (see {self.rejected_path})"
        return (
            f"{self.verb.done.capitalize()} {self.accepted:,} of {self.read:,} records {stream}: "
            f"{self.superseded:,} superseded by a later row, {rejected}; {self.requests:,} requests "
            f"({self.retries:,} retries), {_size(self.bytes_sent)} in {self.seconds:.2f} s{rate}."
        )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= MEGABYTE else f"{count / 1e3:,.1f} kB"
