"""What one try of a load did, in numbers that can be added up over tries and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cdf_records.load.summary import Summary
    from airflow_provider_cdf_records.load.tally import Tally
    from airflow_provider_cdf_records.load.verbs import Verb
    from airflow_provider_cdf_records.rejected.lines import Rejection

UNREADABLE, CONVERSION, EXISTING = "unreadable", "conversion", "existing"


@dataclass(frozen=True)
class Measures:
    """The numbers of one try; a :class:`.Summary` has those of the whole load.

    :param accepted: records that CDF accepted, or with ``validate_only`` none.
    :param rejected: rows by class of reason; there are few classes.
    :param examples: the first of them.
    :param throttled_seconds: for how long nothing was sent, since CDF asked for less.
    """

    read: int = 0
    accepted: int = 0
    superseded: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[Rejection, ...] = ()
    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    throttled_seconds: float = 0.0
    seconds: float = 0.0


def measured(tally: Tally, summary: Summary, throttled_seconds: float) -> Measures:
    """Return the numbers of a try from those of the whole load."""
    before = tally.before
    accepted_before = before.read - before.rejected - before.superseded
    return Measures(
        read=summary.read - before.read,
        accepted=0 if summary.valid is not None else summary.accepted - accepted_before,
        superseded=summary.superseded - before.superseded,
        rejected=dict(tally.rejected_by),
        examples=tuple(tally.first),
        requests=summary.requests,
        retries=summary.retries,
        bytes_sent=summary.bytes_sent,
        throttled_seconds=throttled_seconds,
        seconds=summary.seconds,
    )


def class_of_reason(rejection: Rejection, verb: Verb[Any]) -> str:
    """Return why a row was rejected, as one of few words."""
    if rejection.status in verb.statuses_of_existing:
        return EXISTING
    if rejection.status is not None:
        return f"refused_{rejection.status}"
    return CONVERSION
