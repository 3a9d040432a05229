"""Opens paths as users write them, with the credentials of Airflow connections."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from typing import Any, TypeGuard

from airflow_provider_cdf_records.hooks.lookup import ConnectionLookupError
from airflow_provider_cdf_records.hooks.storage_opening import open_url
from airflow_provider_cdf_records.mapping import MappingSpec, read_mapping
from airflow_provider_cdf_records.records import argument_kinds
from airflow_provider_cdf_records.records.argument_kinds import NOTHING
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, StorageError
from airflow_provider_cdf_records.sources.folders import is_beside, kind_that_takes
from airflow_provider_cdf_records.sources.slices import SlicedFile, split_text
from airflow_provider_cdf_records.sources.storage import (
    StoragePath,
    canonical_path,
    forget_listings,
    is_on_the_web,
    look_at,
    shown_url,
)
from airflow_provider_cdf_records.sources.storage_errors import (
    WINDOWS_PATH,
    is_of_the_caller,
    storage_error,
    storage_errors,
)
from airflow_provider_cdf_records.sources.storage_use import remember_use
from airflow_provider_cdf_records.sources.web import WebPath

Path = str | PathLike[str] | StoragePath  # newer versions of universal_pathlib are no PathLike
Paths = Path | Sequence[Path]
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
    path = argument_kinds.path(argument, path)
    if "\0" in str(path):
        msg = f"{argument} must have no null character, got {shown_url(path)!r}."
        raise InvalidArgumentError(msg)
    if os.name != "nt" and WINDOWS_PATH.match(str(path)):
        msg = f"{argument} {shown_url(path)!r} is a path of Windows, and this worker does not run there."
        raise InvalidArgumentError(msg)
    try:
        opened: Any = open_url(path, argument)
        forget_listings(opened)  # they may lack what an upstream task just wrote
        look_at(opened)
        remember_use(opened)
    except ConnectionLookupError:
        raise
    except Exception as error:
        what = f"{argument} {shown_url(path)!r}"
        if is_of_the_caller(error):
            msg = f"{what} cannot be opened: {str(error).rstrip('.')}."
            raise InvalidArgumentError(msg) from None
        raise storage_error(what, error) from error
    found: StoragePath = opened
    return found


def paths_to_load(paths: Paths, argument: str) -> list[StoragePath | SlicedFile]:
    """Return one or several paths that can be opened, each of a file, a slice of one, a folder or a pattern.

    Raises what :func:`storage_path` does.
    """
    paths = argument_kinds.paths(argument, paths)
    if not isinstance(paths, list):
        return [_path_to_load(paths, argument)]
    return [_path_to_load(path, f"{argument}[{number}]") for number, path in enumerate(paths)]


def _path_to_load(path: Any, argument: str) -> StoragePath | SlicedFile:
    text, part = split_text(str(path))
    if part is None:
        return storage_path(path, argument)
    suffix = str(path)[len(text) :]
    base: Any = text
    if hasattr(path, "protocol"):  # it is opened already, perhaps with options of its own
        if is_on_the_web(path):  # such a path hides parts of its URL
            base = WebPath(text, getattr(path, "fs", None))
        else:
            base = path.parent / path.name.removesuffix(suffix)
    opened: Any = storage_path(base, argument)
    if not is_on_the_web(opened):
        with suppress(Exception):  # some storages refuse to tell of what there is not
            literal = opened.parent / f"{opened.name}{suffix}"
            if look_at(literal) is not None:
                return storage_path(literal, argument)
    return SlicedFile(opened, part)


def shown_paths(paths: Paths) -> str:
    """Return one or several paths as messages show them."""
    if not isinstance(paths, list | tuple):
        text, part = split_text(str(paths))
        return shown_url(text) + str(part or "")
    if not paths:
        return "no files"
    first = shown_paths(paths[0])
    return first if len(paths) == 1 else f"{len(paths):,} paths from {first} to {shown_paths(paths[-1])}"


def found_mapping(mapping: MappingLike | None, folders_of_dag: Callable[[], list[str]]) -> MappingLike | None:
    """Return a mapping, or the path where its file is: there, or else beside the file of the DAG.

    :param folders_of_dag: called for a relative path that does not exist; returns none outside of a task.
    :raises InvalidArgumentError: when there is no such file in any of these places, or no path.
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
    folders = folders_of_dag()
    if not folders:
        return mapping
    for folder in folders:
        beside = os.path.join(folder, path)
        if os.path.exists(beside):
            return beside
    msg = (
        f"mapping {path!r} exists neither in the working directory ({os.getcwd()}) "
        f"nor beside the DAG's file ({' or '.join(folders)})."
    )
    raise InvalidArgumentError(msg)


def mapping_spec(mapping: MappingLike | None) -> MappingSpec | None:
    """Return a mapping, checked as far as possible without rows.

    :raises InvalidArgumentError: naming the part that is wrong.
    """
    if mapping is None:
        return None
    return read_mapping(_json_in(mapping) if is_path(mapping) else mapping)


def _json_in(path: Path) -> Any:
    named = f"mapping {shown_url(path)!r}"
    try:
        with storage_errors(named, "read"), storage_path(path, "mapping").open("rb") as file:
            content = file.read()
    except StorageError as error:
        if error.retryable:
            raise
        raise InvalidArgumentError(str(error)) from None
    try:
        return json.loads(content)
    except ValueError as error:
        msg = f"{named} cannot be read as a JSON file: {error}"
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


def check_not_loaded(rejected_path: Path | None, paths: Sequence[StoragePath], *, is_list: bool) -> None:
    """Refuse a ``rejected_path`` that lies where the next run would take it for a file to load.

    :param paths: the files, folders or patterns that are loaded.
    :param is_list: whether they were given as a list: files in it may be those of a folder, which
        ``split_source`` shares among tasks, so that nothing may be written beside them.
    :raises InvalidArgumentError: naming the path.
    """
    if rejected_path is None:
        return
    rejected = storage_path(rejected_path, "rejected_path")
    for path in paths:
        if kind := kind_that_takes(path, rejected):
            what = f"belongs to the {kind} {str(path)!r}, which the next run would load with it"
        elif is_list and is_beside(path, rejected):
            what = (
                f"is in the folder of {str(path)!r}, one of a list of files, and the next run that "
                "loads that folder, or splits it by split_source, would load it, too"
            )
        else:
            continue
        msg = (
            f"rejected_path {shown_url(rejected_path)!r} {what}; choose another folder, or let its name "
            "begin with '_'."
        )
        raise InvalidArgumentError(msg)
