"""Makes complete file objects of what paths open."""

from __future__ import annotations

import errno
import io
import os
import stat
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.storage import StoragePath, is_folder, is_local, stat_of
from airflow_provider_cdf_records.sources.storage_errors import storage_errors

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TRACKERS = ("_TrackingFileWrapper", "TrackingFileWrapper")  # of Airflow 3 and 2, with the file in `_obj`
SPECIAL = {  # what can neither be read twice nor to an end
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_readable(path: StoragePath) -> Any:
    """Refuse a path that is not a file, and return what ``path.stat()`` does.

    :raises SourceError: saying what it is instead.
    """
    with storage_errors(path):
        found = stat_of(path)
        mode = getattr(found, "st_mode", 0)
        if stat.S_ISREG(mode):
            return found
        if is_folder(path):
            msg = f"{path} is a folder; path must name one file here."
            raise SourceError(msg)
    kind = SPECIAL.get(stat.S_IFMT(mode)) if is_local(path) else None
    if kind is not None:
        msg = f"{path} is {kind}; path must name a file, which a retry can read again."
        raise SourceError(msg)
    return found


def open_for_reading(path: StoragePath, block_size: int | None = None) -> IO[bytes]:
    """Open the file of a path.

    :param block_size: how many bytes remote storage is asked for at a time; by default what it likes best.
    """
    with storage_errors(path):
        if block_size is None or not hasattr(path, "fs") or is_local(path):
            return untracked(path.open("rb"))
        return untracked(path.open("rb", block_size=block_size))  # type: ignore[call-arg]


def untracked(opened: IO[bytes]) -> IO[bytes]:
    """Return a file without Airflow's wrapper, which tells each single read as lineage.

    A load tells once what it has read, without the connections and secrets of paths.
    """
    inner: IO[bytes] = vars(opened).get("_obj", opened) if type(opened).__name__ in TRACKERS else opened
    return inner


class StorageFile(io.RawIOBase):
    """A complete file object of what a path opened; it counts the bytes read, and raises errors of ours.

    Airflow wraps files to track them, and some of those wrappers can do little more than ``read``.

    :ivar done: how many bytes have been read.
    """

    def __init__(self, opened: IO[bytes], path: object) -> None:
        self._opened = opened
        self._path = path
        self.done = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        with storage_errors(self._path):
            if whence == os.SEEK_END:
                offset, whence = self._opened.seek(0, os.SEEK_END) + offset, os.SEEK_SET
            if offset >= 0:
                self.done = self._opened.seek(offset, whence)
                return self.done
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # of the caller, not of the storage

    def tell(self) -> int:
        return self.done

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        with storage_errors(self._path):
            data = self._opened.read(len(view))
        view[: len(data)] = data
        self.done += len(data)
        return len(data)
