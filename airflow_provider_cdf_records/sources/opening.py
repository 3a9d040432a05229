"""From a path to a file that can be read: decompressed, and counted as it is read."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.storage import StoragePath

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 1 << 18  # bytes read at a time
ZSTD_INPUT = 1 << 14  # bytes decompressed at a time; they may become many more
NOTHING_FOUND = "An extraction that found nothing can say so with '[]' in a .json file."
MAGIC = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".zst": b"\x28\xb5\x2f\xfd"}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".zst": "Zstandard"}


def compression_of(path: StoragePath) -> str | None:
    """Return the suffix that says how the file is compressed, if it is."""
    name = path.name.lower()
    return next((suffix for suffix in MAGIC if name.endswith(suffix)), None)


def check_readable(path: StoragePath) -> None:
    """Refuse a path that holds nothing to read.

    :raises SourceError: saying what is there instead.
    """
    if path.is_dir():
        msg = f"{path} is a folder; path must name one file here."
    elif not path.exists():
        msg = (
            f"{path} does not exist. Is it written by an upstream task, and on storage that this worker sees?"
        )
    elif not path.stat().st_size:
        msg = f"{path} is empty (0 bytes). {NOTHING_FOUND}"
    else:
        return
    raise SourceError(msg)


class OpenFile:
    """A file that is being read.

    :ivar file: its content, decompressed.
    """

    def __init__(self, counted: _Counted, file: io.BufferedReader) -> None:
        self._counted = counted
        self.file = file

    @property
    def done(self) -> int:
        """How many bytes of it, as they are stored, have been read."""
        return self._counted.done


@contextmanager
def open_file(path: StoragePath) -> Iterator[OpenFile]:
    """Open a file of any compression.

    :raises SourceError: when it is not what its suffix says, or cut short; also while it is read.
    """
    check_readable(path)
    compression = compression_of(path)
    what = NAMES.get(compression or "")
    with path.open("rb") as opened:
        counted = _Counted(opened)
        try:
            file: io.BufferedReader = io.BufferedReader(counted, BUFFER)
            yield OpenFile(counted, _decompressed(file, path, compression))
        except EOFError:
            msg = f"{path} is cut short: its {what} data ends before its end mark. Write it again."
            raise SourceError(msg) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            msg = f"{path} is not the {what} file that its suffix says: {error}"
            raise SourceError(msg) from None


def _decompressed(file: io.BufferedReader, path: StoragePath, compression: str | None) -> io.BufferedReader:
    start = file.peek(max(map(len, MAGIC.values())))
    if compression is None:
        for suffix, magic in MAGIC.items():
            if start.startswith(magic):
                msg = f"{path} is {NAMES[suffix]} data; give it a name that ends in {suffix}."
                raise SourceError(msg)
        return file
    if not start.startswith(MAGIC[compression]):
        msg = f"{path} is not the {NAMES[compression]} file that its suffix says."
        raise SourceError(msg)
    if compression == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=file), BUFFER)
    inner = bz2.BZ2File(file) if compression == ".bz2" else _Zstd(file, _zstd_decompressor(path))
    return io.BufferedReader(_InOurWords(inner, path), BUFFER)


def _zstd_decompressor(path: StoragePath) -> Callable[[], Any]:
    try:
        import zstandard  # noqa: PLC0415 (an extra)
    except ImportError:
        msg = f"{path} needs zstandard: pip install 'airflow-provider-cdf-records[zstd]'"
        raise SourceError(msg) from None
    return zstandard.ZstdDecompressor().decompressobj


class _Zstd:
    """Zstandard frames one after the other; tells, unlike the library's reader, when one is cut short."""

    def __init__(self, file: IO[bytes], new_frame: Callable[[], Any]) -> None:
        self._file = file
        self._new_frame = new_frame
        self._frame: Any = None
        self._data = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._data:
            compressed = self._file.read(ZSTD_INPUT)
            if not compressed:
                if self._frame is not None:
                    raise EOFError
                return b""
            self._data = memoryview(self._decompress(compressed))
        data, self._data = self._data[:size], self._data[size:]
        return bytes(data)

    def _decompress(self, compressed: bytes) -> bytes:
        data = b""
        while compressed:
            self._frame = self._frame or self._new_frame()
            data += self._frame.decompress(compressed)
            compressed = b""
            if self._frame.eof:
                compressed, self._frame = self._frame.unused_data, None
        return data


class _InOurWords(io.RawIOBase):
    """Makes a file of a decompressor, and an error of ours of what it complains about."""

    def __init__(self, inner: Any, path: StoragePath) -> None:
        self._inner = inner
        self._path = path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            data = self._inner.read(len(view))
        except EOFError:
            raise
        except Exception as error:
            msg = f"{self._path} cannot be decompressed: {error}"
            raise SourceError(msg) from error
        view[: len(data)] = data
        return len(data)


class _Counted(io.RawIOBase):
    """Makes a proper file of whatever a path opened, and counts what is read of it.

    Airflow wraps files to track them, and some of those wrappers can do little more than ``read``.
    """

    def __init__(self, opened: IO[bytes]) -> None:
        self._opened = opened
        self.done = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.done = self._opened.seek(offset, whence)
        return self.done

    def tell(self) -> int:
        return self.done

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._opened.read(len(view))
        view[: len(data)] = data
        self.done += len(data)
        return len(data)
