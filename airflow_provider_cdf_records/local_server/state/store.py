"""Read and write all state, which is in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.language.narrowing import Narrowing
from airflow_provider_cdf_records.local_server.state import narrowed, tables
from airflow_provider_cdf_records.local_server.state.in_use import InUse
from airflow_provider_cdf_records.local_server.state.recent_changes import ChangedRecord, RecentChanges
from airflow_provider_cdf_records.local_server.state.visibility import Visibility

Identity = tuple[str, str]  # space, external id
NewRecord = tuple[str, str, bytes]  # space, external id, properties


class StreamGone(LookupError):
    """The stream was deleted while the request was being checked."""


class StreamFull(Exception):
    """The stream would hold more than its capacity."""


@dataclass(frozen=True)
class Capacity:
    """How much one stream can hold."""

    records: int
    size: int  # bytes


@dataclass(frozen=True)
class StoredStream:
    """A stream; times in epoch milliseconds."""

    id: str
    template: str
    created: int
    deleted: int | None


@dataclass(frozen=True)
class StoredRecord:
    """A record; ``properties`` is JSON of ``{space: {container: {property: value}}}``, empty when deleted."""

    seq: int
    space: str
    external_id: str
    deleted: int
    created: int
    updated: int
    properties: bytes | None


class Store:
    """Reads and writes, safe from any thread: one writes at a time, and each read sees one moment's state.

    A call has committed what it wrote when it returns: killing the process loses nothing.

    :param clock: gives the times of records, streams and definitions.
    :param visibility: hides changes from readers; by default none.
    :raises UnusableDatabase: the database is not a file of this server, cannot be made, or is in use.
    """

    def __init__(self, database: str | Path, clock: Clock, visibility: Visibility | None = None) -> None:
        self._lock = threading.RLock()
        self.clock = clock
        self.reading = f"{Path(database).absolute().as_uri()}?mode=ro"
        self._visibility = visibility or Visibility(clock)
        self.recent_changes = RecentChanges()
        self._written: list[ChangedRecord] = []  # by the transaction that is open
        self._keep_ms = self._visibility.longest_ms
        self.can_narrow = not self._visibility.is_uneven
        self._db = tables.open_database(
            database,
            keep_superseded=bool(self._keep_ms),
            keep_tombstones=self._visibility.is_uneven,
        )
        try:
            self._in_use = InUse(database)
        except tables.UnusableDatabase:
            self._db.close()
            raise
        self._seq: int
        self._last_change: int
        self._ahead = 0  # the most milliseconds that a change was dated ahead of the clock
        self._seq, self._last_change = self._db.execute(tables.NEWEST).fetchone()

    def close(self) -> None:
        with self._lock:
            self._db.close()
            self._in_use.end()

    # Data Modeling

    def put_space(self, space: str, definition: dict[str, Any]) -> None:
        self._execute("INSERT OR REPLACE INTO space VALUES (?, ?)", (space, msgspec.json.encode(definition)))

    def spaces(self) -> dict[str, dict[str, Any]]:
        rows = self._execute("SELECT id, definition FROM space ORDER BY id")
        return {space: msgspec.json.decode(definition) for space, definition in rows}

    def put_container(self, definition: dict[str, Any]) -> None:
        row = (definition["space"], definition["externalId"], msgspec.json.encode(definition))
        self._execute("INSERT OR REPLACE INTO container VALUES (?, ?, ?)", row)

    def containers(self) -> list[dict[str, Any]]:
        rows = self._execute("SELECT definition FROM container ORDER BY space, external_id")
        return [msgspec.json.decode(definition) for (definition,) in rows]

    # Streams

    def put_stream(self, stream_id: str, template: str) -> StoredStream:
        """Create a stream, also where a deleted one had this id."""
        created = self.clock.now_ms()
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO stream VALUES (?, ?, ?, NULL)", (stream_id, template, created)
            )
            self._db.execute("INSERT INTO usage VALUES (?, 0, 0)", (stream_id,))
        return StoredStream(stream_id, template, created, None)

    def streams(self) -> dict[str, StoredStream]:
        """Return all streams, also the deleted ones, whose ids stay reserved."""
        rows = self._execute("SELECT id, template, created, deleted FROM stream ORDER BY created, id")
        return {row[0]: StoredStream(*row) for row in rows}

    def delete_stream(self, stream_id: str) -> None:
        with self._writing():
            self._db.execute("UPDATE stream SET deleted = ? WHERE id = ?", (self.clock.now_ms(), stream_id))
            # Cursors of other streams know these numbers, and no later change may have one of them.
            self._db.execute("INSERT INTO passed VALUES (?, ?)", (self._seq, self._last_change))
            for table in ("record", "superseded", "usage"):
                self._db.execute(f"DELETE FROM {table} WHERE stream = ?", (stream_id,))  # noqa: S608

    def usage(self, stream_id: str) -> tuple[int, int]:
        """Return how many records a stream holds, and the bytes of their properties."""
        rows = self._execute("SELECT records, bytes FROM usage WHERE stream = ?", (stream_id,))
        count, size = rows[0] if rows else (0, 0)
        return count, size

    # Records

    def upsert(self, stream_id: str, records: Iterable[NewRecord], capacity: Capacity) -> None:
        """Create records, or replace those with the same identity.

        :raises StreamGone, StreamFull: and nothing is written.
        """
        with self._changing(stream_id, capacity):
            self._write(tables.UPSERT, stream_id, records)

    def insert(
        self, stream_id: str, records: list[NewRecord], capacity: Capacity, *, partly: bool
    ) -> list[Identity]:
        """Create records and return those that exist already.

        :param partly: write the others all the same; otherwise none are written.
        """
        with self._changing(stream_id, capacity):
            existing = {
                (space, name)
                for space, name, _ in records
                if self._db.execute(tables.EXISTS, (stream_id, space, name)).fetchone()
            }
            if partly or not existing:
                new = (record for record in records if record[:2] not in existing)
                self._write(tables.UPSERT, stream_id, new)
        return sorted(existing)

    def append(self, stream_id: str, records: Iterable[NewRecord], capacity: Capacity) -> None:
        """Add records to an immutable stream; exact copies of existing ones are ignored."""
        with self._changing(stream_id, capacity):
            self._write(tables.APPEND, stream_id, records)

    def delete(self, stream_id: str, identities: Iterable[Identity]) -> None:
        with self._writing(stream_id):
            now = self._tick()
            for identity in identities:
                self._seq += 1
                if self._db.execute(tables.DELETE, (self._seq, now, stream_id, *identity)).rowcount:
                    self._written.append((*identity, None))

    def all_records(self, stream_id: str) -> Iterator[StoredRecord]:
        """Yield the records, also those that are not visible yet, in the order of their last change."""
        yield from self._read(tables.AS_OF_NOW, {"stream": stream_id})

    def records(self, stream_id: str) -> Iterator[StoredRecord]:
        """Yield the newest version of each record that is visible, in the order of their last change."""
        if self._visibility.is_uneven:
            question = tables.VISIBLE
        else:
            question = tables.AS_OF if self._visibility.delay_ms else tables.AS_OF_NOW
        yield from self._read(question, {"stream": stream_id, **self._visible()})

    def narrowed(
        self, stream_id: str, narrowing: Narrowing, *, newest_first: bool = False
    ) -> Iterator[StoredRecord]:
        """Yield what :meth:`records` does as far as it is inside, through the indexes; see ``can_narrow``."""
        with narrowed.read(self.reading, stream_id, self._upto()) as inside:
            for row in inside.rows(narrowing, newest_first=newest_first):
                yield StoredRecord(*row)

    def count(self, stream_id: str, narrowing: Narrowing) -> int:
        """Return how many records :meth:`narrowed` yields."""
        with narrowed.read(self.reading, stream_id, self._upto()) as inside:
            return inside.count(narrowing)

    def changes(self, stream_id: str, after: int) -> Iterator[StoredRecord]:
        """Yield each record that changed after a ``seq`` once, also deleted ones, in the order of ``seq``.

        Where changes become visible in another order, none is yielded before those that were accepted
        earlier, so that no reader goes on beyond one that becomes visible later.
        """
        values = {"stream": stream_id, "after": after, **self._visible()}
        question = tables.CHANGES_BEFORE_HIDDEN if self._visibility.is_uneven else tables.CHANGES
        yield from self._read(question, values)

    def seq_before(self, stream_id: str, time_ms: int) -> int:
        """Return the ``seq`` after which the changes of a stream since a time begin."""
        ((seq,),) = self._execute(tables.SEQ_BEFORE, (self._seq, stream_id, time_ms))
        return int(seq)

    def _visible(self) -> dict[str, Any]:
        """Return the time ``upto`` which changes are visible, and as JSON the times of those ``hidden``."""
        if self._visibility.is_uneven:
            with self._lock:  # what is accepted from here on is later than upto
                hidden = self._visibility.hidden()
                return {"upto": self._last_change, "hidden": msgspec.json.encode(hidden).decode()}
        upto = self._upto()
        return {"upto": 2**62 if upto is None else upto, "hidden": "[]"}

    def _upto(self) -> int | None:
        """Return the time until which changes are visible where that is even; ``None``: all are."""
        delay_ms = self._visibility.delay_ms  # changes may be dated ahead of the clock
        return self.clock.now_ms() + self._ahead - delay_ms if delay_ms else None

    def _read(self, question: str, values: dict[str, Any]) -> Iterator[StoredRecord]:
        """Read through a separate connection, so that writers do not wait and no half-done write is seen."""
        with closing(sqlite3.connect(self.reading, uri=True)) as db:
            for row in db.execute(question, values):
                yield StoredRecord(*row)

    def _write(self, statement: str, stream_id: str, records: Iterable[NewRecord]) -> None:
        now, written = self._tick(), list(records)
        rows = [
            (self._seq + number, stream_id, space, external_id, now, now, properties)
            for number, (space, external_id, properties) in enumerate(written, start=1)
        ]
        self._seq += len(rows)
        self._db.executemany(statement, rows)
        if statement is tables.UPSERT:
            self._written = [*written]

    @contextmanager
    def _changing(self, stream_id: str, capacity: Capacity) -> Iterator[None]:
        with self._writing(stream_id):
            if not self._db.execute(tables.IS_THERE, (stream_id,)).fetchone():
                raise StreamGone(stream_id)
            yield
            if self._keep_ms:
                self._db.execute(tables.FORGET, (stream_id, self.clock.now_ms() - 2 * self._keep_ms))
            count, size = self.usage(stream_id)
            if count > capacity.records or size > capacity.size:
                raise StreamFull(stream_id)

    @contextmanager
    def _writing(self, stream_id: str = "") -> Iterator[None]:
        """``BEGIN`` to ``COMMIT``, or ``ROLLBACK`` when something goes wrong."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._written = []
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            self.recent_changes.add(stream_id, self._last_change, self._written)

    def _tick(self) -> int:
        """Return a time that is later than that of every change before."""
        now = self.clock.now_ms()
        self._last_change = max(now, self._last_change + 1)
        self._ahead = max(self._ahead, self._last_change - now)
        self._visibility.accepted(self._last_change)
        return self._last_change

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()
