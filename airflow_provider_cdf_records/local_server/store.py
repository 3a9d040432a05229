"""All state, in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

SCHEMA = """
CREATE TABLE IF NOT EXISTS space (id TEXT PRIMARY KEY, definition BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS container (
    space TEXT, external_id TEXT, definition BLOB NOT NULL, PRIMARY KEY (space, external_id)
);
CREATE TABLE IF NOT EXISTS stream (
    id TEXT PRIMARY KEY, template TEXT NOT NULL, created INTEGER NOT NULL, deleted INTEGER
);
CREATE TABLE IF NOT EXISTS record (
    seq INTEGER PRIMARY KEY,
    stream TEXT NOT NULL, space TEXT NOT NULL, external_id TEXT NOT NULL,
    mutable INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL, updated INTEGER NOT NULL,
    properties BLOB
);
CREATE UNIQUE INDEX IF NOT EXISTS record_identity ON record (stream, space, external_id) WHERE mutable = 1;
CREATE INDEX IF NOT EXISTS record_copies ON record (stream, space, external_id) WHERE mutable = 0;
CREATE INDEX IF NOT EXISTS record_feed ON record (stream, seq);
"""
COLUMNS = "seq, space, external_id, deleted, created, updated, properties"
UPSERT = """
INSERT INTO record (seq, stream, space, external_id, mutable, deleted, created, updated, properties)
VALUES (?, ?, ?, ?, 1, 0, ?, ?, ?)
ON CONFLICT (stream, space, external_id) WHERE mutable = 1 DO UPDATE SET
    seq = excluded.seq, updated = excluded.updated, properties = excluded.properties,
    created = CASE WHEN deleted THEN excluded.created ELSE created END, deleted = 0
"""
APPEND = """
INSERT INTO record (seq, stream, space, external_id, mutable, deleted, created, updated, properties)
SELECT ?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7 WHERE NOT EXISTS (
    SELECT 1 FROM record
    WHERE stream = ?2 AND space = ?3 AND external_id = ?4 AND mutable = 0 AND properties = ?7
)
"""
DELETE = """
UPDATE record SET seq = ?, deleted = 1, updated = ?, properties = NULL
WHERE stream = ? AND space = ? AND external_id = ? AND mutable = 1 AND deleted = 0
"""


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


NewRecord = tuple[str, str, bytes]  # space, external id, properties


class Store:
    """Reads and writes; safe between threads, one call at a time.

    What a call has written is on its way to the disk when it returns: killing the process loses nothing.
    """

    def __init__(self, database: str | Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)
        self._seq: int
        self._clock: int
        self._seq, self._clock = self._db.execute(
            "SELECT COALESCE(MAX(seq), 0), COALESCE(MAX(updated), 0) FROM record"
        ).fetchone()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # Data Modeling

    def put_space(self, space: str, definition: dict[str, Any]) -> None:
        self._execute("INSERT OR REPLACE INTO space VALUES (?, ?)", (space, msgspec.json.encode(definition)))

    def spaces(self) -> dict[str, dict[str, Any]]:
        rows = self._execute("SELECT id, definition FROM space ORDER BY id")
        return {space: msgspec.json.decode(definition) for space, definition in rows}

    def put_container(self, definition: dict[str, Any]) -> None:
        key = (definition["space"], definition["externalId"])
        self._execute(
            "INSERT OR REPLACE INTO container VALUES (?, ?, ?)", (*key, msgspec.json.encode(definition))
        )

    def containers(self) -> list[dict[str, Any]]:
        rows = self._execute("SELECT definition FROM container ORDER BY space, external_id")
        return [msgspec.json.decode(definition) for (definition,) in rows]

    # Streams

    def put_stream(self, stream_id: str, template: str) -> StoredStream:
        created = self._now()
        self._execute("INSERT INTO stream VALUES (?, ?, ?, NULL)", (stream_id, template, created))
        return StoredStream(stream_id, template, created, None)

    def streams(self) -> dict[str, StoredStream]:
        """Return all streams, also the deleted ones, whose ids stay reserved."""
        rows = self._execute("SELECT id, template, created, deleted FROM stream ORDER BY created, id")
        return {row[0]: StoredStream(*row) for row in rows}

    def delete_stream(self, stream_id: str) -> None:
        with self._lock, self._transaction():
            self._db.execute("UPDATE stream SET deleted = ? WHERE id = ?", (self._now(), stream_id))
            self._db.execute("DELETE FROM record WHERE stream = ?", (stream_id,))

    def usage(self, stream_id: str) -> tuple[int, int]:
        """Return how many records a stream holds, and their bytes."""
        ((count, size),) = self._execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(properties)), 0) FROM record "
            "WHERE stream = ? AND deleted = 0",
            (stream_id,),
        )
        return count, size

    # Records

    def upsert(self, stream_id: str, records: Iterable[NewRecord]) -> None:
        self._write(UPSERT, stream_id, records)

    def append(self, stream_id: str, records: Iterable[NewRecord]) -> None:
        """Add records to an immutable stream; an exact copy of one that is there is passed over."""
        self._write(APPEND, stream_id, records)

    def existing(self, stream_id: str, identities: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return those identities that the stream holds already."""
        with self._lock:
            query = "SELECT 1 FROM record WHERE stream = ? AND space = ? AND external_id = ? AND deleted = 0"
            return [
                identity
                for identity in identities
                if self._db.execute(query, (stream_id, *identity)).fetchone()
            ]

    def delete(self, stream_id: str, identities: Iterable[tuple[str, str]]) -> None:
        with self._lock, self._transaction():
            now = self._tick()
            for identity in identities:
                self._seq += 1
                self._db.execute(DELETE, (self._seq, now, stream_id, *identity))

    def records(
        self, stream_id: str, *, after: int = 0, upto: int | None = None, deleted: bool = False
    ) -> Iterator[StoredRecord]:
        """Yield records in the order of their last change.

        :param after: the ``seq`` to go on from.
        :param upto: epoch milliseconds; later changes are left out.
        :param deleted: whether tombstones are wanted.
        """
        query = (
            f"SELECT {COLUMNS} FROM record WHERE stream = ? AND seq > ? AND updated <= ? AND deleted <= ? "  # noqa: S608
            "ORDER BY seq LIMIT 2000"
        )
        while True:
            newest = 2**62 if upto is None else upto
            rows = self._execute(query, (stream_id, after, newest, int(deleted)))
            for row in rows:
                yield StoredRecord(*row)
            if not rows:
                return
            after = rows[-1][0]

    def seq_before(self, stream_id: str, time_ms: int) -> int:
        """Return the ``seq`` after which all changes of a stream since a time come."""
        ((seq,),) = self._execute(
            "SELECT COALESCE(MIN(seq) - 1, ?) FROM record WHERE stream = ? AND updated >= ?",
            (self._seq, stream_id, time_ms),
        )
        return int(seq)

    def _write(self, statement: str, stream_id: str, records: Iterable[NewRecord]) -> None:
        with self._lock, self._transaction():
            now = self._tick()
            rows = [
                (self._seq + number, stream_id, space, external_id, now, now, properties)
                for number, (space, external_id, properties) in enumerate(records, start=1)
            ]
            self._seq += len(rows)
            self._db.executemany(statement, rows)

    def _tick(self) -> int:
        """Return a time that is later than that of every change before."""
        self._clock = max(self._now(), self._clock + 1)
        return self._clock

    @staticmethod
    def _now() -> int:
        return time.time_ns() // 1_000_000

    def _execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """``BEGIN`` to ``COMMIT``, or ``ROLLBACK`` when something goes wrong."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("ROLLBACK" if kind else "COMMIT")
