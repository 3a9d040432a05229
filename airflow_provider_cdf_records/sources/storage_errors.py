"""Errors of storage, whatever library they are from, as ours that name the path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from airflow_provider_cdf_records.records.errors import MissingSourceError, SourceError, StorageError
from airflow_provider_cdf_records.sources.storage import is_bucket, is_on_the_web, look_at, protocol_of
from airflow_provider_cdf_records.sources.storage_answers import (
    chain_of,
    is_final,
    is_missing,
    is_no_access,
    origin_of,
    said_by,
    status_of,
)

MISSING_CREDENTIALS = "NoCredentialsError"  # of botocore, which need not be installed
WINDOWS_PATH = re.compile(r"[a-z]:[\\/]", re.IGNORECASE)
MISSPELT_SLICE = re.compile(r"#[\w -]*=[^#/=]*\Z|#\s*(?:bytes?|row[ _-]?groups?)\b[^#/.]*\Z", re.IGNORECASE)
PRIVATE_BLOB = re.compile(r"https://[a-z0-9]+\.(?:[a-z0-9]+\.)?(?:blob|dfs)\.", re.IGNORECASE)
REFUSED_BLOB = (401, 403, 404, 409)  # what Azure answers to strangers


@contextmanager
def storage_errors(path: object, doing: str = "accessed") -> Iterator[None]:
    """Raise errors of a path's storage as ours.

    :param path: the path, or a text that names it.
    :param doing: what is done to it, such as ``written``.
    :raises MissingSourceError: when there is nothing at the path.
    :raises StorageError: for any other error without the attribute ``retryable``.
    """
    try:
        yield
    except Exception as error:
        if hasattr(error, "retryable"):
            raise
        told = storage_error(path, error, doing)
        raise told from (None if isinstance(told, MissingSourceError) else error)


def missing(path: Any) -> MissingSourceError:
    """Return the error of a path with nothing there."""
    if MISSPELT_SLICE.search(str(path)):
        hint = "Slices are written #bytes=first-last, or #row_groups=first-last of Parquet, without spaces."
    elif os.name != "nt" and WINDOWS_PATH.match(str(path)):
        hint = "It is a path of Windows, and this worker does not run there."
    elif os.path.islink(str(path)):
        hint = "It is a symbolic link that leads nowhere."
    elif folder := missing_folder(path):
        hint = f"{folder} Is it made by an upstream task, and on storage that this worker sees?"
    else:
        hint = "Is it written by an upstream task, and on storage that this worker sees?"
    return MissingSourceError(f"{path} does not exist. {hint}")


def missing_folder(path: Any) -> str | None:
    """Return a sentence about the highest folder of a path that is missing; ``None`` where it is there."""
    found = None
    with suppress(Exception):  # what cannot be told is left out
        if hasattr(path, "parents") and not is_on_the_web(path):
            for folder in (*([path] if is_bucket(path) else []), *path.parents):
                if _is_there(folder):
                    break
                found = folder
    if found is None:
        return None
    kind = "folder"
    if is_bucket(found):
        kind = "container" if protocol_of(found) == "abfs" else "bucket"
    return f"There is no {kind} {str(found).rstrip('/')}."


def is_of_the_caller(error: Exception) -> bool:
    """Whether an error is one of an argument or a connection, which no storage was asked about."""
    if not isinstance(error, ImportError | ValueError | TypeError):
        return False
    return not any(status_of(cause) or isinstance(cause, OSError) for cause in chain_of(error))


def storage_error(path: object, error: Exception, doing: str = "accessed") -> SourceError:
    """Return what an error of a path's storage means: nothing there, no access, or storage that fails."""
    origin = origin_of(error)
    if is_missing(origin) and doing == "accessed" and not PRIVATE_BLOB.match(str(path)):
        return missing(path)
    what = f"{type(origin).__name__}: {said_by(origin)}".rstrip(": .")
    if is_no_access(origin):
        return StorageError(
            f"{path} cannot be {doing}: no permission ({what}).{_hint(path, origin)} A retry cannot help.",
            retryable=False,
        )
    retryable = not (is_final(origin) or is_missing(origin))
    again = "A retry may help." if retryable else "A retry cannot help."
    return StorageError(
        f"{path} cannot be {doing}: {what}.{_hint(path, origin)} {again}", retryable=retryable
    )


def _hint(path: object, origin: BaseException) -> str:
    if type(origin).__name__ == MISSING_CREDENTIALS:
        return " Name an Airflow connection in the path, such as s3://aws_default@bucket/file."
    if status_of(origin) in REFUSED_BLOB and PRIVATE_BLOB.match(str(path)):
        return " If it is not public, name an Airflow connection: https://<connection>@<account>.blob..."
    return ""


def _is_there(folder: Any) -> bool:
    return bool(folder.exists()) if is_bucket(folder) else look_at(folder) is not None
