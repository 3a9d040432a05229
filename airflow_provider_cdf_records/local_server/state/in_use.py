"""One server at a time uses a database: each numbers the changes and remembers the definitions by itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from airflow_provider_cdf_records.local_server.state.tables import UnusableDatabase


class InUse:
    """Mark a database as used, with a lock on a file beside it; the lock ends with the process at the latest.

    :raises UnusableDatabase: another server uses it.
    """

    def __init__(self, database: str | Path) -> None:
        self._path = Path(f"{database}-in-use").absolute()
        # SQLite locks files on every system, and within one process too.
        self._held = sqlite3.connect(self._path, timeout=0, check_same_thread=False, isolation_level=None)
        try:
            self._held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self._held.close()
            raise UnusableDatabase(
                f"database {database}: another local server uses it; name another file."
            ) from None

    def end(self) -> None:
        """Let others use the database."""
        self._path.unlink(missing_ok=True)
        self._held.close()
