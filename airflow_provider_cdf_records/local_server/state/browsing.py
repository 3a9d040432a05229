"""Look at streams and records as people do: the newest first, page by page, and one by one with its history.

Everything is read through indexes and separate connections, so that writers never wait. What queries of the
API do not see yet is shown, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

from airflow_provider_cdf_records.local_server.language.filters import compile_filter
from airflow_provider_cdf_records.local_server.language.narrowing import ALL, Narrowing, narrow
from airflow_provider_cdf_records.local_server.state import narrowed
from airflow_provider_cdf_records.local_server.state.queries import fields_of
from airflow_provider_cdf_records.local_server.state.store import Store, StoredRecord
from airflow_provider_cdf_records.local_server.state.tables import COLUMNS

MOST_EXAMINED = 20_000  # records for one page of a filter
MOST_COPIES = 50  # of one identity in an immutable stream
USAGE = """
SELECT stream, records, bytes,
       (SELECT updated FROM record WHERE record.stream = usage.stream ORDER BY seq DESC LIMIT 1)
FROM usage
"""
SAME_IDENTITY = "stream = :stream AND space = :space AND external_id = :external_id"
VERSIONS = f"""
SELECT {COLUMNS} FROM record INDEXED BY record_identity WHERE mutable = 1 AND {SAME_IDENTITY}
UNION ALL SELECT * FROM (
    SELECT {COLUMNS} FROM record INDEXED BY record_copies WHERE mutable = 0 AND {SAME_IDENTITY}
    ORDER BY seq DESC LIMIT {MOST_COPIES}
)
"""  # noqa: S608


@dataclass(frozen=True)
class Usage:
    """What a stream holds; ``last_change`` in epoch milliseconds."""

    records: int
    size: int
    last_change: int | None


@dataclass(frozen=True)
class Place:
    """Where a page ended: the next one holds what changed before."""

    updated: int
    seq: int


@dataclass(frozen=True)
class Page:
    """Some records, newest first.

    :ivar next: where the next page begins; ``None`` after the last record.
    :ivar examined: how many records were tested for this page.
    """

    records: list[StoredRecord]
    next: Place | None
    examined: int


@dataclass(frozen=True)
class Event:
    """One change of a record; ``properties`` is ``None`` where they are not known, or it was deleted."""

    kind: str  # created, updated, deleted, or written, which is one of the first two
    at: int
    properties: bytes | None


class Browsing:
    """Reads for the page; nothing is changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def usage(self) -> dict[str, Usage]:
        """Return what each stream holds, and when it changed last."""
        with self._connection() as db:
            return {row[0]: Usage(*row[1:]) for row in db.execute(USAGE)}

    def page(self, stream_id: str, expression: object, before: Place | None, limit: int) -> Page:
        """Return records that match a filter, ``None`` for all, from a place on.

        A page ends early after ``MOST_EXAMINED`` records, and has fewer then, or none.

        :raises ApiError: saying what is wrong with the filter.
        """
        matches = None if expression is None else compile_filter(expression)
        narrowing = narrow(expression, {}) or ALL
        if before is not None:
            narrowing = replace(narrowing, until=min(narrowing.until, before.updated))
        found: list[StoredRecord] = []
        examined, last = 0, before
        with closing(self._inside(stream_id, narrowing, before)) as rows:
            for record in islice(rows, MOST_EXAMINED):
                examined, last = examined + 1, Place(record.updated, record.seq)
                if matches is None or matches(fields_of(record)):
                    found.append(record)
                    if len(found) == limit:
                        break
            is_more = next(rows, None) is not None
        return Page(found, last if is_more else None, examined)

    def versions(self, stream_id: str, space: str, external_id: str) -> list[StoredRecord]:
        """Return what is stored of an identity, newest first: one row, several in an immutable stream."""
        values = {"stream": stream_id, "space": space, "external_id": external_id}
        with self._connection() as db:
            rows = [StoredRecord(*row) for row in db.execute(VERSIONS, values)]
        return sorted(rows, key=lambda record: record.seq, reverse=True)

    def history(self, stream_id: str, versions: list[StoredRecord]) -> list[Event]:
        """Return the changes that are known of a record with these versions, newest first."""
        newest = versions[0]
        if len(versions) > 1:
            return [Event("created", version.updated, version.properties) for version in versions]
        changes = self._store.recent_changes.of(stream_id, newest.space, newest.external_id)
        held = {change.at: change.properties for change in changes}
        held.setdefault(newest.updated, newest.properties)
        is_deleted = {at for at, properties in held.items() if properties is None}
        held.setdefault(newest.created, None)
        events: list[Event] = []
        for at, properties in sorted(held.items()):
            if at in is_deleted:
                kind = "deleted"
            elif at == newest.created or (events and events[-1].kind == "deleted"):
                kind = "created"
            else:
                # Of a record that was deleted since, nobody knows whether this created it.
                kind = "updated" if at > newest.created or events else "written"
            events.append(Event(kind, at, properties))
        return events[::-1]

    def _inside(
        self, stream_id: str, narrowing: Narrowing, before: Place | None
    ) -> Generator[StoredRecord, None, None]:
        with narrowed.read(self._store.reading, stream_id, None) as inside:
            for row in inside.rows(narrowing, newest_first=True):
                if before is None or row[0] < before.seq:
                    yield StoredRecord(*row)

    def _connection(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self._store.reading, uri=True))
