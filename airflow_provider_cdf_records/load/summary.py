"""The numbers that a load ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cdf_records.load.verbs import Verb

MEGABYTE = 1_000_000
PROBES = "probes"  # the key of the only value of a summary that is no number and no text


@dataclass(frozen=True)
class Summary:
    """What a load did, over all its tries; ``read == accepted + superseded + rejected`` at its end.

    With ``validate_only``, ``read == valid + superseded + rejected``.

    :param verb: what was done with the records; it names the key of ``accepted``.
    :param stream_id: the stream.
    :param read: rows taken from the source.
    :param accepted: records that were sent and that CDF accepted; an identity that was sent in several
        requests counts in each.
    :param superseded: rows that were not sent, since the request held a later row of the same identity.
    :param rejected: rows that could not be sent or that CDF refused.
    :param identities: distinct identities of the accepted records; ``None`` where there are more than can be
        counted in little memory, or where an earlier try stored some.
    :param resumed_from: the position (line, row or item) after which this try went on with an earlier one.
    :param requests: API requests that this try sent to write records, retries included.
    :param retries: how many of them were sent again.
    :param bytes_sent: bytes of their bodies as sent, compressed where compression is on.
    :param seconds: duration of this try.
    :param rejected_path: where the rejected records are, if there are any and a path was given.
    :param probes: records by which a wait can tell that all of it can be queried: ``space``, ``externalId``
        and a time by CDF's clock, see :class:`.Probes`.
    :param valid: with ``validate_only``, the records that would have been sent, in place of ``accepted``;
        else ``None``.
    """

    verb: Verb[Any] = field(repr=False)
    stream_id: str
    read: int = 0
    accepted: int = 0
    superseded: int = 0
    rejected: int = 0
    identities: int | None = 0
    resumed_from: int | None = None
    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    seconds: float = 0.0
    rejected_path: str | None = None
    probes: list[dict[str, Any]] = field(default_factory=list, repr=False)
    valid: int | None = None

    @property
    def unsettled(self) -> int:
        """Rows that were read and not loaded when a load ended early; 0 at the end of one that did not."""
        return self.read - self.accepted - (self.valid or 0) - self.superseded - self.rejected

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON, as for an XCom."""
        return {
            "stream_id": self.stream_id,
            "read": self.read,
            self.verb.done: self.accepted,
            **({} if self.valid is None else {"valid": self.valid}),
            "superseded": self.superseded,
            "rejected": self.rejected,
            "identities": self.identities,
            "resumed_from": self.resumed_from,
            "requests": self.requests,
            "retries": self.retries,
            "bytes_sent": self.bytes_sent,
            "seconds": self.seconds,
            "rejected_path": self.rejected_path,
            PROBES: self.probes,
        }

    def __str__(self) -> str:
        stream = f"{self.verb.preposition} stream {self.stream_id}"
        if not self.read and self.resumed_from is None:
            return f"Nothing to {self.verb.name} {stream}: no records were read."
        has_rate = self.seconds > 0 and self.accepted and self.resumed_from is None
        rate = f", {self.read / self.seconds:,.0f} records/s" if has_rate else ""
        rejected = f"{self.rejected:,} rejected"
        if self.unsettled:
            rejected += f", {self.unsettled:,} read and not {'loaded' if self.valid is None else 'validated'}"
        if self.resumed_from is not None:
            rejected += f", resumed after {self.resumed_from:,}"
        if self.rejected_path:
            rejected += f" (see {self.rejected_path})"
        if self.valid is not None:
            return (
                f"Validated {count_of(self.read, 'record')} for stream {self.stream_id}, and sent nothing "
                f"(validate_only): {self.valid:,} would be {self.verb.done}, "
                f"{self.superseded:,} superseded by a later row, {rejected}; in {self.seconds:.2f} s."
            )
        return (
            f"{self.verb.done.capitalize()} {self.accepted:,} of {count_of(self.read, 'record')} {stream}: "
            f"{self.superseded:,} superseded by a later row, {rejected}; "
            f"{count_of(self.requests, 'request')} ({count_of(self.retries, 'retry', 'retries')}), "
            f"{_size(self.bytes_sent)} in {self.seconds:.2f} s{rate}."
        )


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as ``1 record`` and ``2 records``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= MEGABYTE else f"{count / 1e3:,.1f} kB"
