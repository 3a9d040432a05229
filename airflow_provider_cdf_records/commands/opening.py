"""Opens the files that a command names: local ones without Airflow, others as the operators do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.rejected.contents import begins_with_rejected
from airflow_provider_cdf_records.sources import FileSource, files_of
from airflow_provider_cdf_records.sources.slices import SlicedFile, split_text
from airflow_provider_cdf_records.sources.storage import StoragePath, is_folder, look_at
from airflow_provider_cdf_records.sources.storage_errors import missing, storage_errors


def open_path(path: str) -> Any:
    """Return a path that can be opened; Airflow is only imported for a URL.

    :raises UsageError: when it is no path.
    """
    if "://" in path:
        from airflow_provider_cdf_records.hooks.paths import storage_path  # noqa: PLC0415 (needs Airflow)

        return storage_path(path, "path")
    if not path.strip() or "\0" in path:
        msg = f"FILE must be a path, got {path!r}."
        raise UsageError(msg)
    return Path(path).expanduser()


def files_in(path: str) -> list[StoragePath]:
    """Return the files that a path stands for.

    :raises UsageError: when there are none.
    """
    files = files_of(open_path(path))
    with storage_errors(files[0]):
        is_there = look_at(files[0]) is not None
    if not is_there:
        if split_text(path)[1] is not None:
            msg = f"{path} has a slice, and this command reads whole files; give the file."
            raise UsageError(msg)
        raise missing(files[0])
    return files


def _is_there(path: StoragePath) -> bool:
    with suppress(Exception):  # some storages refuse to tell of what there is not
        return look_at(path) is not None
    return False


def files_and_slices_in(paths: Sequence[str]) -> list[StoragePath | SlicedFile]:
    """Return the files that paths stand for, of which each may end with a slice, in their order.

    :raises UsageError: when one of them stands for none, or is a slice of several.
    """
    found: list[StoragePath | SlicedFile] = []
    for path in paths:
        text, part = split_text(path)
        if part is None or _is_there(open_path(path)):  # a file whose name looks like a slice
            found += files_in(path)
            continue
        files = files_in(text)
        if len(files) != 1 or is_folder(open_path(text)):
            msg = f"{path} has a slice, and is no file; slices are of single files."
            raise UsageError(msg)
        found.append(SlicedFile(files[0], part))
    return found


def source_of(
    files: Sequence[StoragePath | SlicedFile], file_format: str | None, file_options: Mapping[str, Any]
) -> FileSource:
    """Return the rows of files, as a load reads them."""
    return FileSource(
        *files,
        file_format=file_format,
        file_options=file_options,
        holds_rejected=begins_with_rejected,
    )


def read_json(path: str, what: str) -> Any:
    """Return the content of a JSON file.

    :param what: the argument that names it, for messages.
    :raises UsageError: when it cannot be read.
    """
    try:
        with open_path(path).open("rb") as file:
            return json.load(file)
    except OSError as error:
        msg = f"{what} {path} cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    except ValueError as error:
        msg = f"{what} {path} is not JSON: {error}"
        raise UsageError(msg) from None
