"""What a database's driver needs beside DB-API; the base is right for a driver that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

FINAL_ERRORS = frozenset(
    {"ProgrammingError", "DataError", "NotSupportedError", "IntegrityError"}
)  # of DB-API

Read = Callable[[Any], Any]


class Driver:
    """One driver, or several that are alike; an object a query.

    :cvar packages: the top-level packages of the driver's connections and errors.
    :cvar conn_types: the types of Airflow connections whose :meth:`connect` is this driver's; only needed
        where it differs from the base's.
    :cvar text_cast: what to write in a query for ``{column}`` as text.
    :cvar bytes_cast: what to write for ``{column}``, which holds bytes, as text.
    :cvar goes_on_after_a_failed_row: whether ``fetchone`` gives the next row after it failed for a value, and
        costs no more than ``fetchmany``: then such a row is rejected, and the load goes on.
    :cvar refuses_moments_as_text: whether a text such as ``2026-01-01T00:00:00+00:00`` as a parameter finds
        other rows than the moment does, or fails: then it is an error, else a warning.
    """

    packages: tuple[str, ...] = ()
    conn_types: tuple[str, ...] = ()
    text_cast = "CAST({column} AS VARCHAR(4000))"
    bytes_cast = "HEX({column})"
    goes_on_after_a_failed_row = False
    refuses_moments_as_text = False

    def __init__(self, hook: Any) -> None:
        self.hook = hook

    def connect(self) -> Any:
        """Return a new connection, such as one whose cursors leave the rows on the server."""
        return self.hook.get_conn()

    def cursor(self, conn: Any) -> Any:
        """Return a cursor that leaves the rows on the server until they are fetched, where there is one.

        What the connection makes of values (loaders, text factories) is set here too: a value that the driver
        cannot give in full becomes an ``Unreadable`` with what to write in the query.
        """
        return conn.cursor()

    def readers(self, cursor: Any) -> Mapping[int, Read]:  # noqa: ARG002 (drivers look at it)
        """Return functions for the values of some columns of the result, by the column's number from 0.

        Each makes a value exact, or an ``Unreadable`` that says what to write in the query. Called once, when
        the first rows were fetched; the functions get no ``None``.
        """
        return {}

    def cancel(self, conn: Any) -> None:
        """Interrupt what a connection does.

        Called by a thread of its own, again and again, each time when the last call has returned, also when
        nothing goes on. It may connect to the database anew; it must end within seconds and raise nothing.
        """

    def is_final(self, error: Exception) -> bool:
        """Whether an error of the database, of connecting too, stays the same on a retry."""
        return bool({base.__name__ for base in type(error).__mro__} & FINAL_ERRORS)

    def moment(self, moment: datetime) -> Any:
        """Return a moment as a parameter that compares rightly with the database's times.

        :param moment: with a time zone, which is ``datetime.timezone.utc`` or another; one without is local
            time of a zone that the caller has chosen, for a column that holds such.
        """
        return moment

    def date(self, day: date) -> Any:
        """Return a date as a parameter that compares rightly with the database's dates."""
        return day


class DriverThatCancels(Driver):
    """A driver whose connections can be told to stop.

    :cvar cancel_method: the name of the connection's method.
    """

    cancel_method = "cancel"

    def cancel(self, conn: Any) -> None:
        with suppress(Exception):
            getattr(conn, self.cancel_method)()
