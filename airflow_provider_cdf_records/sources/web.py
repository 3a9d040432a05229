"""Files on web servers, each read as the one version that the first answer was of.

A server that gives parts of files is asked for one part after the other. Of any other, such as one that
makes its answers as it goes, the whole answer is copied to a local disk first: it may be given only once, and
would be cut while the load waits for CDF.
"""

from __future__ import annotations

import errno
import io
import os
import posixpath
import threading
from contextlib import suppress
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from airflow_provider_cdf_records.sources.file_watch import file_changed
from airflow_provider_cdf_records.sources.storage import is_on_the_web, shown_url, state_in
from airflow_provider_cdf_records.sources.web_client import Copy, Details, Part, WebClient, WebServerError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART = 1 << 22  # bytes that a server is asked for at a time


class WebPath:
    """The URL of a file on a web server; its text shows neither user nor password, nor values of its query.

    :param file_system: fsspec's, for its options; by default one without.
    """

    def __init__(self, url: str, file_system: Any = None) -> None:
        self._url = url
        self._file_system = file_system
        self._lock = threading.Lock()
        self._client: WebClient | None = None
        self._begun: Part | Copy | None = None

    def __str__(self) -> str:
        return shown_url(self._url)

    def __repr__(self) -> str:
        return f"WebPath({str(self)!r})"

    @property
    def protocol(self) -> str:
        """``http`` or ``https``."""
        return self._url.partition(":")[0].lower()

    @property
    def name(self) -> str:
        """The last part of the URL's path."""
        return unquote(posixpath.basename(urlsplit(self._url).path))

    def exists(self) -> bool:
        """Return true: whether there is a file shows when it is read."""
        return True

    def is_dir(self) -> bool:
        """Return false: the web has no folders."""
        return False

    def stat(self) -> Details:
        """Return what the server told of the file when it was asked for the first time."""
        return self._start().details

    def stat_now(self) -> Details:
        """Return what the server tells now; of a file that is read in parts, what it told of each of them."""
        start = self._start()
        if isinstance(start, Copy) and state_in(start.details).version is not None:
            with suppress(OSError):  # an address may be good for one answer only, which was whole
                return self._asked().details()
        return start.details

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open the file for reading, the only thing that can be done to it."""
        if mode != "rb":
            msg = f"{self} is on a web server, which files are only read from"
            raise io.UnsupportedOperation(msg)
        start = self._start()
        file = _CopyFile(start) if isinstance(start, Copy) else _FileInParts(self, start)
        return cast("IO[bytes]", file)

    def unlink(self) -> None:
        """Refuse to remove the file."""
        self.open("wb")

    def part(self, offset: int) -> bytes:
        """Return the part that begins at an offset.

        :raises FileChangedError: when it is not of the same version as the first one.
        """
        begun = state_in(self._start().details)
        size = min(PART, (begun.size or 0) - offset)
        part = self._asked().part(offset, size)
        if part is None or state_in(part.details).differs_from(begun):
            raise file_changed(self, "changed")
        if len(part.content) != size:
            msg = f"it sent {len(part.content):,} of {size:,} bytes of a part"
            raise WebServerError(msg)
        return part.content

    def _start(self) -> Part | Copy:
        with self._lock:
            if self._begun is None:
                self._begun = self._asked().first(PART)
            return self._begun

    def _asked(self) -> WebClient:
        if self._client is None:
            file_system = self._file_system or import_module("fsspec").filesystem(self.protocol)
            self._client = WebClient(self._url, file_system)
        return self._client


def on_the_web(path: Any) -> Any:
    """Return a path of fsspec's as one of ours where it is on the web, else as it is."""
    if isinstance(path, WebPath) or not is_on_the_web(path):
        return path
    return WebPath(str(path), getattr(path, "fs", None))


class _SeekableFile(io.RawIOBase):
    """A file of a known size; ``_read_at`` reads it."""

    def __init__(self, details: Details) -> None:
        self.details = details
        self._size = details.st_size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        wanted = min(len(view), self._size - self._position)
        data = self._read_at(self._position, wanted) if wanted > 0 else b""
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read_at(self, position: int, size: int) -> bytes:
        raise NotImplementedError


class _FileInParts(_SeekableFile):
    """A file of a server that gives parts."""

    def __init__(self, path: WebPath, first: Part) -> None:
        super().__init__(first.details)
        self._path = path
        self._first = first.content
        self._offset, self._part = 0, first.content

    def _read_at(self, position: int, size: int) -> bytes:
        if position < len(self._first):
            self._offset, self._part = 0, self._first
        elif not self._offset <= position < self._offset + len(self._part):
            self._offset, self._part = position, self._path.part(position)
        begin = position - self._offset
        return self._part[begin : begin + size]


class _CopyFile(_SeekableFile):
    """A reader of a copy, which other readers of it do not disturb."""

    def __init__(self, copy: Copy) -> None:
        super().__init__(copy.details)
        self._copy = copy.file

    def _read_at(self, position: int, size: int) -> bytes:
        return os.pread(self._copy.fileno(), size, position)
