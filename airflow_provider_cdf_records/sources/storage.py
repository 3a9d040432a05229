"""Paths of files on any storage: their interface, and how to compare them."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

from airflow_provider_cdf_records.sources.storage_answers import is_missing, origin_of

LOCAL = frozenset({"", "file", "local"})  # protocols of files on this machine
WEB = frozenset({"http", "https"})  # protocols that know no folders
ALIASES = {  # other names of the protocols of one storage
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "abfss": "abfs",
    "az": "abfs",
    "adl": "abfs",
    "wasb": "abfs",
    "wasbs": "abfs",
    "ssh": "sftp",
}
BUCKETS = frozenset({"abfs", "s3", "gs"})  # protocols of storages with buckets or containers
REMEMBERING = frozenset({"abfs", "s3"})  # whose file systems look for a file in its own listing first
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
    if is_on_the_web(path):
        return False
    if not _is_remote(path):
        return path.is_dir()
    found = look_at(path)
    return found is not None and found.get("type") == "directory"


def is_bucket(path: StoragePath) -> bool:
    """Whether a path is a whole bucket or container."""
    return protocol_of(path) in BUCKETS and "/" not in str(getattr(path, "path", "/")).strip("/")


def look_at(path: Any, *, again: bool = False) -> Mapping[str, Any] | None:
    """Return what the storage says of a path, ``None`` for nothing there; it is asked once, if it can be.

    What it said is remembered until :func:`forget_listings`, also for opening the file. A bucket or container
    is taken to be there: some may read what is in it who may not ask about itself.

    :param again: ask although the answer is known.
    :raises Exception: any of the storage's library, when it does not tell.
    """
    if not _is_remote(path):
        return {} if path.exists() else None
    if is_bucket(path):
        return {"type": "directory"}
    remembers = protocol_of(path) in REMEMBERING
    if again and not remembers:
        forget_listings(path)
    try:
        found: Mapping[str, Any] = path.fs.info(path.path, **({"refresh": again} if remembers else {}))
    except Exception as error:
        if not is_missing(origin_of(error)):
            raise
        found = {}
    if remembers:
        key = path.path.rstrip("/")
        if found.get("type") == "file" and found.get("name") == key:
            path.fs.dircache[key] = [found]
        elif again:
            path.fs.dircache.pop(key, None)
    return found or None


def _is_remote(path: Any) -> bool:
    """Whether a path is of a storage that fsspec asks, where it would take each failure for nothing there."""
    return hasattr(path, "fs") and not is_local(path) and not is_on_the_web(path)


def protocol_of(path: StoragePath) -> str:
    """Return the protocol of a path's storage, which has one name here."""
    protocol = str(getattr(path, "protocol", "")).lower()
    return ALIASES.get(protocol, protocol)


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
    name = str(getattr(path, "path", path))
    return protocol_of(path), posixpath.normpath(f"/{name.lstrip('/')}")


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
