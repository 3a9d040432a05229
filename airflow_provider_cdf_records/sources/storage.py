"""Paths of files on any storage: their interface, and how to compare them."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from stat import S_ISDIR
from typing import IO, Any, Protocol, runtime_checkable

from airflow_provider_cdf_records.sources.storage_answers import is_missing, origin_of

LOCAL = frozenset({"", "file", "local"})  # protocols of files on this machine
WEB = frozenset({"http", "https"})
CHAINED = re.compile(r"::(?=[A-Za-z][A-Za-z0-9+.-]*://)")
HIDDEN = "***"  # in place of a secret
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
VERSIONS = (  # what storages call that which changes when a file is written again, the best first
    *("ETag", "etag", "generation", "sha", "mtime", "LastModified", "Last-Modified", "last_modified"),
    *("last_write_time", "modified", "modify", "updated", "created"),
)


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
    """Whether a path is the URL of a web server."""
    return getattr(path, "protocol", "file") in WEB


def is_folder(path: StoragePath) -> bool:
    """Whether a path is a folder."""
    if is_local(path):
        return S_ISDIR(_local_mode(path))
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
    if is_local(path):
        return {} if _local_mode(path) else None
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


def _local_mode(path: StoragePath) -> int:
    """Return the mode of a local file, 0 for nothing there.

    From Python 3.14 on, ``exists`` and ``is_dir`` take each failure for nothing there.
    """
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):  # of a null byte
        return int(stat_of(path).st_mode)
    return 0


def _is_remote(path: Any) -> bool:
    """Whether a path is of a storage that fsspec asks, where it would take each failure for nothing there."""
    return hasattr(path, "fs") and not is_local(path) and not is_on_the_web(path)


def protocol_of(path: StoragePath) -> str:
    """Return the protocol of a path's storage, which has one name here."""
    protocol = str(getattr(path, "protocol", "")).lower()
    return ALIASES.get(protocol, protocol)


def shown_url(path: object) -> str:
    """Return a path as messages show it: a URL without its password and the values of its query.

    They may be secrets, such as the signature that gives access to one file.
    """
    return "::".join(map(_shown, urls_of_chain(path)))


def urls_of_chain(path: object) -> list[str]:
    """Return the URLs that fsspec chains in one, such as ``simplecache::https://host/a.csv``; mostly one."""
    return CHAINED.split(str(path))


def _shown(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    is_on_web = scheme.lower() in WEB  # elsewhere, # and ? may be part of a name or pattern
    rest, _, query = rest.partition("#")[0].partition("?") if is_on_web else (rest, "", "")
    user, at, host = rest.partition("/")[0].rpartition("@")
    if at and (":" in user or is_on_web):
        rest = f"{HIDDEN}@{host}{rest[len(user) + 1 + len(host) :]}"
    if not query:
        return f"{scheme}://{rest}"
    values = re.sub("[^&;]+", lambda found: _without_value(found[0]), query)
    return f"{scheme}://{rest}?{values}"


def _without_value(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return f"{name}={HIDDEN}" if equals else HIDDEN


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


@dataclass(frozen=True)
class FileState:
    """What a storage tells of a file, to see that it has changed; each storage tells other things.

    :ivar size: in bytes; ``None`` where the storage does not tell.
    :ivar versions: what changes when the file is written again, under the storage's own names.
    """

    size: int | None
    versions: Mapping[str, str]

    @property
    def version(self) -> str | None:
        """The best of the versions; ``None`` where the storage tells none."""
        return next(iter(self.versions.values()), None)

    def differs_from(self, other: FileState) -> bool:
        """Whether the file has changed in between, as far as both tell."""
        if None not in (self.size, other.size) and self.size != other.size:
            return True
        common = next((name for name in self.versions if name in other.versions), None)
        return common is not None and self.versions[common] != other.versions[common]


def stat_of(path: StoragePath) -> Any:
    """Return what ``path.stat()`` does, of the file that a link on a local disk leads to."""
    if is_local(path) and hasattr(path, "fs"):  # fsspec tells the time of the link
        return os.stat(local_name(path))
    return path.stat()


def fresh_stat_of(path: StoragePath) -> Any:
    """Return what the storage tells of a file now, whatever it has told before."""
    if hasattr(path, "stat_now"):
        return path.stat_now()
    if not _is_remote(path):
        return stat_of(path)
    found = look_at(path, again=True)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return found


def state_in(stat: Any) -> FileState:
    """Return the state of a file.

    :param stat: what ``StoragePath.stat``, ``os.fstat`` or an fsspec file system's ``info`` returned.
    """
    known = stat if isinstance(stat, Mapping) else getattr(stat, "as_info", dict)()
    size = known.get("size") if isinstance(stat, Mapping) else getattr(stat, "st_size", None)
    versions = {name: _as_text(known[name]) for name in VERSIONS if known.get(name)}
    if not versions and (time := getattr(stat, "st_mtime_ns", None) or getattr(stat, "st_mtime", None)):
        versions = {"mtime": _as_text(time)}
    return FileState(size, versions)


def _as_text(version: Any) -> str:
    if isinstance(version, datetime):
        return str(version.timestamp())
    return str(version).strip('"')  # of an ETag, which listings may tell without them
