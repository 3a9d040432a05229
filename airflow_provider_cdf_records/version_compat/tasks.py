"""Running tasks, their DAGs and what they hand on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.version_compat.classes import AirflowException
from airflow_provider_cdf_records.version_compat.version import AIRFLOW_3


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
    try:
        render = import_module("airflow.sdk.definitions.context").render_template_to_string
    except (ImportError, AttributeError):  # Airflow 2 and 3.0
        render = import_module("airflow.utils.helpers").render_template_to_string
    text: str = render(template, context)
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
    compat = import_module("airflow.providers.common.compat.sdk")  # Airflow 2 loads its operators for it
    try:
        return compat.get_current_context().get("ti")
    except (AirflowException, RuntimeError):
        return None


def has_supervisor() -> bool:
    """Tell whether this is the process of a task that its parent process supervises."""
    if not AIRFLOW_3:
        return getattr(running_task(), "job_id", None) is not None
    comms = getattr(import_module("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS", None)
    has_socket = hasattr(comms, "socket") or hasattr(comms, "request_socket")  # the second in Airflow 3.0
    return has_socket and running_task() is not None
