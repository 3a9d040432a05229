"""Where Airflow looks for connections, and what it hides of them."""

from __future__ import annotations

from importlib import import_module

from airflow_provider_cdf_records.version_compat.version import AIRFLOW_3


def mask_secret(secret: str) -> None:
    """Have Airflow replace a secret by ``***`` in all logs of this process."""
    module = "airflow.sdk.log" if AIRFLOW_3 else "airflow.utils.log.secrets_masker"
    import_module(module).mask_secret(secret)


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
