"""Records into batches: at most 1000 identities and 10 MB a request, each identity once."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_cdf_records.pipeline.record import (
    MAX_REQUEST_BYTES,
    REQUEST_END,
    REQUEST_START,
    Identity,
    Record,
)

MAX_RECORDS = 1000
MAX_HELD = 10 * MAX_RECORDS  # rows of a batch in memory, with the earlier ones of each identity


class Batch:
    """Records of one request, and behind each the earlier rows of its identity.

    The earlier rows are kept until the batch is settled: when CDF refuses the last row of an identity,
    the one before takes its place.
    """

    def __init__(self) -> None:
        self.latest: dict[Identity, Record] = {}
        self.earlier: dict[Identity, list[Record]] = {}
        self._held = 0
        self._bytes = len(REQUEST_START) + len(REQUEST_END)

    def __len__(self) -> int:
        return self._held

    def takes(self, record: Record) -> bool:
        """Whether the record fits. An empty batch takes any record that passed the checks."""
        if not self._held:
            return True
        return (
            self._bytes + len(record.body) + 1 <= MAX_REQUEST_BYTES
            and self._held < MAX_HELD
            and (len(self.latest) < MAX_RECORDS or record.identity in self.latest)
        )

    def add(self, record: Record) -> None:
        """Add a record, as the latest of its identity."""
        if (before := self.latest.get(record.identity)) is not None:
            self.earlier.setdefault(record.identity, []).append(before)
        self.latest[record.identity] = record
        self._held += 1
        self._bytes += len(record.body) + (1 if self._held > 1 else 0)


class Batcher:
    """Fed a record at a time, hands out full batches in the order of the source."""

    def __init__(self) -> None:
        self._batch = Batch()

    def feed(self, record: Record) -> Batch | None:
        """Add a record; returns the batch that had to be closed for it, if any."""
        full = None if self._batch.takes(record) else self.flush()
        self._batch.add(record)
        return full

    def flush(self) -> Batch | None:
        """Return the last batch, if there is anything in it."""
        batch, self._batch = self._batch, Batch()
        return batch if len(batch) else None


def request_body(records: Iterable[Record]) -> bytes:
    """Return ``{"items": [...]}`` for records of distinct identities."""
    return REQUEST_START + b",".join(record.body for record in records) + REQUEST_END
