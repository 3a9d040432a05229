"""Snowflake, by its own connector."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.second_connection import (
    end_from_second_connection,
    number_of,
)

STOPPED = frozenset({604, 625, 630, 684})  # cancelled, or too slow for STATEMENT_TIMEOUT_IN_SECONDS
CANCELLED = "57014"  # the SQLSTATE of these
WRONG_PASSWORD = "Incorrect username or password"  # noqa: S105 (the number is that of any failed connection)


class SnowflakeDriver(Driver):
    """Snowflake, whose rows come in parts as they are fetched."""

    packages = ("snowflake",)
    text_cast = "TO_VARCHAR({column})"
    bytes_cast = "HEX_ENCODE({column})"

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self._session: int | None = None

    def cursor(self, conn: Any) -> Any:
        self._session = int(conn.session_id)
        return conn.cursor()

    def cancel(self, conn: Any) -> None:  # noqa: ARG002 (which another thread uses)
        if self._session is not None:
            statement = f"SELECT SYSTEM$CANCEL_ALL_QUERIES({self._session})"
            end_from_second_connection(self.hook, statement)

    def close(self, conn: Any, *, is_read: bool) -> None:
        if not is_read:
            self.cancel(conn)
        conn.close()

    def is_final(self, error: Exception) -> bool:
        is_stopped = number_of(error) in STOPPED or getattr(error, "sqlstate", None) == CANCELLED
        return not is_stopped and (super().is_final(error) or WRONG_PASSWORD in str(error))

    def moment(self, moment: datetime) -> Any:
        """Return a text with its offset, which each type of timestamp takes; one without a zone stays so."""
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc)
        return moment.isoformat(sep=" ")
