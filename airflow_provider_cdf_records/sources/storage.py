"""Paths of files on any storage: their interface, and how to compare them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

LOCAL = frozenset({"", "file", "local"})  # protocols of files on this machine
WEB = frozenset({"http", "https"})  # protocols that know no folders
ALIASES = {  # other names of the protocols of one storage
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "abfss": "abfs",
    "az": "abfs",
}
VERSIONS = ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "updated", "created")


@runtime_checkable
class StoragePath(Protocol):
    """A file on any storage, such as a ``pathlib.Path``, a ``UPath`` or an ``ObjectStoragePath``."""

    @property
    def name(self) -> str:
        """The last part of the path."""

    def open(self, mode: str) -> IO[bytes]:
        """Open the file."""

    def exists(self) -> bool:
        """Whether it exists."""

    def is_dir(self) -> bool:
        """Whether it is a folder."""

    def stat(self) -> Any:
        """Return an object with ``st_size``, in bytes."""

    def unlink(self) -> None:
        """Remove the file."""


def is_local(path: StoragePath) -> bool:
    """Whether a path is on this machine's disks."""
    return getattr(path, "protocol", "file") in LOCAL


def is_on_the_web(path: StoragePath) -> bool:
    """Whether a path is the URL of a web server, whose addresses are files, and hold ``?`` for a query."""
    return getattr(path, "protocol", "file") in WEB


def is_folder(path: StoragePath) -> bool:
    """Whether a path is a folder; fsspec would download a whole file from the web to tell."""
    return not is_on_the_web(path) and path.is_dir()


def file_name(path: StoragePath) -> str:
    """Return the last part of a path, without the query of an URL."""
    if not is_on_the_web(path):
        return path.name
    return posixpath.basename(urlsplit(str(path)).path)


def local_name(path: StoragePath) -> str:
    """Return the name of a local file as the operating system takes it."""
    return str(getattr(path, "path", None) or os.fspath(path))  # type: ignore[call-overload]


def canonical_path(path: StoragePath) -> tuple[str, str]:
    """Return the storage and the path of a file, the same for every way to write that path.

    A connection in it makes no difference, as several may lead to the same storage. Nor do doubled slashes,
    which an object store tells apart, though nobody means to.
    """
    if is_local(path):
        return "", os.path.realpath(local_name(path))
    protocol = str(getattr(path, "protocol", "")).lower()
    name = str(getattr(path, "path", path))
    return ALIASES.get(protocol, protocol), posixpath.normpath(f"/{name.lstrip('/')}")


def forget_listings(path: StoragePath) -> None:
    """Have the storage look again what there is, as others may have written since."""
    file_system = getattr(path, "fs", None)
    if file_system is not None:
        file_system.invalidate_cache()


def version_of(stat: Any) -> str:
    """Return a text that changes when a file is written again; each storage has another name for it.

    :param stat: what ``StoragePath.stat`` returned; the size alone would miss a change that keeps it.
    """
    known = stat if isinstance(stat, Mapping) else getattr(stat, "as_info", dict)()
    version = next((known[name] for name in VERSIONS if known.get(name)), getattr(stat, "st_mtime", None))
    return str(version.timestamp() if isinstance(version, datetime) else version)
