"""The tables of the SQLite file, and the longer SQL statements."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

VERSION = 1  # of these tables; a file of another version is refused

TABLES = """
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
CREATE TABLE IF NOT EXISTS superseded (
    stream TEXT NOT NULL, until INTEGER NOT NULL,
    seq INTEGER NOT NULL, space TEXT NOT NULL, external_id TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL, properties BLOB
);
CREATE INDEX IF NOT EXISTS superseded_until ON superseded (stream, until);
CREATE TABLE IF NOT EXISTS usage (
    stream TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passed (seq INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS record_added AFTER INSERT ON record BEGIN
    UPDATE usage SET records = records + 1, bytes = bytes + LENGTH(NEW.properties) WHERE stream = NEW.stream;
END;
CREATE TRIGGER IF NOT EXISTS record_changed AFTER UPDATE ON record BEGIN
    UPDATE usage SET
        records = records + OLD.deleted - NEW.deleted,
        bytes = bytes + COALESCE(LENGTH(NEW.properties), 0) - COALESCE(LENGTH(OLD.properties), 0)
    WHERE stream = NEW.stream;
END;
"""
KEEP_SUPERSEDED = """
CREATE TEMP TRIGGER keep_superseded AFTER UPDATE ON main.record {when} BEGIN
    INSERT INTO superseded (stream, until, seq, space, external_id, created, updated, properties)
    VALUES (OLD.stream, NEW.updated, OLD.seq, OLD.space, OLD.external_id, OLD.created, OLD.updated,
            OLD.properties);
END;
"""  # a tombstone has no properties
NEWEST = """
SELECT COALESCE(MAX(seq), 0), COALESCE(MAX(updated), 0) FROM (
    SELECT seq, updated FROM record UNION ALL SELECT seq, updated FROM passed
)
"""
IS_THERE = "SELECT 1 FROM stream WHERE id = ? AND deleted IS NULL"
UPSERT = """
INSERT INTO record (seq, stream, space, external_id, mutable, deleted, created, updated, properties)
VALUES (?, ?, ?, ?, 1, 0, ?, ?, ?)
ON CONFLICT (stream, space, external_id) WHERE mutable = 1 DO UPDATE SET
    seq = excluded.seq, updated = excluded.updated, properties = excluded.properties,
    created = CASE WHEN deleted THEN excluded.created ELSE created END, deleted = 0
"""
APPEND = """
INSERT INTO record (seq, stream, space, external_id, mutable, deleted, created, updated, properties)
SELECT seq, stream, space, external_id, 0, 0, created, updated, properties FROM (
    SELECT ? AS seq, ? AS stream, ? AS space, ? AS external_id, ? AS created, ? AS updated, ? AS properties
) AS new WHERE NOT EXISTS (
    SELECT 1 FROM record WHERE record.mutable = 0 AND record.stream = new.stream
    AND record.space = new.space AND record.external_id = new.external_id
    AND record.properties = new.properties
)
"""
DELETE = """
UPDATE record SET seq = ?, deleted = 1, updated = ?, properties = NULL
WHERE stream = ? AND space = ? AND external_id = ? AND mutable = 1 AND deleted = 0
"""
EXISTS = """
SELECT 1 FROM record WHERE stream = ? AND space = ? AND external_id = ? AND mutable = 1 AND deleted = 0
"""
FORGET = "DELETE FROM superseded WHERE stream = ? AND until < ?"
COLUMNS = "seq, space, external_id, deleted, created, updated, properties"
AS_OF_NOW = f"SELECT {COLUMNS} FROM record WHERE stream = :stream AND deleted = 0 ORDER BY seq"  # noqa: S608
AS_OF = f"""
SELECT {COLUMNS} FROM record WHERE stream = :stream AND deleted = 0 AND updated <= :upto
UNION ALL
SELECT seq, space, external_id, 0, created, updated, properties FROM superseded
WHERE stream = :stream AND until > :upto AND updated <= :upto AND properties IS NOT NULL
ORDER BY seq
"""  # noqa: S608
IS_HIDDEN = "updated IN (SELECT value FROM json_each(:hidden))"
VISIBLE = f"""
SELECT {COLUMNS} FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY space, external_id, copy ORDER BY seq DESC) AS newest FROM (
        SELECT {COLUMNS}, CASE mutable WHEN 0 THEN seq ELSE 0 END AS copy FROM record
        WHERE stream = :stream AND updated <= :upto AND NOT {IS_HIDDEN}
        UNION ALL
        SELECT seq, space, external_id, properties IS NULL, created, updated, properties, 0 FROM superseded
        WHERE stream = :stream AND updated <= :upto AND NOT {IS_HIDDEN}
    )
) WHERE newest = 1 AND deleted = 0 ORDER BY seq
"""  # noqa: S608
_CHANGES = f"SELECT {COLUMNS} FROM record WHERE stream = :stream AND seq > :after AND updated <= :upto"  # noqa: S608
CHANGES = f"{_CHANGES} ORDER BY seq"
CHANGES_BEFORE_HIDDEN = f"""
{_CHANGES} AND seq < COALESCE(
    (SELECT MIN(seq) FROM record WHERE stream = :stream AND {IS_HIDDEN}), {2**62}
) ORDER BY seq
"""  # noqa: S608
SEQ_BEFORE = "SELECT COALESCE(MIN(seq) - 1, ?) FROM record WHERE stream = ? AND updated >= ?"


class UnusableDatabase(ValueError):
    """The database cannot be used; the message says why."""


def open_database(
    database: str | Path, *, keep_superseded: bool, keep_tombstones: bool = False
) -> sqlite3.Connection:
    """Open a file, and create the tables that are missing.

    :param keep_superseded: whether versions are kept that were replaced or deleted.
    :param keep_tombstones: whether deletions are kept, too, of records that were created again.

    :raises UnusableDatabase: it is no file, or not one of this version of the local server.
    """
    if str(database) in ("", ":memory:"):
        raise UnusableDatabase(
            f"database {str(database)!r}: the local server needs a file; name one in a temporary folder."
        )
    path = Path(database)
    file = path.absolute()  # SQLite takes a name that begins with "file:" for a URI
    db = None
    try:
        _check(path)
        db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        _prepare(db, path)
        if keep_superseded:
            db.executescript(KEEP_SUPERSEDED.format(when="" if keep_tombstones else "WHEN OLD.deleted = 0"))
    except (OSError, sqlite3.Error, UnusableDatabase) as error:
        if db is not None:
            db.close()
        if isinstance(error, UnusableDatabase):
            raise
        why = error.strerror if isinstance(error, OSError) else error
        raise UnusableDatabase(f"database {path}: {why}.") from None
    return db


def _check(path: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):  # other failures are told
        if not S_ISREG(path.stat().st_mode):
            raise UnusableDatabase(f"database {path}: is not a file; name a file to create or to open.")
    if not path.parent.is_dir():
        raise UnusableDatabase(f"database {path}: there is no folder {path.parent}; create it first.")


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != VERSION and db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise UnusableDatabase(
            f"database {path}: was made by another version of the local server; use a new file."
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(TABLES)
    db.execute(f"PRAGMA user_version = {VERSION}")
