"""What a database's driver needs beside DB-API; the base is right for a driver that nobody knows."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

FINAL_ERRORS = frozenset(
    {"ProgrammingError", "DataError", "NotSupportedError", "IntegrityError"}
)  # of DB-API


class Driver:
    """One driver, or several that are alike; an object a query.

    :cvar packages: the top-level packages of the driver's connections.
    """

    packages: tuple[str, ...] = ()

    def __init__(self, hook: Any) -> None:
        self.hook = hook

    def cursor(self, conn: Any) -> Any:
        """Return a cursor that leaves the rows on the server until they are fetched, where there is one."""
        return conn.cursor()

    def cancel(self, conn: Any) -> None:
        """Interrupt what a connection does; called by another thread, again and again, and must not block."""

    def is_final(self, error: Exception) -> bool:
        """Whether an error of the database stays the same on a retry."""
        return bool({base.__name__ for base in type(error).__mro__} & FINAL_ERRORS)

    def moment(self, moment: datetime) -> Any:
        """Return a moment as a parameter that compares rightly with the database's times."""
        return moment


class DriverThatCancels(Driver):
    """A driver whose connections can be told to stop.

    :cvar cancel_method: the name of the connection's method.
    """

    cancel_method = "cancel"

    def cancel(self, conn: Any) -> None:
        with suppress(Exception):
            getattr(conn, self.cancel_method)()
