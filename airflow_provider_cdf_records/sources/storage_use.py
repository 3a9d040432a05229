"""What surrounds the use of storages: their libraries are quiet, and forget their listings at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from airflow_provider_cdf_records.sources.storage import StoragePath, forget_listings

LIBRARIES = (
    "adlfs",
    "aiobotocore",
    "aiohttp",
    "asyncssh",
    "azure",
    "boto3",
    "botocore",
    "fsspec",
    "gcsfs",
    "google",
    "s3fs",
    "s3transfer",
    "sshfs",
    "urllib3",
)
_lock = threading.Lock()
_users = 0
_raised: list[logging.Logger] = []
_used: ContextVar[list[StoragePath] | None] = ContextVar("storages", default=None)


@contextmanager
def using_storages() -> Iterator[None]:
    """Use storages quietly, and leave none of their file systems, which others share, with old listings."""
    token = _used.set([])
    try:
        with quiet_libraries():
            yield
    finally:
        for path in _used.get() or ():  # all of which could be reached
            forget_listings(path)
        _used.reset(token)


def remember_use(path: StoragePath) -> None:
    """Note that a path's storage was reached, for the end of :func:`using_storages`."""
    used = _used.get()
    if used is not None:
        used.append(path)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Have libraries of storages log warnings and errors alone; a level that the user has set stays.

    Several threads may do so at once: the last one to end gives the loggers back.
    """
    global _users  # noqa: PLW0603 (loggers are of the whole process)
    with _lock:
        _users += 1
        if _users == 1:
            for name in LIBRARIES:
                logger = logging.getLogger(name)
                if logger.level == logging.NOTSET:
                    logger.setLevel(logging.WARNING)
                    _raised.append(logger)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                for logger in _raised:
                    if logger.level == logging.WARNING:  # else someone has set another one meanwhile
                        logger.setLevel(logging.NOTSET)
                _raised.clear()
