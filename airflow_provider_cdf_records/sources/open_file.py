"""Opens a path for reading: decompresses the file, and counts the bytes that are read."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.archives import OFFICE_DOCUMENT, ZipMember, is_zip
from airflow_provider_cdf_records.sources.compression import (
    BUFFER,
    Compression,
    compression_in,
    compression_of,
    is_text,
)
from airflow_provider_cdf_records.sources.file_watch import FileWatch
from airflow_provider_cdf_records.sources.storage import StoragePath
from airflow_provider_cdf_records.sources.storage_file import StorageFile, check_readable, open_for_reading

START = 4096  # bytes by which text is told from compressed data


class OpenFile:
    """A file that is being read.

    :ivar file: its content, decompressed.
    :ivar watch: tells whether what is stored has changed since.
    :ivar is_compressed: whether that differs from what is stored.
    """

    def __init__(
        self, counted: StorageFile, file: io.BufferedReader, watch: FileWatch, *, is_compressed: bool
    ) -> None:
        self._counted = counted
        self.file = file
        self.watch = watch
        self.is_compressed = is_compressed

    @property
    def done(self) -> int:
        """How many bytes of the stored file have been read."""
        return self._counted.done


@contextmanager
def open_file(
    path: StoragePath, *, in_any_order: bool = False, block_size: int | None = None
) -> Iterator[OpenFile]:
    """Open a file of any compression, which its content tells, not its name.

    :param in_any_order: whether its bytes will be read in any order; then it may be copied to a local disk.
    :param block_size: how many bytes remote storage is asked for at a time; by default what it likes best.
    :raises SourceError: when it is damaged, cut short, or cannot be reached; also while it is read.
    :raises FileChangedError: when such an error comes up, and the file has changed since it was opened.
    """
    found = check_readable(path)
    with (
        open_for_reading(path, block_size) as opened,
        _explained(_watch_of(path, opened, found)) as watch,
        _seekable(path, opened, in_any_order) as seekable,
    ):
        counted = StorageFile(seekable, path)
        file: io.BufferedReader = io.BufferedReader(counted, BUFFER)
        compression = _compression(file, path)
        if compression is None:
            yield OpenFile(counted, file, watch, is_compressed=False)
            return
        try:
            content = compression.decompress(file)
            _check_compressed_once(content, compression, path)
            yield OpenFile(counted, content, watch, is_compressed=True)
        except EOFError:
            msg = (
                f"{path} is cut short: its {compression.name} data ends before its end mark. Write it again."
            )
            raise SourceError(msg) from None
        except Exception as error:
            if hasattr(error, "retryable") or not compression.is_damage(error):
                raise
            msg = f"{path} is damaged: its {compression.name} data cannot be read ({error}). Write it again."
            raise SourceError(msg) from error


def _watch_of(path: StoragePath, opened: IO[bytes], stat: Any) -> FileWatch:
    return path.archive.watch if isinstance(path, ZipMember) else FileWatch(path, opened, stat)


@contextmanager
def _explained(watch: FileWatch) -> Iterator[FileWatch]:
    """Have a change of the file take the place of the errors that come of it, such as of damaged data."""
    try:
        yield watch
    except Exception as error:
        watch.explain(error)
        raise


@contextmanager
def _seekable(path: StoragePath, opened: IO[bytes], in_any_order: bool) -> Iterator[IO[bytes]]:
    """Copy a member of a zip to a local disk, if it is read in any order: to go back, it is read again."""
    if not in_any_order or not isinstance(path, ZipMember):
        yield opened
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(opened, copy, BUFFER)
        copy.seek(0)
        yield cast("IO[bytes]", copy)


def _compression(file: io.BufferedReader, path: StoragePath) -> Compression | None:
    """Return how a file is compressed; servers and tools may have decompressed it, or left out a suffix.

    :raises SourceError: when it is neither compressed nor text, though its suffix says that it is compressed.
    """
    start = file.peek(START)[:START]
    if start and is_text(start):
        return None
    named = compression_of(path.name)
    found = compression_in(start, named)
    if found is None and is_zip(start):
        if OFFICE_DOCUMENT.encode() in start:  # its first member
            msg = f"{path} is a document of an office program, such as Excel; save its table as CSV."
        elif isinstance(path, ZipMember):
            msg = f"{path} is a zip archive inside another one; unpack it."
        else:
            msg = f"{path} is a zip archive; give it a name that ends in .zip."
        raise SourceError(msg)
    if named is not None and not start:
        msg = f"{path} is cut short: it has 0 bytes, which is no {named.name} data. Write it again."
        raise SourceError(msg)
    if found is None and named is not None:
        msg = (
            f"{path} is not the {named.name} file that its suffix says, nor text; write it again, or give it "
            "the suffix of what it is."
        )
        raise SourceError(msg)
    return found


def _check_compressed_once(content: io.BufferedReader, compression: Compression, path: StoragePath) -> None:
    """Refuse a file whose content is compressed again.

    :raises SourceError: naming both compressions.
    """
    inner = compression_in(content.peek(START)[:START], None)
    if inner is not None:
        msg = (
            f"{path} is compressed twice: its {compression.name} data holds {inner.name} data; decompress it "
            "once."
        )
        raise SourceError(msg)
