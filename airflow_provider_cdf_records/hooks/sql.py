"""A query on any connection that Airflow has a SQL hook for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.queries import Cursor
from airflow_provider_cdf_records.version_compat import AirflowException, BaseHook, import_dbapi_hook

POSTGRES = ("psycopg", "psycopg2")
FINAL = {"ProgrammingError", "DataError", "NotSupportedError", "IntegrityError"}  # of any DB-API module
FINAL_OF_SQLITE = ("no such", "syntax error", "unable to open")  # of the class that a locked file has too
CANCEL = ("cancel", "interrupt")  # what connections call it, PostgreSQL's and SQLite's for two

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
    :param hook_params: arguments of that hook.
    :raises InvalidArgumentError: when it is none.
    """

    def __init__(
        self,
        sql: str,
        conn_id: str,
        parameters: Parameters | None = None,
        hook_params: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(sql, str) or not sql.strip():
            msg = f"sql must be one SELECT, and is {sql!r}."
            raise InvalidArgumentError(msg)
        self._sql = sql
        self._conn_id = conn_id
        self._parameters = parameters
        self._hook, self._password = _hook_of(conn_id, dict(hook_params or {}))
        self._conn: Any = None

    @contextmanager
    def execute(self) -> Iterator[Cursor]:
        """Execute the query; connection, transaction and cursor end with the context."""
        doing = f"Connection {self._conn_id!r} cannot be opened"
        try:
            self._conn = self._hook.get_conn()
            doing = f"The query on connection {self._conn_id!r} failed"
            cursor = _cursor(self._conn)
            given = () if self._parameters is None else (self._parameters,)
            cursor.execute(self._sql, *given)
            yield cursor
        except Exception as error:
            if hasattr(error, "retryable"):
                raise
            raise self._in_our_words(doing, error) from None
        finally:
            conn, self._conn = self._conn, None
            with suppress(Exception):
                conn.close()

    def cancel(self) -> None:
        """Make the database end what it is doing, if it can; may be called by any thread."""
        conn = self._conn
        cancel = next((getattr(conn, name) for name in CANCEL if hasattr(conn, name)), None)
        if cancel is not None:
            with suppress(Exception):
                cancel()

    def _in_our_words(self, doing: str, error: Exception) -> QueryError:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        text = " ".join(str(error).replace("^", " ").split())
        if self._password:
            text = text.replace(self._password, "***")
        of_sqlite = type(error).__module__ == "sqlite3" and any(part in text for part in FINAL_OF_SQLITE)
        message = f"{doing}: {type(error).__name__}: {text}"
        return QueryError(message, retryable=not (kinds & FINAL or of_sqlite))


def _cursor(conn: Any) -> Any:
    """Return a cursor; of PostgreSQL one with a name, which leaves the rows there until they are fetched."""
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
    except (AirflowException, ImportError, TypeError) as error:
        msg = f"{what}, whose hook cannot be had ({error}); install the Airflow provider of that database."
        raise InvalidArgumentError(msg) from None
    if not isinstance(hook, dbapi_hook):
        msg = f"{what}, which is no SQL database for Airflow: {type(hook).__name__} is no DbApiHook."
        raise InvalidArgumentError(msg)
    return hook, connection.password
