"""Airflow's file systems, which take credentials from connections."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any


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
    make = import_module("airflow.providers.common.compat.sdk").ObjectStoragePath
    path = make(url)
    if not separator and os.path.isabs(path.path) and not os.path.isabs(url):
        return make(os.path.join(os.getcwd(), url))  # older universal_pathlib has it begin at the root
    return path


def connection_of_path(path: Any) -> str | None:
    """Return the id of the Airflow connection that a path names; ``None`` for one that names none."""
    options = getattr(path, "storage_options", None) or {}
    conn_id: str | None = getattr(path, "conn_id", None) or options.get("conn_id")  # the second before 3.3
    return conn_id
