"""Errors of storage, whatever library they are from, as ours that name the path."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_cdf_records.records.errors import MissingSourceError, SourceError, StorageError

NO_ACCESS = (401, 403)  # HTTP statuses
MISSING = (404, 410)
CLIENT_ERRORS = range(400, 500)
WORTH_A_RETRY = (408, 425, 429)  # of those
FINAL = (errno.ENAMETOOLONG, errno.ELOOP)
MISSING_CREDENTIALS = "NoCredentialsError"  # of botocore, which need not be installed
WINDOWS_PATH = re.compile(r"[a-z]:[\\/]", re.IGNORECASE)


@contextmanager
def storage_errors(path: object) -> Iterator[None]:
    """Raise errors of a path's storage as ours.

    :raises MissingSourceError: when there is nothing at the path.
    :raises StorageError: for any other error without the attribute ``retryable``.
    """
    try:
        yield
    except Exception as error:
        if hasattr(error, "retryable"):
            raise
        told = storage_error(path, error)
        raise told from (None if isinstance(told, MissingSourceError) else error)


def missing(path: object) -> MissingSourceError:
    """Return the error of a path with nothing there."""
    if os.name != "nt" and WINDOWS_PATH.match(str(path)):
        hint = "It is a path of Windows, and this worker does not run there."
    elif os.path.islink(str(path)):
        hint = "It is a symbolic link that leads nowhere."
    else:
        hint = "Is it written by an upstream task, and on storage that this worker sees?"
    return MissingSourceError(f"{path} does not exist. {hint}")


def storage_error(path: object, error: Exception) -> SourceError:
    """Return what an error of a path's storage means: nothing there, no access, or storage that fails."""
    origin = _origin(error)
    status = getattr(origin, "status", None)
    if isinstance(origin, FileNotFoundError | NotADirectoryError) or status in MISSING:
        return missing(path)
    what = f"{type(origin).__name__}: {origin}".rstrip(": ")
    if isinstance(origin, PermissionError) or status in NO_ACCESS:
        return StorageError(f"{path} cannot be accessed: no permission ({what}).", retryable=False)
    hint = ""
    if type(origin).__name__ == MISSING_CREDENTIALS:
        hint = " Name an Airflow connection in the path, such as s3://aws_default@bucket/file."
    is_final = isinstance(origin, OSError) and origin.errno in FINAL
    if isinstance(status, int):
        is_final = status in CLIENT_ERRORS and status not in WORTH_A_RETRY
    return StorageError(f"{path} cannot be accessed: {what.rstrip('.')}.{hint}", retryable=not is_final)


def _origin(error: Exception) -> Exception:
    """Return the error behind a ``FileNotFoundError``, which fsspec raises also where HTTP itself fails."""
    cause = error.__cause__
    while isinstance(error, FileNotFoundError) and isinstance(cause, Exception):
        if not isinstance(cause, OSError | TimeoutError) and not hasattr(cause, "status"):
            break
        error, cause = cause, cause.__cause__
    return error
