"""Tells a damaged file from a failure of the storage that it is on, and from everything else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources.arrow.library import MissingLibraryError, import_pyarrow
from airflow_provider_cdf_records.sources.source import FormatError

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import WriteableBuffer
    from typing_extensions import Self

NO_NULLS = "Expected all lists to be of size="  # of pyarrow before 26, for lists of fixed size with nulls


class DamageGuard:
    """Turns whatever ``pyarrow`` raises while it reads a file into an error that says where.

    :param what: what the file should be.
    :ivar file: to be read instead of the file.
    :ivar pyarrow: the library.
    :raises FormatError: when it is not installed.
    """

    def __init__(self, what: str, file: io.BufferedReader) -> None:
        self._what = what
        self._position = 0
        self._watched = _WatchedFile(file)
        self.file = io.BufferedReader(self._watched)
        try:
            self.pyarrow: Any = import_pyarrow()
        except MissingLibraryError as error:
            raise FormatError(str(error)) from None

    def rows(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks, and remember how many rows there were."""
        for chunk in chunks:
            self._position = chunk.end.position
            yield chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, FormatError):
            explained = self._explained(error)
            if explained is not error:
                raise explained from error

    def _explained(self, error: Exception) -> Exception:
        failure = self._watched.failure
        if failure is not None and not _may_be_damage(failure):
            return failure
        if isinstance(error, MemoryError):
            msg = "cannot be read: its content needs more memory than there is. Is it damaged?"
            return FormatError(msg)
        why = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        if isinstance(error, self.pyarrow.ArrowNotImplementedError) or why.startswith(NO_NULLS):
            msg = f"cannot be read by pyarrow {self.pyarrow.__version__}: {why}. A newer pyarrow may read it."
            return FormatError(msg)
        where = f", after row {self._position:,}" if self._position else ""
        msg = f"is not a whole {self._what} file: {why}{where}. Was it still being written?"
        return FormatError(msg)


def _may_be_damage(failure: Exception) -> bool:
    """Whether a file raises this also where its content ends too early."""
    return type(failure) is OSError and failure.errno is None


class _WatchedFile(io.RawIOBase):
    """Keeps the error that reading a file raised, which ``pyarrow`` may wrap or replace."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except Exception as error:
            self.failure = error
            raise

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            return self._file.readinto(buffer)
        except Exception as error:
            self.failure = error
            raise
