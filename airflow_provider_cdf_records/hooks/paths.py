"""Opens paths as users write them, with the credentials of Airflow connections."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, TypeGuard

from airflow_provider_cdf_records.hooks.lookup import ConnectionLookupError, find_connection
from airflow_provider_cdf_records.mapping import MappingSpec, read_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.sources import kind_that_takes
from airflow_provider_cdf_records.sources.storage import (
    LOCAL,
    StoragePath,
    canonical_path,
    forget_listings,
    is_local,
)
from airflow_provider_cdf_records.sources.storage_errors import WINDOWS_PATH, storage_error
from airflow_provider_cdf_records.version_compat import connection_of_path, object_storage_path

Path = str | PathLike[str] | StoragePath  # newer versions of universal_pathlib are no PathLike
NOTHING = ("", "None")  # what a template without a value renders to
MappingLike = Mapping[str, Any] | Path  # the mapping, or the path of a JSON file that holds it


def is_path(value: object) -> TypeGuard[Path]:
    """Tell whether an argument is a path."""
    return isinstance(value, str | PathLike | StoragePath)


def storage_path(path: object, argument: str) -> StoragePath:
    """Return a path that can be opened; a ``UPath`` or ``ObjectStoragePath`` as it is, with its options.

    :param argument: the name of the argument that holds the path, for messages.
    :raises InvalidArgumentError: when it is not a path, or one that no storage has.
    :raises ConnectionLookupError: when there is no such connection as the path names.
    :raises StorageError: when its storage cannot be reached, or refuses access.
    """
    if not is_path(path) or str(path).strip() in NOTHING:
        is_table = hasattr(path, "columns")  # of a data frame, whose repr is a table
        got = type(path).__name__ if is_table else shortened(repr(path))
        msg = f"{argument} must be a path or an fsspec URL, got {got}"
        if path is None or isinstance(path, str):
            msg += ", which is what a template or an upstream task gives where there is nothing"
        if isinstance(path, str) and path == "None":
            msg += " (a file of that name is ./None)"
        if is_table or (isinstance(path, list | tuple) and path and isinstance(path[0], dict)):
            msg += "; give rows by records=, not by path" if argument == "path" else ""
        elif isinstance(path, list | tuple | set):
            msg += f"; for several, name their folder or a pattern, or use .expand({argument}=...)"
        raise InvalidArgumentError(f"{msg}.")
    if "\0" in str(path):
        msg = f"{argument} must have no null character, got {str(path)!r}."
        raise InvalidArgumentError(msg)
    if os.name != "nt" and WINDOWS_PATH.match(str(path)):
        msg = f"{argument} {str(path)!r} is a path of Windows, and this worker does not run there."
        raise InvalidArgumentError(msg)
    try:
        opened: Any = path if hasattr(path, "protocol") else _opened(str(path))
        if conn_id := connection_of_path(opened):  # without it some hooks ask for files as anybody
            find_connection(conn_id, argument)
        forget_listings(opened)  # they may lack what an upstream task just wrote
        opened.exists()
    except ConnectionLookupError:
        raise
    except (ImportError, ValueError) as error:
        msg = f"{argument} {str(path)!r} cannot be opened: {error}"
        raise InvalidArgumentError(msg) from None
    except Exception as error:
        raise storage_error(path, error) from error
    found: StoragePath = opened
    return found


def _opened(path: str) -> Any:
    """Return a path of the storage that an URL names, or of this machine.

    :raises ValueError: when no storage has the URL's scheme, which may be taken for a folder's name.
    """
    opened = object_storage_path(os.path.expanduser(path))
    scheme, separator, _ = path.partition("://")
    if separator and is_local(opened) and scheme.lower() not in LOCAL:
        msg = f"no storage has the scheme {scheme!r}"
        raise ValueError(msg)
    return opened


def found_mapping(mapping: MappingLike | None, folder_of_dag: Callable[[], str | None]) -> MappingLike | None:
    """Return a mapping, or the path where its file is: there, or else beside the file of the DAG.

    :param folder_of_dag: called for a relative path that does not exist; returns ``None`` outside of a task.
    :raises InvalidArgumentError: when there is no such file in either place, or no path.
    """
    if not is_path(mapping) or hasattr(mapping, "protocol"):
        return mapping
    path = str(mapping)
    if path.lstrip().startswith("{"):
        msg = (
            "mapping must be a dict or the path of a JSON file, got a text that looks like a dict. Pass the "
            "dict itself, or an upstream task's output (such as task.output); a template gives a dict only "
            "in a DAG with render_template_as_native_obj=True."
        )
        raise InvalidArgumentError(msg)
    if path in NOTHING or "://" in path or os.path.isabs(path) or os.path.exists(path):
        return mapping
    folder = folder_of_dag()
    if folder is None:
        return mapping
    beside = os.path.join(folder, path)
    if not os.path.exists(beside):
        msg = (
            f"mapping {path!r} exists neither in the working directory ({os.getcwd()}) "
            f"nor beside the DAG's file ({folder})."
        )
        raise InvalidArgumentError(msg)
    return beside


def mapping_spec(mapping: MappingLike | None) -> MappingSpec | None:
    """Return a mapping, checked as far as possible without rows.

    :raises InvalidArgumentError: naming the part that is wrong.
    """
    if mapping is None:
        return None
    return read_mapping(_json_in(mapping) if is_path(mapping) else mapping)


def _json_in(path: Path) -> Any:
    try:
        with storage_path(path, "mapping").open("rb") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidArgumentError):
            raise
        msg = f"mapping {str(path)!r} cannot be read as a JSON file: {error}"
        raise InvalidArgumentError(msg) from None


def check_not_mapping(rejected_path: StoragePath | None, mapping: object) -> None:
    """Refuse a ``rejected_path`` that is the file of the mapping.

    :raises InvalidArgumentError: naming the path.
    """
    if rejected_path is None or not is_path(mapping):
        return
    if canonical_path(rejected_path) == canonical_path(storage_path(mapping, "mapping")):
        msg = (
            f"rejected_path {str(rejected_path)!r} is the mapping, and would be overwritten; choose another."
        )
        raise InvalidArgumentError(msg)


def check_not_loaded(rejected_path: Path | None, path: StoragePath) -> None:
    """Refuse a ``rejected_path`` that lies where the next run would take it for a file to load.

    :param path: the folder or pattern that is loaded.
    :raises InvalidArgumentError: naming the path.
    """
    if rejected_path is None:
        return
    kind = kind_that_takes(path, storage_path(rejected_path, "rejected_path"))
    if kind is not None:
        msg = (
            f"rejected_path {str(rejected_path)!r} belongs to the {kind} {str(path)!r}, which the next run "
            "would load with it; choose another, or let its name begin with '_'."
        )
        raise InvalidArgumentError(msg)
