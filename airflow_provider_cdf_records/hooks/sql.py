"""Runs a query on any connection that Airflow has a SQL hook for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.sources.queries import Cursor
from airflow_provider_cdf_records.version_compat import AirflowException, BaseHook, import_dbapi_hook

POSTGRES = ("psycopg", "psycopg2")
FINAL_ERRORS = {
    "ProgrammingError",
    "DataError",
    "NotSupportedError",
    "IntegrityError",
}  # of DB-API
FINAL_SQLITE_MESSAGES = ("no such", "syntax error", "unable to open")  # a locked file has the same class
CANCEL_METHODS = ("cancel", "interrupt")  # of connections to PostgreSQL and SQLite
PROVIDERS = {  # of Airflow's own project, by the types of connections to SQL databases
    "athena": "amazon",
    "databricks": "databricks",
    "drill": "apache-drill",
    "druid": "apache-druid",
    "elasticsearch": "elasticsearch",
    "exasol": "exasol",
    "gcpbigquery": "google",
    "gcpspanner": "google",
    "hiveserver2": "apache-hive",
    "impala": "apache-impala",
    "jdbc": "jdbc",
    "mssql": "microsoft-mssql",
    "mysql": "mysql",
    "odbc": "odbc",
    "oracle": "oracle",
    "pinot": "apache-pinot",
    "postgres": "postgres",
    "presto": "presto",
    "redshift": "amazon",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
    "teradata": "teradata",
    "trino": "trino",
    "vertica": "vertica",
    "ydb": "ydb",
}

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
        self._hook, self._password = _hook_of(conn_id, dict(hook_params or {}))
        self._conn: Any = None

    @contextmanager
    def execute(self) -> Iterator[Cursor]:
        """Execute the query; connection, transaction and cursor are closed with the context."""
        failure = f"Connection {self._conn_id!r} cannot be opened"
        try:
            self._conn = self._hook.get_conn()
            failure = f"The query on connection {self._conn_id!r} failed"
            cursor = _cursor(self._conn)
            given = () if self._parameters is None else (self._parameters,)
            cursor.execute(self._sql, *given)
            yield cursor
        except Exception as error:
            if hasattr(error, "retryable"):
                raise
            raise self._query_error(failure, error) from None
        finally:
            conn, self._conn = self._conn, None
            with suppress(Exception):
                conn.close()

    def cancel(self) -> None:
        """Interrupt the query, where the database can; may be called by any thread."""
        conn = self._conn
        cancel = next((getattr(conn, name) for name in CANCEL_METHODS if hasattr(conn, name)), None)
        if cancel is not None:
            with suppress(Exception):
                cancel()

    def _query_error(self, failure: str, error: Exception) -> QueryError:
        classes = {base.__name__ for base in type(error).__mro__}
        text = " ".join(str(error).replace("^", " ").split())
        if self._password:
            text = text.replace(self._password, "***")
        is_final = bool(classes & FINAL_ERRORS)
        if type(error).__module__ == "sqlite3":
            is_final = is_final or any(part in text for part in FINAL_SQLITE_MESSAGES)
        message = f"{failure}: {type(error).__name__}: {text}"
        return QueryError(message, retryable=not is_final)


def _cursor(conn: Any) -> Any:
    """Return a cursor; for PostgreSQL a named one, which leaves the rows on the server until fetched."""
    if type(conn).__module__.partition(".")[0] in POSTGRES:
        return conn.cursor("cdf_records")
    return conn.cursor()


def _hook_of(conn_id: str, hook_params: dict[str, Any]) -> tuple[Any, str | None]:
    try:
        dbapi_hook = import_dbapi_hook()
    except ImportError:
        msg = (
            "A SQL source needs apache-airflow-providers-common-sql: "
            "pip install 'airflow-provider-cdf-records[sql]'."
        )
        raise InvalidArgumentError(msg) from None
    connection = BaseHook.get_connection(conn_id)
    what = f"conn_id {conn_id!r} is of type {connection.conn_type!r}"
    try:
        hook = connection.get_hook(hook_params=hook_params)  # type: ignore[no-untyped-call]
    except (AirflowException, ImportError) as error:
        msg = f"{what}, whose hook cannot be loaded ({error}); {_how_to_install(connection.conn_type)}."
        raise InvalidArgumentError(msg) from None
    except TypeError as error:
        given = listed(hook_params, str)  # their values may be secrets
        msg = f"{what}, whose hook cannot be loaded ({error}); check hook_params, got {given}."
        raise InvalidArgumentError(msg) from None
    if not isinstance(hook, dbapi_hook):
        msg = f"{what}, which is not a SQL database: {type(hook).__name__} is not a DbApiHook."
        raise InvalidArgumentError(msg)
    return hook, connection.password


def _how_to_install(conn_type: str | None) -> str:
    provider = PROVIDERS.get(conn_type or "")
    if provider is None:  # a package of a guessed name may be anybody's
        return f"install the Airflow provider that has connections of type {conn_type!r}"
    return f"pip install apache-airflow-providers-{provider}"
