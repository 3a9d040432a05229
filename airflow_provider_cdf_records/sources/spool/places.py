"""Where a spool is kept: in a folder of this worker's disk, or in storage that every worker reaches."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol
from uuid import uuid4

from airflow_provider_cdf_records.records.errors import (
    InvalidArgumentError,
    MissingSourceError,
    StorageError,
)
from airflow_provider_cdf_records.sources.storage import StoragePath, forget_listings, look_at
from airflow_provider_cdf_records.sources.storage_errors import storage_error, storage_errors
from airflow_provider_cdf_records.sources.storage_file import open_for_reading

SUFFIX = ".cdfspool"
PART = ".part"  # of one that is being written
KEPT_FOR = 24 * 60 * 60.0  # seconds
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SpoolPlace(Protocol):
    """The one place of a spool, found again by the next try.

    Errors are of the classes in ``records.errors``.
    """

    def open(self) -> IO[bytes] | None:
        """Open the spool that is there; ``None`` where there is none."""

    def writing(self) -> AbstractContextManager[IO[bytes]]:
        """Return a context with a file, which is at the place once the context has ended well."""

    def remove(self) -> None:
        """Remove what is there."""


class LocalSpool:
    """A file in a folder of this machine, which nobody else may read.

    Files of others in the folder that are older than a day, and of nobody's load any more, are removed.

    :param folder: made where it does not exist.
    :param is_private: whether the folder must be one that only this user can write to.
    """

    def __init__(self, folder: Path, name: str, *, is_private: bool = False) -> None:
        self._folder = folder
        self._path = folder / f"{name}{SUFFIX}"
        self._is_private = is_private

    def __str__(self) -> str:
        return str(self._path)

    def open(self) -> IO[bytes] | None:
        self._prepare()
        self._remove_old()
        try:
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(self._path, error) from error
        with suppress(OSError):
            os.utime(descriptor)  # it is in use, so not to be removed for its age
        return os.fdopen(descriptor, "rb")

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        self._prepare()
        part = self._path.with_name(f"{self._path.name}.{uuid4().hex}{PART}")
        for other in self._folder.glob(f"{self._path.name}.*{PART}"):  # of a try that was killed
            other.unlink(missing_ok=True)
        try:
            with self._told(), os.fdopen(_created(part), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            with self._told():
                part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise storage_error(self._path, error) from error
            msg = (
                f"The disk is full: {self._folder} has no room for the rows of the query ({error.strerror}). "
                "Make room, or name a folder with more by spool=, or storage such as "
                "spool='s3://aws_default@bucket/spool/'."
            )
            raise StorageError(msg, retryable=True) from None

    def _prepare(self) -> None:
        with self._told():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.lstat(self._folder) if self._is_private else os.stat(self._folder)
        others_may_write = bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
        is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not others_may_write
        if self._is_private and not is_own:
            msg = f"{self._folder} is not a folder of this user alone; remove it, or name another by spool=."
            raise InvalidArgumentError(msg)

    def _remove_old(self) -> None:
        before = time.time() - KEPT_FOR
        for path in self._folder.iterdir():
            if not path.name.endswith((SUFFIX, PART)) or SUFFIX not in path.name:
                continue
            with suppress(OSError):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mtime < before:
                    path.unlink()


def _created(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)


class StoredSpool:
    """A file in storage. One that was cut short lacks its end, and is written anew."""

    def __init__(self, path: StoragePath) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def open(self) -> IO[bytes] | None:
        with storage_errors(self._path):
            if look_at(self._path, again=True) is None:
                return None
        return open_for_reading(self._path)

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        try:
            with storage_errors(self._path), self._path.open("wb") as file:
                yield file
        except BaseException:
            with suppress(Exception):
                self._path.unlink()
            raise

    def remove(self) -> None:
        forget_listings(self._path)
        with suppress(MissingSourceError), storage_errors(self._path):
            self._path.unlink()
