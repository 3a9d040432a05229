"""Where rows come from: anything that can be iterated, or a file of NDJSON or JSON."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol

from airflow_provider_cdf_records.pipeline.checkpoint import Mark
from airflow_provider_cdf_records.pipeline.errors import SourceError
from airflow_provider_cdf_records.pipeline.json_items import JsonItemsError, json_items
from airflow_provider_cdf_records.pipeline.record import Row
from airflow_provider_cdf_records.pipeline.storage import StoragePath

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 1 << 18  # bytes read at a time
GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"
FORMATS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}
NOTHING_FOUND = "An extraction that found nothing can say so with '[]' in a .json file."
FORMAT_NAMES = sorted(set(FORMATS.values()))


class Source(Protocol):
    """Rows with their positions."""

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """Yield every row in order, with its position."""

    def where(self, position: int) -> str:
        """Return a position in words."""

    def share(self) -> float | None:
        """Return how much has been read, from 0 to 1; ``None`` where the size is not known."""

    def offset_before(self) -> int:
        """Return how many bytes of the source come before the row that was yielded last."""


class RecordsSource:
    """Records of a list, a generator or a lazy sequence, whose items are records or lists of records."""

    def __init__(self, records: Iterable[Any]) -> None:
        if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
            msg = (
                f"records must be a list (or another iterable) of records, not a {type(records).__name__}"
                + ("; to load a file, use path." if isinstance(records, str) else ".")
            )
            raise SourceError(msg)
        self._records = records
        self._total = len(records) if isinstance(records, Sized) else None
        self._done = 0

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        position = 0
        for self._done, item in enumerate(self._records, start=1):  # noqa: B020
            for row in item if isinstance(item, list | tuple) else (item,):
                yield position, row
                position += 1

    def where(self, position: int) -> str:
        return f"records[{position}]"

    def share(self) -> float | None:
        return self._done / self._total if self._total else None

    def offset_before(self) -> int:
        return 0


class FileSource:
    """A file of records, plain or gzip, local or remote.

    :param file_format: ``ndjson`` or ``json``; by default what the suffix says.
    """

    def __init__(self, path: StoragePath, file_format: str | None = None) -> None:
        self._path = path
        self._format = _format_of(path, file_format)
        self._reading: _Counted | None = None
        self._size = 0
        self._start: Mark | None = None
        self._line_ends = 0
        self._line_bytes = 0

    def resume_after(self, mark: Mark) -> None:
        """Leave out all up to a mark: by seeking in plain NDJSON, by passing over rows elsewhere."""
        self._start = mark

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells this file from another, or from a later state of itself."""
        _check_readable(self._path)
        stat = self._path.stat()
        return {
            "path": str(self._path),
            "format": self._format,
            "size": stat.st_size,
            "modified": str(getattr(stat, "st_mtime", None)),
        }

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        with self._open() as file:
            empty = self._start is None
            after = -1 if self._start is None else self._start.position
            rows = self._ndjson_rows(file) if self._format == "ndjson" else enumerate(json_items(file))
            for position, row in rows:
                if position > after:
                    empty = False
                    yield position, row
        if empty and self._format == "ndjson":
            msg = f"{self._path} holds no records. {NOTHING_FOUND}"
            raise SourceError(msg)

    def offset_before(self) -> int:
        return self._line_ends - self._line_bytes

    def _ndjson_rows(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        before = 0
        if self._start is not None and self._start.offset and not self._is_gzip:
            file.seek(self._start.offset)
            before, self._line_ends = self._start.position, self._start.offset
        for number, line in enumerate(file, start=before + 1):
            self._line_bytes = len(line)
            self._line_ends += self._line_bytes
            row = line.strip()
            if number == 1:
                row = row.removeprefix(UTF8_BOM)
                if row.startswith(b"["):
                    msg = f"{self._path} holds a JSON array; load it with file_format='json'."
                    raise SourceError(msg)
            if row:
                yield number, row

    @property
    def _is_gzip(self) -> bool:
        return self._path.name.lower().endswith(".gz")

    def where(self, position: int) -> str:
        if self._format == "ndjson":
            return f"line {position} of {self._path}"
        return f"item {position} of {self._path}"

    def share(self) -> float | None:
        reading = self._reading
        return min(1.0, reading.done / self._size) if reading and self._size else None

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        path = self._path
        _check_readable(path)
        self._size = path.stat().st_size
        with path.open("rb") as opened:
            self._reading = _Counted(opened)
            try:
                yield _decompressed(io.BufferedReader(self._reading, BUFFER), path)
            except (gzip.BadGzipFile, zlib.error) as error:
                msg = f"{path} is not the gzip file that its suffix says: {error}"
                raise SourceError(msg) from None
            except EOFError:
                msg = f"{path} is cut short: its gzip data ends before its end mark. Write it again."
                raise SourceError(msg) from None
            except JsonItemsError as error:
                msg = f"{path}: {error}"
                raise SourceError(msg) from None
            finally:
                self._reading = None


def _format_of(path: StoragePath, file_format: str | None) -> str:
    if file_format is not None:
        if file_format not in FORMAT_NAMES:
            msg = f"file_format {file_format!r} is not known; choose from {', '.join(FORMAT_NAMES)}."
            raise SourceError(msg)
        return file_format
    name = path.name.lower().removesuffix(".gz")
    for suffix, known in FORMATS.items():
        if name.endswith(suffix):
            return known
    msg = (
        f"{path} has none of the suffixes {', '.join(FORMATS)} (with or without .gz); "
        f"say what it is with file_format={' or '.join(map(repr, FORMAT_NAMES))}."
    )
    raise SourceError(msg)


def _check_readable(path: StoragePath) -> None:
    if path.is_dir():
        msg = f"{path} is a folder; path must name one file."
    elif not path.exists():
        msg = (
            f"{path} does not exist. Is it written by an upstream task, and on storage that this worker sees?"
        )
    elif not path.stat().st_size:
        msg = f"{path} is empty (0 bytes). {NOTHING_FOUND}"
    else:
        return
    raise SourceError(msg)


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


def _decompressed(file: io.BufferedReader, path: StoragePath) -> IO[bytes]:
    compressed = path.name.lower().endswith(".gz")
    if not compressed and file.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
        msg = f"{path} is gzip data; give it a name that ends in .gz."
        raise SourceError(msg)
    return io.BufferedReader(gzip.GzipFile(fileobj=file), BUFFER) if compressed else file
