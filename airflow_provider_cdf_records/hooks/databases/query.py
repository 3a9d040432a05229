"""Runs a query on any connection that Airflow has a SQL hook for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.drivers import driver_of, driver_to_connect
from airflow_provider_cdf_records.hooks.databases.hook import database_hook
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.queries import Cursor

Parameters = Sequence[Any] | Mapping[str, Any]


class QueryError(Exception):
    """A database that cannot be reached, or that refuses the query.

    :param retryable: whether the next try may get through.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class Query:
    """A query, executed and fetched on a connection of its own.

    :param conn_id: an Airflow connection whose hook is a ``DbApiHook``.
    :param hook_params: further arguments of that hook.
    :raises InvalidArgumentError: when ``sql`` is empty, or the hook is not a ``DbApiHook``.
    """

    def __init__(
        self,
        sql: str,
        conn_id: str,
        parameters: Parameters | None = None,
        hook_params: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(sql, str) or not sql.strip():
            msg = f"sql must be one SELECT, got {sql!r}."
            raise InvalidArgumentError(msg)
        if not isinstance(conn_id, str) or not conn_id:
            msg = f"conn_id must name an Airflow connection to a SQL database, got {conn_id!r}."
            raise InvalidArgumentError(msg)
        self._sql = sql
        self._conn_id = conn_id
        self._parameters = parameters
        self._hook, self._password = database_hook(conn_id, dict(hook_params or {}))
        self._open: tuple[Driver, Any] | None = None  # the driver and its connection

    @contextmanager
    def execute(self) -> Iterator[Cursor]:
        """Execute the query; connection, transaction and cursor are closed with the context."""
        failure = f"Connection {self._conn_id!r} cannot be opened"
        conn: Any = None
        try:
            conn = driver_to_connect(self._hook).connect()
            driver = driver_of(conn, self._hook)
            self._open = driver, conn
            failure = f"The query on connection {self._conn_id!r} failed"
            cursor = driver.cursor(conn)
            given = () if self._parameters is None else (self._parameters,)
            cursor.execute(self._sql, *given)
            yield cursor
        except Exception as error:
            if hasattr(error, "retryable"):
                raise
            raise self._query_error(failure, error) from None
        finally:
            self._open = None
            with suppress(Exception):
                conn.close()

    def cancel(self) -> None:
        """Interrupt the query, where the database can; may be called by any thread."""
        is_open = self._open
        if is_open is not None:
            driver, conn = is_open
            driver.cancel(conn)

    def _query_error(self, failure: str, error: Exception) -> QueryError:
        text = " ".join(str(error).replace("^", " ").split())
        if self._password:
            text = text.replace(self._password, "***")
        driver = driver_of(error, self._hook)
        message = f"{failure}: {type(error).__name__}: {text}"
        return QueryError(message, retryable=not driver.is_final(error))
