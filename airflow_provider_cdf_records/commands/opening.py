"""Opens the files that a command names: local ones without Airflow, others as the operators do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.sources import files_of
from airflow_provider_cdf_records.sources.storage import StoragePath


def open_path(path: str) -> Any:
    """Return a path that can be opened; Airflow is only imported for a URL."""
    if "://" not in path:
        return Path(path)
    from airflow_provider_cdf_records.version_compat import object_storage_path  # noqa: PLC0415

    try:
        return object_storage_path(path)
    except (ImportError, ValueError) as error:
        msg = f"{path} cannot be opened: {error}"
        raise UsageError(msg) from None


def files_in(path: str) -> list[StoragePath]:
    """Return the files that a path stands for.

    :raises UsageError: when there are none.
    """
    files = files_of(open_path(path))
    for file in files[:1]:
        if not file.exists():
            msg = f"{file} does not exist."
            raise UsageError(msg)
    return files


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
