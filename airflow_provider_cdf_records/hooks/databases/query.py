"""Runs a query on any connection that Airflow has a SQL hook for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider_cdf_records.client.secrets import without_secrets
from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.drivers import driver_of, driver_to_connect, placeholders_of
from airflow_provider_cdf_records.hooks.databases.errors import QueryError, is_of_a_program
from airflow_provider_cdf_records.hooks.databases.hook import database_hook
from airflow_provider_cdf_records.hooks.databases.parameters import Parameters, QueryParameters
from airflow_provider_cdf_records.hooks.databases.rows import Rows
from airflow_provider_cdf_records.hooks.databases.statements import second_statement
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.errors import InvalidArgumentError


class Query:
    """A query, executed and fetched on a connection of its own.

    :param conn_id: an Airflow connection whose hook is a ``DbApiHook``.
    :param parameters: values for the placeholders. ``{"timestamp": ...}`` and ``{"date": ...}`` are moments
        and dates.
    :param hook_params: further arguments of that hook.
    :ivar hook: that hook.
    :ivar paramstyle: of the driver's placeholders, as DB-API calls it; known once it was executed.
    :ivar takes_names: whether the driver takes parameters by name, likewise.
    :raises InvalidArgumentError: when ``sql`` is empty or has two statements, a parameter makes no sense, or
        the hook is not a ``DbApiHook``.
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
        if second := second_statement(sql):
            msg = (
                "sql must be one SELECT, but another statement follows the first one's semicolon: "
                f"{second!r}. Load it by a task of its own."
            )
            raise InvalidArgumentError(msg)
        if not isinstance(conn_id, str) or not conn_id:
            msg = f"conn_id must name an Airflow connection to a SQL database, got {conn_id!r}."
            raise InvalidArgumentError(msg)
        self._sql = sql
        self._conn_id = conn_id
        self._parameters = QueryParameters(parameters)
        self.hook, self._secrets = database_hook(conn_id, dict(hook_params or {}))
        self._open: tuple[Driver, Any] | None = None  # the driver and its connection
        self.paramstyle, self.takes_names = "pyformat", True

    @contextmanager
    def execute(self) -> Iterator[Rows]:
        """Execute the query; connection, transaction and cursor are closed with the context."""
        failure = f"Connection {self._conn_id!r} cannot be opened"
        conn: Any = None
        driver: Driver | None = None
        is_read = False
        try:
            conn = driver_to_connect(self.hook).connect()
            driver = driver_of(conn, self.hook)
            self.paramstyle, self.takes_names = placeholders_of(conn)
            self._open = driver, conn
            failure = f"The query on connection {self._conn_id!r} failed"
            driver.begin(conn)
            parameters = self._parameters.for_driver(driver)
            cursor = driver.cursor(conn)
            cursor.execute(self._sql, *parameters)
            yield Rows(cursor, driver, failure)
            is_read = True
        except Exception as error:
            if isinstance(error, QueryError):
                message = without_secrets(str(error), self._secrets)
                raise QueryError(message, retryable=error.retryable) from None
            if hasattr(error, "retryable"):
                raise
            raise self._query_error(failure, error) from None
        finally:
            self._open = None
            with suppress(Exception):
                if driver is not None:
                    driver.close(conn, is_read=is_read)

    def cancel(self) -> None:
        """Interrupt the query, where the database can; may be called by any thread."""
        is_open = self._open
        if is_open is not None:
            driver, conn = is_open
            driver.cancel(conn)

    def _query_error(self, failure: str, error: Exception) -> QueryError:
        text = " ".join(display(error, str).replace("^", " ").split())
        driver = driver_of(error, self.hook)
        message = without_secrets(f"{failure}: {type(error).__name__}: {text}", self._secrets)
        return QueryError(message, retryable=not (driver.is_final(error) or is_of_a_program(error)))
