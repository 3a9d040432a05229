"""Finds Airflow connections, and says of one that is not found whether a retry may find it."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.version_compat import BaseHook, failures_of_secrets_backends

NOT_FOUND = ("AirflowNotFoundException", "CONNECTION_NOT_FOUND")
DENIED = ("AirflowSecretsBackendAccessDenied", "PERMISSION_DENIED")
UNREADABLE = (ValueError, TypeError, KeyError)  # what makes a connection of its text raises
OF_ANY_TYPE = (None, "", "generic")


class ConnectionLookupError(ValueError):
    """A connection that does not exist, cannot be looked up now, or is of another type.

    :param retryable: whether the next try may find it.
    :param is_missing: whether there is no such connection.
    """

    def __init__(self, message: str, *, retryable: bool = False, is_missing: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.is_missing = is_missing


def find_connection(conn_id: str, argument: str, conn_type: str | None = None) -> Any:
    """Return an Airflow connection.

    :param argument: the name of the argument that names the connection, for messages.
    :param conn_type: the type that it must have; ``None``: any.
    :raises ConnectionLookupError: naming the argument and the connection, without quoting what a backend
        says, which may hold a password.
    """
    try:
        connection = BaseHook.get_connection(conn_id)
    except Exception as error:
        raise _lookup_error(conn_id, argument, conn_type, error) from None
    if conn_type is not None and connection.conn_type not in (conn_type, *OF_ANY_TYPE):
        msg = (
            f"Connection {_shown(conn_id)} is of type {connection.conn_type}; "
            f"{argument} needs one of type {conn_type}."
        )
        raise ConnectionLookupError(msg)
    return connection


def _lookup_error(
    conn_id: str, argument: str, conn_type: str | None, error: Exception
) -> ConnectionLookupError:
    what = _name_of(error)
    if what in DENIED:
        msg = f"{argument}: Airflow does not let this task read connection {_shown(conn_id)}."
        return ConnectionLookupError(msg)
    failures = [error]
    if what in NOT_FOUND:  # Airflow says so also where a backend fails
        failures = failures_of_secrets_backends(conn_id)
        if not failures:
            of_type = f" of type {conn_type}" if conn_type else ""
            msg = (
                f"{argument}: there is no connection {_shown(conn_id)}; create one{of_type}, or name another."
            )
            return ConnectionLookupError(msg, is_missing=True)
    passing = [failure for failure in failures if not isinstance(failure, UNREADABLE)]
    if passing:
        msg = (
            f"{argument}: connection {_shown(conn_id)} cannot be looked up now: "
            f"{', '.join(map(_name_of, passing))} from where Airflow keeps connections."
        )
        return ConnectionLookupError(msg, retryable=True)
    msg = (
        f"{argument}: connection {_shown(conn_id)} cannot be read ({_name_of(failures[0])}); write it as "
        "JSON, or as a URI whose values are quoted."
    )
    return ConnectionLookupError(msg)


def _shown(conn_id: str) -> str:
    """Return the name of a connection, without what may be a password that a URL names in its place."""
    name, colon, _ = conn_id.partition(":")
    return repr(f"{name}:***" if colon else name)


def _name_of(error: Exception) -> str:
    """Return the type of an error that Airflow's API server answered with, or else of the error itself."""
    kind = getattr(getattr(error, "error", None), "error", None)
    return str(getattr(kind, "value", None) or type(error).__name__)
