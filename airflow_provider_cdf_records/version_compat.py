"""Airflow's names, from where the installed Airflow (2.11 or 3) keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

AIRFLOW_3 = find_spec("airflow.sdk") is not None

if TYPE_CHECKING:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
        XComNotFound,
    )
else:
    try:  # Airflow 3.2 and later
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowSensorTimeout,
            AirflowSkipException,
            XComNotFound,
        )
    except ImportError:
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowSensorTimeout,
            AirflowSkipException,
            XComNotFound,
        )
    try:  # Airflow 3.1 and later
        from airflow.sdk import BaseHook
    except ImportError:
        from airflow.hooks.base import BaseHook

if TYPE_CHECKING or AIRFLOW_3:
    from airflow.sdk import BaseOperator, BaseSensorOperator, PokeReturnValue, XComArg
    from airflow.sdk.definitions.mappedoperator import OperatorPartial
else:
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.mappedoperator import OperatorPartial
    from airflow.models.xcom_arg import XComArg
    from airflow.sensors.base import BaseSensorOperator, PokeReturnValue

if TYPE_CHECKING:
    from airflow.sdk.definitions._internal.mixins import ResolveMixin
else:  # the base of all references; each version of Airflow keeps it elsewhere
    ResolveMixin = next(base for base in XComArg.__mro__ if base.__name__ == "ResolveMixin")


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


def _file_systems() -> Any:
    """Return Airflow's module of file systems."""
    for module in ("airflow.sdk.io", "airflow.io"):  # the second in Airflow 2 and 3.0
        with suppress(ImportError, AttributeError):
            found = import_module(module)
            found.has_fs  # noqa: B018 (in Airflow 3 the other one may be empty)
            return found
    return None


def has_file_system(scheme: str) -> bool:
    """Whether a provider that is installed gives Airflow's connections to the storage of a scheme."""
    module = _file_systems()
    return module is not None and bool(module.has_fs(scheme))


def attach_file_system(scheme: str, conn_id: str, options: Mapping[str, Any]) -> None:
    """Have paths of a connection use a file system with options beyond those that Airflow takes from it."""
    module = _file_systems()
    store = import_module(f"{module.__name__}.store").attach(scheme, conn_id)
    store.fs = module.get_fs(scheme, conn_id, dict(options))


def object_storage_path(url: str) -> Any:
    """Return an ``ObjectStoragePath``, which takes credentials of remote storage from connections.

    A scheme that Airflow does not know is left to fsspec itself. Imported here, since fsspec would cost
    every DAG file that imports a hook.
    """
    scheme, separator, rest = url.partition("://")
    if separator:
        scheme = scheme.lower()
        url = f"{scheme}{separator}{rest}"
    if separator and not has_file_system(scheme):
        return import_module("upath").UPath(url)
    make = import_module("airflow.sdk" if AIRFLOW_3 else "airflow.io.path").ObjectStoragePath
    path = make(url)
    if not separator and os.path.isabs(path.path) and not os.path.isabs(url):
        return make(os.path.join(os.getcwd(), url))  # older universal_pathlib has it begin at the root
    return path


def connection_of_path(path: Any) -> str | None:
    """Return the id of the Airflow connection that a path names; ``None`` for one that names none."""
    options = getattr(path, "storage_options", None) or {}
    conn_id: str | None = getattr(path, "conn_id", None) or options.get("conn_id")  # the second before 3.3
    return conn_id


