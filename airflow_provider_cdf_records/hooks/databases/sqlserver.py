"""SQL Server, by pymssql."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timezone
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.second_connection import (
    end_from_second_connection,
    number_of,
)
from airflow_provider_cdf_records.hooks.databases.sqlserver_errors import GONE, is_final_number

FIRST_OF_DB_LIB = 20000  # errors of the client's library, which has nothing to say of the statement
LAST_OF_DB_LIB = 20050


class PymssqlDriver(Driver):
    """SQL Server, whose rows come as they are fetched.

    A session is ended from a second connection (``KILL``), for which the login needs the right
    ``ALTER ANY CONNECTION``: pymssql's own ``cancel`` waits for the thread that executes the query.
    """

    packages = ("pymssql",)
    text_cast = "CONVERT(varchar(max), {column})"
    bytes_cast = "CONVERT(varchar(max), {column}, 2)"

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self._session: int | None = None

    def cursor(self, conn: Any) -> Any:
        with closing(conn.cursor(as_dict=False)) as cursor:
            cursor.execute("SELECT @@SPID")
            ((session,),) = cursor.fetchall()
        self._session = int(session)
        return conn.cursor(as_dict=False)

    def cancel(self, conn: Any) -> None:  # noqa: ARG002 (which another thread uses)
        if self._session is not None:
            end_from_second_connection(self.hook, f"KILL {self._session}", GONE)

    def is_final(self, error: Exception) -> bool:
        number = number_of(error)
        if number is not None and FIRST_OF_DB_LIB <= number <= LAST_OF_DB_LIB:
            return False
        is_final = is_final_number(number)
        return super().is_final(error) if is_final is None else is_final

    def moment(self, moment: datetime) -> Any:
        """Return a text that means the same in every language of the server, in UTC.

        ``datetime`` takes no microseconds, which are there only where they are not 0.
        """
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        return moment.isoformat(timespec="microseconds" if moment.microsecond % 1000 else "milliseconds")

    def date(self, day: date) -> Any:
        return f"{day:%Y%m%d}"  # with hyphens, the day and the month change places in some languages
