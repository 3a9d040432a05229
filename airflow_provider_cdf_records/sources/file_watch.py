"""Notices that a file changes while it is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from airflow_provider_cdf_records.records.errors import FileChangedError
from airflow_provider_cdf_records.sources.storage import (
    FileState,
    StoragePath,
    fresh_stat_of,
    is_local,
    stat_of,
    state_in,
)
from airflow_provider_cdf_records.sources.storage_errors import storage_errors


class FileWatch:
    """Compares what the storage tells of an open file with what it told when the file was opened.

    A file on a local disk is the open one, so that another one may take its name meanwhile.

    :param opened: what ``path.open`` returned, before it is read.
    :param stat: what the storage told before that, which is used where it tells nothing of the open file.
    :ivar began: the state of the file when it was opened.
    """

    def __init__(self, path: StoragePath, opened: IO[bytes], stat: Any = None) -> None:
        self._path = path
        self._opened = opened
        self.began = state_in(self._stat_of_open() or stat or stat_of(path))

    def check(self) -> None:
        """Refuse a file that has changed since it was opened.

        :raises FileChangedError: also when it is not there any more.
        :raises StorageError: when the storage does not tell.
        """
        with storage_errors(self._path):
            try:
                now = state_in(
                    (self._stat_of_open() if is_local(self._path) else None) or fresh_stat_of(self._path)
                )
            except FileNotFoundError:
                raise file_changed(self._path, "was removed") from None
        if self.began.differs_from(now):
            raise file_changed(self._path, "changed")

    def check_same(self, before: FileState) -> None:
        """Refuse a file that is not the one that was looked at before it was opened.

        :raises FileChangedError: then.
        """
        if self.began.differs_from(before):
            raise file_changed(self._path, "changed")

    def explain(self, error: Exception) -> None:
        """Have a change of the file take the place of an error that it may have led to.

        :raises FileChangedError: when the file has changed.
        """
        try:
            self.check()
        except FileChangedError as changed:
            raise changed from error
        except Exception:  # the storage does not tell, and the error stays what it is
            return

    def _stat_of_open(self) -> Any:
        """Return what is known of the open file itself, which may be another than the path's is by now."""
        if is_local(self._path):
            with suppress(OSError, ValueError, AttributeError):  # others' wrappers may have no number
                return os.fstat(self._opened.fileno())
            return None
        details = getattr(self._opened, "details", None)  # of fsspec's files
        return details if isinstance(details, Mapping) else None


def file_changed(path: object, what: str) -> FileChangedError:
    """Return the error of a file that has changed.

    :param what: what happened to it.
    """
    return FileChangedError(
        f"{path} {what} while it was being loaded, so that old and new rows may be mixed; the next try loads "
        "it from its start. A file that others append to, such as a log, is loaded from a copy, or once it "
        "is complete."
    )
