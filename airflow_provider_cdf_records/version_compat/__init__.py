"""Airflow's names, from where the installed Airflow (2.11 or 3) keeps them."""

from __future__ import annotations

from airflow_provider_cdf_records.version_compat.classes import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseHook,
    BaseOperator,
    BaseSensorOperator,
    DagParam,
    OperatorPartial,
    PokeReturnValue,
    ResolveMixin,
    XComArg,
    XComNotFound,
    asset,
    import_dbapi_hook,
)
from airflow_provider_cdf_records.version_compat.forms import (
    connection_form_widgets,
)
from airflow_provider_cdf_records.version_compat.secrets import (
    failures_of_secrets_backends,
    mask_secret,
)
from airflow_provider_cdf_records.version_compat.storage import (
    attach_file_system,
    connection_of_path,
    has_file_system,
    object_storage_path,
)
from airflow_provider_cdf_records.version_compat.tasks import (
    RowsOfAnyThread,
    current_dag,
    for_any_thread,
    has_supervisor,
    render_text,
    running_task,
    states_in_run,
)
from airflow_provider_cdf_records.version_compat.version import (
    AIRFLOW_3,
    keeps_state_between_runs,
    takes_null_outputs,
)

__all__ = [
    "AIRFLOW_3",
    "AirflowException",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "BaseHook",
    "BaseOperator",
    "BaseSensorOperator",
    "DagParam",
    "OperatorPartial",
    "PokeReturnValue",
    "ResolveMixin",
    "RowsOfAnyThread",
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
    "render_text",
    "running_task",
    "states_in_run",
    "takes_null_outputs",
]