def connection_form_widgets(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a connection's form as Airflow before 3.2 wants them, made of ``conn-fields``.

    :raises ImportError: without the web UI's packages; Airflow expects that.
    """
    forms, look = import_module("wtforms"), import_module("flask_appbuilder.fieldwidgets")
    optional = import_module("wtforms.validators").Optional
    widgets = {}
    for name, field in fields.items():
        schema = field["schema"]
        secret = schema.get("format") == "password"
        kind = "PasswordField" if secret else "IntegerField" if "integer" in schema["type"] else "StringField"
        widgets[name] = getattr(forms, kind)(
            field["label"],
            validators=[optional()],
            description=field["description"],
            widget=look.BS3PasswordFieldWidget() if secret else look.BS3TextFieldWidget(),
        )
    return widgets


class RowsOfAnyThread:
    """The outputs of a mapped task, which Airflow 2 reads in a session that only the task's thread can use.

    :param rows: as Airflow returns them; they are read from the database as they are iterated over.
    """

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        with import_module("airflow.utils.session").create_session() as session:
            yield from type(self._rows)(self._rows._select_asc, self._rows._select_desc, session=session)


def for_any_thread(rows: Any) -> Any:
    """Return rows of an XCom such that a thread other than the task's can iterate over them."""
    return RowsOfAnyThread(rows) if not AIRFLOW_3 and hasattr(rows, "_select_asc") else rows


def render_text(template: Any, context: Any) -> str:
    """Render a template to text, also where its DAG renders templates to native objects.

    :param template: of an environment that is not a native one.
    """
    module = "airflow.sdk.definitions.context" if AIRFLOW_3 else "airflow.utils.helpers"
    text: str = import_module(module).render_template_to_string(template, context)
    return text


def current_dag() -> Any | None:
    """Return the DAG whose ``with`` block or function is running; ``None`` outside of one."""
    if AIRFLOW_3:
        return import_module("airflow.sdk.definitions._internal.contextmanager").DagContext.get_current()
    return import_module("airflow.models.dag").DagContext.get_current_dag()


def states_in_run(task_id: str, context: Mapping[str, Any]) -> dict[int, str | None]:
    """Return the states of a task's instances in the DAG run of a running task, by their map index.

    Empty where Airflow cannot tell. The index is -1 for a task that is not mapped, or mapped over nothing.
    """
    task_instance: Any = context.get("ti")
    if hasattr(task_instance, "get_task_states"):  # Airflow 3
        dag_id, run_id = task_instance.dag_id, task_instance.run_id
        found = task_instance.get_task_states(dag_id=dag_id, task_ids=[task_id], run_ids=[run_id])
        states = found.get(run_id, {})
        return {int(name[len(task_id) + 1 :] or -1): state for name, state in states.items()}
    if AIRFLOW_3 or (run := context.get("dag_run")) is None:
        return {}
    return {one.map_index: one.state for one in run.get_task_instances() if one.task_id == task_id}


def running_task() -> Any | None:
    """Return the task instance that this code runs in; ``None`` outside of a task."""
    module = import_module("airflow.sdk" if AIRFLOW_3 else "airflow.operators.python")
    try:
        return module.get_current_context().get("ti")
    except (AirflowException, RuntimeError):
        return None


def has_supervisor() -> bool:
    """Tell whether this is the process of a task that its parent process supervises."""
    if not AIRFLOW_3:
        return getattr(running_task(), "job_id", None) is not None
    comms = getattr(import_module("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS", None)
    has_socket = hasattr(comms, "socket") or hasattr(comms, "request_socket")  # the second in Airflow 3.0
    return has_socket and running_task() is not None


def keeps_state_between_runs() -> bool:
    """Whether this Airflow has a store for the state of assets (3.3 and later)."""
    version: str = import_module("airflow").__version__
    return tuple(map(int, version.split(".")[:2])) >= (3, 3)


def asset(name: str, group: str) -> Any:
    """Return an asset, of which Airflow can keep state."""
    return import_module("airflow.sdk").Asset(name=name, uri=name, group=group)


def import_dbapi_hook() -> type[Any]:
    """Return ``DbApiHook``, the base of all hooks of SQL databases.

    :raises ImportError: without the provider ``common.sql``.
    """
    hook: type[Any] = import_module("airflow.providers.common.sql.hooks.sql").DbApiHook
    return hook


__all__ = [
    "AirflowException",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "BaseHook",
    "BaseOperator",
    "BaseSensorOperator",
    "OperatorPartial",
    "PokeReturnValue",
    "ResolveMixin",
    "XComArg",
    "XComNotFound",
    "asset",
    "attach_file_system",
    "connection_form_widgets",
    "connection_of_path",
    "current_dag",
    "failures_of_secrets_backends",
    "for_any_thread",
    "has_file_system",
    "has_supervisor",
    "import_dbapi_hook",
    "keeps_state_between_runs",
    "mask_secret",
    "object_storage_path",
    "running_task",
    "states_in_run",
]
