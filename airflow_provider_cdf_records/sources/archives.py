"""Zip archives, each a folder of its members."""

from __future__ import annotations

import io
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_cdf_records.records.errors import MissingSourceError, SourceError
from airflow_provider_cdf_records.sources.compression import BUFFER
from airflow_provider_cdf_records.sources.file_watch import FileWatch
from airflow_provider_cdf_records.sources.folders import HIDDEN
from airflow_provider_cdf_records.sources.storage import FileState, StoragePath
from airflow_provider_cdf_records.sources.storage_file import StorageFile, check_readable, open_for_reading

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SUFFIX = ".zip"
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # an archive with members, and one without
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python unpacks the others in memory of any size
IS_ENCRYPTED = 0x1  # a flag of a member
END_MAGIC = b"PK\x05\x06"  # of the record at the end of an archive
END_SIZE = 22  # bytes, without a comment
MAX_COMMENT = 0xFFFF  # bytes
COUNT_AT = 10  # where it has the number of members, in two bytes
MAX_COUNT = 0xFFFF
OFFICE_DOCUMENT = "[Content_Types].xml"  # a member of every one


def is_zip(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a zip archive."""
    return start.startswith(MAGIC)


def is_named_zip(path: StoragePath) -> bool:
    """Whether the name of a file says that it is a zip archive."""
    return path.name.lower().endswith(SUFFIX)


def members_of(path: StoragePath) -> list[ZipMember]:
    """Return the files in a zip archive, those in its folders too, sorted by their names.

    Left out is what has a name, or is in a folder with a name, that begins with a dot or an underscore, such
    as ``__MACOSX``.

    :raises SourceError: when there are none, or one of them cannot be read.
    """
    if not check_readable(path).st_size:
        msg = f"{path} is cut short: it has 0 bytes, which is no zip archive. Write it again."
        raise SourceError(msg)
    archive = _Archive(path)
    with archive:
        infos = archive.infos()
    if any(info.filename == OFFICE_DOCUMENT for info in infos):
        msg = f"{path} is a document of an office program, such as Excel; save its table as CSV."
        raise SourceError(msg)
    files = [info for info in infos if not info.is_dir() and not _is_hidden(info.filename)]
    if not files:
        msg = f"{path} is a zip archive with no files. Is it written by an upstream task?"
        raise MissingSourceError(msg)
    members = [ZipMember(archive, info) for info in sorted(files, key=lambda info: info.filename)]
    for member in members:
        member.check()
    return members


def _is_hidden(name: str) -> bool:
    return any(part.startswith(HIDDEN) for part in name.split("/"))


class ZipMember:
    """A file in a zip archive."""

    def __init__(self, archive: _Archive, info: zipfile.ZipInfo) -> None:
        self.archive = archive
        self._info = info

    def __str__(self) -> str:
        return f"{self.archive.path}/{self._info.filename}"

    @property
    def name(self) -> str:
        """The name of the file, without its folders."""
        return self._info.filename.rpartition("/")[2]

    @property
    def protocol(self) -> str:
        """Another one than that of any storage."""
        return "zip"

    def check(self) -> None:
        """Refuse a member that cannot be read.

        :raises SourceError: saying why.
        """
        if is_named_zip(self):
            msg = f"{self} is a zip archive inside another one; unpack it."
        elif self._info.flag_bits & IS_ENCRYPTED:
            msg = f"{self} is encrypted; write the zip archive without a password."
        elif self._info.compress_type not in METHODS:
            method = zipfile.compressor_names.get(self._info.compress_type, self._info.compress_type)  # type: ignore[attr-defined]
            msg = f"{self} is compressed by {method}; write the zip archive again with deflate."
        else:
            return
        raise SourceError(msg)

    def open(self, mode: str) -> IO[bytes]:  # noqa: ARG002
        """Open the file, for reading only."""
        return io.BufferedReader(_MemberFile(self, self._info), BUFFER)

    def exists(self) -> bool:
        """Whether it exists."""
        return True

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return False

    def stat(self) -> Any:
        """Return its size, decompressed."""
        return SimpleNamespace(st_size=self._info.file_size, st_mode=stat.S_IFREG)

    def unlink(self) -> None:
        """Refuse to remove the file."""
        msg = f"{self} cannot be removed."
        raise SourceError(msg)


class _Archive:
    """A zip archive, open as long as anything uses it: its list of members is long to read."""

    def __init__(self, path: StoragePath) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._users = 0
        self._opened: IO[bytes] | None = None
        self._zip: zipfile.ZipFile | None = None
        self._watch: FileWatch | None = None
        self._first: FileState | None = None  # when it was opened for the first time, for its list of members

    @property
    def watch(self) -> FileWatch:
        """What tells whether the archive has changed; use it only in a ``with`` statement."""
        if self._watch is None:
            raise EOFError
        return self._watch

    def __enter__(self) -> _Archive:
        with self._lock:
            if self._zip is None:
                self._open()
            self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users or self._opened is None:
                return
            opened, self._opened, self._zip = self._opened, None, None
        opened.close()

    def infos(self) -> list[zipfile.ZipInfo]:
        """Return what is known of each member; call it only in a ``with`` statement."""
        return [] if self._zip is None else self._zip.infolist()

    def open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        """Open a member; call it only in a ``with`` statement."""
        if self._zip is None:
            raise EOFError
        return self._zip.open(info)

    def _open(self) -> None:
        with ExitStack() as on_failure:
            opened = on_failure.enter_context(open_for_reading(self.path))
            watch = FileWatch(self.path, opened)
            if self._first is not None:
                watch.check_same(self._first)
            self._first, self._watch = watch.began, watch
            if not _can_seek(opened):
                msg = (
                    f"{self.path} is a zip archive on storage that can only be read from start to end; "
                    "copy it to other storage first."
                )
                raise SourceError(msg)
            try:
                file: IO[bytes] = io.BufferedReader(StorageFile(opened, self.path), BUFFER)
                self._zip = zipfile.ZipFile(file)
                _check_count(file, self._zip)
            except Exception as error:
                watch.explain(error)
                if hasattr(error, "retryable"):
                    raise
                msg = f"{self.path} is not a whole zip archive: {error}. Was it still being written?"
                raise SourceError(msg) from error
            self._opened = opened
            on_failure.pop_all()


def _check_count(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Compare how many members there are with the number at the end of an archive, as the library does not.

    :raises zipfile.BadZipFile: when some are missing in the list.
    """
    end = file.seek(0, io.SEEK_END)
    file.seek(max(0, end - END_SIZE - MAX_COMMENT))
    last = file.read()
    found = last[last.rfind(END_MAGIC) :][:END_SIZE]
    (expected,) = struct.unpack_from("<H", found, COUNT_AT)
    if expected not in (len(archive.infolist()) & MAX_COUNT, MAX_COUNT):  # the latter: it is noted elsewhere
        msg = f"its list has {len(archive.infolist()):,} of {expected:,} members"
        raise zipfile.BadZipFile(msg)


def _can_seek(opened: IO[bytes]) -> bool:
    try:
        opened.seek(1)
        opened.seek(0)
    except (ValueError, NotImplementedError, io.UnsupportedOperation):
        return False
    return True


class _MemberFile(io.RawIOBase):
    """The content of a member, decompressed piece by piece."""

    def __init__(self, member: ZipMember, info: zipfile.ZipInfo) -> None:
        self._member = member
        self._in_use = ExitStack()
        with self._in_use, _member_errors(member):
            self._in_use.enter_context(member.archive)
            self._file = self._in_use.enter_context(member.archive.open(info))
            self._in_use = self._in_use.pop_all()

    def close(self) -> None:
        self._in_use.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        with _member_errors(self._member):
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        with _member_errors(self._member):
            data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)


@contextmanager
def _member_errors(member: ZipMember) -> Iterator[None]:
    """Raise what is wrong with the data of a member as an error of ours.

    :raises SourceError: naming the member.
    """
    try:
        yield
    except EOFError:
        msg = f"{member} is cut short. Write the zip archive again."
        raise SourceError(msg) from None
    except NotImplementedError as error:  # a feature of zip that Python does not have
        msg = f"{member} cannot be read: {error}. Write the zip archive in the usual way, deflated."
        raise SourceError(msg) from error
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError) as error:
        msg = f"{member} is damaged ({error}). Write the zip archive again."
        raise SourceError(msg) from error
