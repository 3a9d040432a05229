"""Where Airflow looks for connections, and what it hides of them."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from importlib import import_module

from airflow_provider_cdf_records.version_compat.version import AIRFLOW_3

# In a triggerer: calls a function where it may ask Airflow, whichever thread wants that.
asking: ContextVar[Callable[[Callable[[], None]], None] | None] = ContextVar("cdf_asking", default=None)


def mask_secret(secret: str) -> None:
    """Have Airflow replace a secret by ``***`` in all logs of this process, and of its supervisor."""
    module = "airflow.sdk.log" if AIRFLOW_3 else "airflow.utils.log.secrets_masker"
    mask = partial(import_module(module).mask_secret, secret)
    if (ask := asking.get()) is None:
        mask()
    else:
        ask(mask)


def failures_of_secrets_backends(conn_id: str) -> list[Exception]:
    """Return the errors of those places where Airflow looks for connections that cannot be asked now.

    Airflow takes them for places without the connection.
    """
    failures: list[Exception] = []
    module = "airflow.sdk.execution_time.supervisor" if AIRFLOW_3 else "airflow.configuration"
    found = import_module(module)
    load = getattr(found, "ensure_secrets_backend_loaded" if AIRFLOW_3 else "ensure_secrets_loaded", None)
    for backend in [] if load is None else load():
        try:
            backend.get_connection(conn_id=conn_id)
        except Exception as error:
            failures.append(error)
    if (failure := _failure_of_supervisor(conn_id)) is not None:
        failures.append(failure)
    return failures


def _failure_of_supervisor(conn_id: str) -> Exception | None:
    """Ask the supervisor of the running task for a connection, and return what fails but "not found"."""
    if not AIRFLOW_3:
        return None
    supervisor = getattr(import_module("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS", None)
    if supervisor is None or not hasattr(supervisor, "send"):  # Airflow 3.0 raises what the supervisor says
        return None
    comms = import_module("airflow.sdk.execution_time.comms")
    try:
        answer = supervisor.send(comms.GetConnection(conn_id=conn_id))
    except Exception as error:
        return error
    if not isinstance(answer, comms.ErrorResponse) or answer.error.value == "CONNECTION_NOT_FOUND":
        return None
    failure: Exception = import_module("airflow.sdk.exceptions").AirflowRuntimeError(answer)
    return failure
