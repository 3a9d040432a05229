"""Read a stream's records through the indexes, as far as a query's filter tells where they are.

``updated`` never falls where ``seq`` rises, so that the index of a stream's feed also finds times.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from airflow_provider_cdf_records.local_server.language.narrowing import Narrowing
from airflow_provider_cdf_records.local_server.state.tables import COLUMNS

NEXT = "SELECT seq, updated FROM record WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT 1"
NEWEST = "SELECT COALESCE(MAX(seq), 0) FROM record WHERE stream = ?"
USAGE = "SELECT records FROM usage WHERE stream = ?"
ANY_SPACE = "space IN (SELECT id FROM space)"
BY_TIME = f"SELECT {COLUMNS} FROM record INDEXED BY record_feed WHERE seq BETWEEN :first AND :last"  # noqa: S608
BY_IDENTITY = (
    f"SELECT {COLUMNS} FROM record INDEXED BY record_identity WHERE mutable = 1",  # noqa: S608
    f"SELECT {COLUMNS} FROM record INDEXED BY record_copies WHERE mutable = 0",  # noqa: S608
)
SUPERSEDED = """
SELECT seq, space, external_id, 0 AS deleted, created, updated, properties FROM superseded
WHERE stream = :stream AND until > :upto AND updated <= :upto AND properties IS NOT NULL
"""


class Narrowed:
    """The records of a stream at one moment.

    :param db: a connection of its own.
    :param upto: the time until which changes are visible; ``None``: all are.
    """

    def __init__(self, db: sqlite3.Connection, stream_id: str, upto: int | None) -> None:
        self._db = db
        self._stream_id = stream_id
        self._upto = upto
        db.execute("BEGIN")  # all statements see one moment
        (self._newest,) = db.execute(NEWEST, (stream_id,)).fetchone()

    def rows(self, narrowing: Narrowing, *, newest_first: bool) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the records inside a narrowing, in the order of their last change."""
        question, values = self._question(narrowing)
        yield from self._db.execute(f"{question} ORDER BY seq {'DESC' if newest_first else 'ASC'}", values)

    def count(self, narrowing: Narrowing) -> int:
        """Return how many records are inside a narrowing."""
        question, values = self._question(narrowing)
        any_identity = narrowing.spaces is None and narrowing.external_ids is None
        any_time = self._upto is None and values["first"] == 1 and values["last"] >= self._newest
        if any_identity and any_time:
            found = self._db.execute(USAGE, (self._stream_id,)).fetchone() or (0,)
        else:
            found = self._db.execute(f"SELECT COUNT(*) FROM ({question})", values).fetchone()  # noqa: S608
        return int(found[0])

    def _question(self, narrowing: Narrowing) -> tuple[str, dict[str, Any]]:
        values: dict[str, Any] = {
            "stream": self._stream_id,
            "since": narrowing.since,
            "until": narrowing.until,
            "upto": self._upto,
            "first": self._first_since(narrowing.since),
            "last": self._first_since(narrowing.until + 1) - 1,
        }
        inside, parts = ["updated BETWEEN :since AND :until"], [BY_TIME]
        if narrowing.spaces is not None:
            inside.append(_is_one_of("space", narrowing.spaces, values))
        elif narrowing.external_ids is not None:
            inside.append(ANY_SPACE)  # the indexes of identities begin with it
        if narrowing.external_ids is not None:
            inside.append(_is_one_of("external_id", narrowing.external_ids, values))
            parts = list(BY_IDENTITY)
        current = ["stream = :stream", "deleted = 0", *inside]
        if self._upto is not None:
            current.append("updated <= :upto")
        selects = [" AND ".join([part, *current]) for part in parts]
        if self._upto is not None:
            selects.append(" AND ".join([SUPERSEDED, *inside]))
        return " UNION ALL ".join(selects), values

    def _first_since(self, time: int) -> int:
        """Return a ``seq`` from which on the records have changed since a time, and none before it."""
        low, high = 1, self._newest + 1
        while low < high:
            middle = (low + high) // 2
            seq, updated = self._db.execute(NEXT, (self._stream_id, middle)).fetchone()
            if updated < time:
                low = seq + 1
            else:
                high = middle
        return int(low)


@contextmanager
def read(database: str, stream_id: str, upto: int | None) -> Iterator[Narrowed]:
    """Connect to the database at a URI, so that writers do not wait, and read a stream."""
    with closing(sqlite3.connect(database, uri=True)) as db:
        yield Narrowed(db, stream_id, upto)


def _is_one_of(column: str, names: frozenset[str], values: dict[str, Any]) -> str:
    named = {f"{column}_{number}": name for number, name in enumerate(sorted(names))}
    values.update(named)
    listed = ", ".join(f":{name}" for name in named)
    return (
        f"{column} IN ({listed or 'NULL'})"  # of an empty list, SQLite would not use the index that is named
    )
