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
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
else:
    try:  # Airflow 3.2 and later
        from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    except ImportError:
        from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    try:  # Airflow 3.1 and later
        from airflow.sdk import BaseHook
    except ImportError:
        from airflow.hooks.base import BaseHook

if TYPE_CHECKING or AIRFLOW_3:
    from airflow.sdk import BaseOperator, BaseSensorOperator, XComArg
else:
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.xcom_arg import XComArg
    from airflow.sensors.base import BaseSensorOperator


def mask_secret(secret: str) -> None:
    """Have Airflow replace a secret by ``***`` in all logs of this process."""
    module = "airflow.sdk.log" if AIRFLOW_3 else "airflow.utils.log.secrets_masker"
    import_module(module).mask_secret(secret)


def _has_file_system(scheme: str) -> bool:
    for module in ("airflow.sdk.io", "airflow.io"):  # the second in Airflow 2 and 3.0
        with suppress(ImportError, AttributeError):
            return bool(import_module(module).has_fs(scheme))
    return False


def object_storage_path(url: str) -> Any:
    """Return an ``ObjectStoragePath``, which takes credentials of remote storage from connections.

    A scheme that Airflow does not know is left to fsspec itself. Imported here, since fsspec would cost
    every DAG file that imports a hook.
    """
    scheme, separator, rest = url.partition("://")
    if separator:
        scheme = scheme.lower()
        url = f"{scheme}{separator}{rest}"
    if separator and not _has_file_system(scheme):
        return import_module("upath").UPath(url)
    make = import_module("airflow.sdk" if AIRFLOW_3 else "airflow.io.path").ObjectStoragePath
    path = make(url)
    if not separator and os.path.isabs(path.path) and not os.path.isabs(url):
        return make(os.path.join(os.getcwd(), url))  # older universal_pathlib has it begin at the root
    return path


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


def running_task() -> Any | None:
    """Return the task instance that this code runs in; ``None`` outside of a task."""
    module = import_module("airflow.sdk" if AIRFLOW_3 else "airflow.operators.python")
    try:
        return module.get_current_context().get("ti")
    except (AirflowException, RuntimeError):
        return None


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
    "AirflowSkipException",
    "BaseHook",
    "BaseOperator",
    "BaseSensorOperator",
    "XComArg",
    "asset",
    "connection_form_widgets",
    "for_any_thread",
    "import_dbapi_hook",
    "keeps_state_between_runs",
    "mask_secret",
    "object_storage_path",
    "running_task",
]
