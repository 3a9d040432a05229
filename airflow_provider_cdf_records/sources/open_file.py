"""Opens a path for reading: decompresses the file, and counts the bytes that are read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from airflow_provider_cdf_records.records.errors import MissingSourceError, SourceError
from airflow_provider_cdf_records.sources.compression import (
    BUFFER,
    COMPRESSIONS,
    Compression,
    compression_in,
    compression_of,
)
from airflow_provider_cdf_records.sources.storage import StoragePath

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NOTHING_FOUND = "An extraction that found nothing can say so with '[]' in a .json file."


def check_readable(path: StoragePath) -> None:
    """Refuse a path that is not a file with content.

    :raises MissingSourceError: when there is nothing at the path.
    :raises SourceError: saying what it is instead.
    """
    if path.is_dir():
        msg = f"{path} is a folder; path must name one file here."
    elif not path.exists():
        msg = (
            f"{path} does not exist. Is it written by an upstream task, and on storage that this worker sees?"
        )
        raise MissingSourceError(msg)
    elif not path.stat().st_size:
        msg = f"{path} is empty (0 bytes). {NOTHING_FOUND}"
    else:
        return
    raise SourceError(msg)


class OpenFile:
    """A file that is being read.

    :ivar file: its content, decompressed.
    """

    def __init__(self, counted: _CountedFile, file: io.BufferedReader) -> None:
        self._counted = counted
        self.file = file

    @property
    def done(self) -> int:
        """How many bytes of the stored file have been read."""
        return self._counted.done


@contextmanager
def open_file(path: StoragePath) -> Iterator[OpenFile]:
    """Open a file of any compression.

    :raises SourceError: when it is not what its suffix says, damaged, or cut short; also while it is read.
    """
    check_readable(path)
    compression = compression_of(path.name)
    with path.open("rb") as opened:
        counted = _CountedFile(opened)
        file: io.BufferedReader = io.BufferedReader(counted, BUFFER)
        _check_compression(file, path, compression)
        if compression is None:
            yield OpenFile(counted, file)
            return
        try:
            yield OpenFile(counted, compression.decompress(file))
        except EOFError:
            msg = (
                f"{path} is cut short: its {compression.name} data ends before its end mark. Write it again."
            )
            raise SourceError(msg) from None
        except Exception as error:
            if not compression.is_damage(error):
                raise
            msg = f"{path} is damaged: its {compression.name} data cannot be read ({error}). Write it again."
            raise SourceError(msg) from error


def _check_compression(file: io.BufferedReader, path: StoragePath, compression: Compression | None) -> None:
    """Compare what the suffix of a file says with its first bytes."""
    found = compression_in(file.peek(max(len(known.magic) for known in COMPRESSIONS)))
    if found is compression:
        return
    if compression is None and found is not None:
        msg = f"{path} is {found.name} data; give it a name that ends in {found.suffix}."
    elif compression is not None:
        msg = (
            f"{path} is not the {compression.name} file that its suffix says; write it again, or give it the "
            "suffix of what it is."
        )
    raise SourceError(msg)


class _CountedFile(io.RawIOBase):
    """Makes a complete file object of what a path opened, and counts the bytes read from it.

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
