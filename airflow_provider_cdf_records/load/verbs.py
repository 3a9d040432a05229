"""The verbs upsert, ingest and delete, and all that differs between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from airflow_provider_cdf_records.client import CONFLICT, CdfClient
from airflow_provider_cdf_records.load.summary import Summary

S = TypeVar("S", bound=Summary)
MUTABLE, IMMUTABLE = "Mutable", "Immutable"  # types of streams, as CDF calls them


class Repeats(Enum):
    """What happens when several rows have one identity."""

    LAST_COUNTS = "the last row that CDF accepts stands for the others"
    IN_TURN = "each row is sent, one after the other, never two in one request"
    ALL_COUNT = "each row is a record of its own"


class UpsertSummary(Summary):
    """What a load of upserts did."""

    @property
    def upserted(self) -> int:
        """Records that CDF created or replaced."""
        return self.accepted


class IngestSummary(Summary):
    """What a load of ingests did."""

    @property
    def ingested(self) -> int:
        """Records that CDF created."""
        return self.accepted


class DeleteSummary(Summary):
    """What a load of deletes did."""

    @property
    def deleted(self) -> int:
        """Identities whose deletion CDF accepted; it ignores those that do not exist."""
        return self.accepted


@dataclass(frozen=True)
class Verb(Generic[S]):
    """One way to write to a stream.

    :param name: the verb, such as ``upsert``.
    :param done: the participle: the key in the summary, and the word in the log.
    :param noun: the noun in the plural, for messages.
    :param preposition: between the records and the stream, for messages.
    :param summary: what a load with it returns.
    :param send: the method of the client that :meth:`request` calls.
    :param needs_stream_type: the only type of stream that takes it; ``None``: all do.
    :param adds_records: whether a stream needs room for the records.
    :param sends_identities: whether ``space`` and ``externalId`` are all that is sent of a record.
    :param repeats: what several rows of one identity mean.
    :param repeats_if_immutable: the same on an immutable stream.
    :param statuses_of_records: statuses of refusals that can be the fault of a record: smaller parts of the
        request may be accepted.
    :param statuses_of_conflict: statuses which say that someone else is changing records of the request: it
        is sent again, then in smaller parts, and no record is rejected for it.
    :param statuses_of_partial_storing: statuses of refusals after which records of the request may be stored.
    :param statuses_of_existing: statuses which say that records exist already: final for those records.
    """

    name: str
    done: str
    noun: str
    preposition: str
    summary: type[S]
    send: Callable[..., None]
    needs_stream_type: str | None
    adds_records: bool
    sends_identities: bool
    repeats: Repeats
    repeats_if_immutable: Repeats
    statuses_of_records: frozenset[int] = frozenset({400, 404, 413, 422})
    statuses_of_conflict: frozenset[int] = frozenset({CONFLICT})
    statuses_of_partial_storing: frozenset[int] = frozenset({CONFLICT, 422})
    statuses_of_existing: frozenset[int] = frozenset()

    @property
    def removes_records(self) -> bool:
        """Whether it leaves no records to be seen."""
        return not self.adds_records

    def request(
        self, client: CdfClient, stream_id: str, body: bytes, *, conflict_attempts: int | None
    ) -> None:
        """Send ``{"items": [...]}`` to a stream.

        :param conflict_attempts: how often at most, while someone else is changing records of the request; by
            default as often as the client sends any request again.
        """
        if self.statuses_of_conflict:
            self.send(client, stream_id, body, conflict_attempts=conflict_attempts)
        else:
            self.send(client, stream_id, body)

    def repeats_on(self, stream_type: str | None) -> Repeats:
        """Return what several rows of one identity mean on a stream; ``None``: its type is not known."""
        return self.repeats_if_immutable if stream_type == IMMUTABLE else self.repeats


UPSERT = Verb(
    name="upsert",
    done="upserted",
    noun="upserts",
    preposition="into",
    summary=UpsertSummary,
    send=CdfClient.upsert_records,
    needs_stream_type=MUTABLE,
    adds_records=True,
    sends_identities=False,
    repeats=Repeats.LAST_COUNTS,
    repeats_if_immutable=Repeats.LAST_COUNTS,
)
INGEST = Verb(
    name="ingest",
    done="ingested",
    noun="ingests",
    preposition="into",
    summary=IngestSummary,
    send=CdfClient.ingest_records,
    needs_stream_type=None,
    adds_records=True,
    sends_identities=False,
    repeats=Repeats.IN_TURN,
    repeats_if_immutable=Repeats.ALL_COUNT,
    statuses_of_records=frozenset({400, 404, CONFLICT, 413, 422}),
    statuses_of_conflict=frozenset(),
    statuses_of_existing=frozenset({CONFLICT}),
)
DELETE = Verb(
    name="delete",
    done="deleted",
    noun="deletes",
    preposition="from",
    summary=DeleteSummary,
    send=CdfClient.delete_records,
    needs_stream_type=MUTABLE,
    adds_records=False,
    sends_identities=True,
    repeats=Repeats.LAST_COUNTS,
    repeats_if_immutable=Repeats.LAST_COUNTS,
)

VERBS: dict[str, Verb[Any]] = {verb.name: verb for verb in (UPSERT, INGEST, DELETE)}
