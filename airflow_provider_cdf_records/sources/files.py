"""Files of records or of rows, one or several, plain or compressed, local or remote."""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.formats.arrow import read_arrow, read_parquet
from airflow_provider_cdf_records.sources.formats.csv import CsvOptions, read_csv
from airflow_provider_cdf_records.sources.formats.json import json_items
from airflow_provider_cdf_records.sources.formats.ndjson import read_ndjson
from airflow_provider_cdf_records.sources.iterables import shown_size, some
from airflow_provider_cdf_records.sources.opening import (
    MAGIC,
    NOTHING_FOUND,
    OpenFile,
    check_readable,
    compression_of,
    open_file,
)
from airflow_provider_cdf_records.sources.source import FormatError
from airflow_provider_cdf_records.sources.storage import StoragePath, place_of, version_of

START = Mark(-1)
Read = Callable[[io.BufferedReader, CsvOptions, Mark], Iterator[Chunk]]


def _read_json(file: io.BufferedReader, _: CsvOptions, __: Mark) -> Iterator[Chunk]:
    items, position = json_items(file), 0
    failures: list[Exception] = []
    while not failures and (rows := some(items, failures, shown_size)):
        end = position + len(rows)
        yield Chunk(range(position, end), rows, Mark(end - 1))
        position = end
    if failures:
        raise failures[0]


READERS: dict[str, tuple[str, Read]] = {  # by format: what a position is called, and how it is read
    "ndjson": ("line", lambda file, _, after: read_ndjson(file, after)),
    "json": ("item", _read_json),
    "csv": ("row", lambda file, options, _: read_csv(file, options)),
    "tsv": ("row", lambda file, options, _: read_csv(file, options)),
    "parquet": ("row", lambda file, _, __: read_parquet(file)),
    "arrow": ("row", lambda file, _, __: read_arrow(file)),
}
FILE_FORMATS = sorted(READERS)
SUFFIXES = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
MUST_HOLD_ROWS = ("ndjson",)  # what holds none is most likely not what was meant
COMPRESSED_INSIDE = ("parquet", "arrow")


class FileSource:
    """The rows of one or several files, in the order given.

    :param file_format: one of ``FILE_FORMATS``; by default what the suffix says.
    :param file_options: of a CSV file, see :class:`CsvOptions`.
    """

    def __init__(
        self,
        *paths: StoragePath,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._paths = paths
        self._formats = [_format_of(path, file_format) for path in paths]
        self._options = dict(file_options or {})
        CsvOptions.of(self._options)
        self._after = START
        self._begun = [(0, 0)]  # of each file that was begun: positions before it, its number
        self._reading: OpenFile | None = None
        self._done = 0
        self._size = 0

    def reads(self, path: StoragePath) -> bool:
        """Whether a path is one of the files."""
        return place_of(path) in map(place_of, self._paths)

    def resume_after(self, mark: Mark) -> None:
        """Leave out all before a mark: by seeking in plain NDJSON, by passing over rows elsewhere."""
        self._after = mark
        self._begun = [(mark.before, mark.file)]

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells these files from others, or from a later state of themselves."""
        files = []
        for path, file_format in zip(self._paths, self._formats, strict=True):
            check_readable(path)
            stat = path.stat()
            version = version_of(stat)
            files.append({"path": str(path), "format": file_format, "size": stat.st_size, "version": version})
        options = {"options": self._options} if self._options else {}
        if len(files) == 1:
            return files[0] | options
        return {"files": len(files), "digest": hashlib.sha256(repr(files).encode()).hexdigest()} | options

    def __iter__(self) -> Iterator[Chunk]:
        after = self._after
        before = after.before
        self._begun = []
        self._size = sum(path.stat().st_size for path in self._paths if path.exists())
        self._done = sum(path.stat().st_size for path in self._paths[: after.file])
        for number in range(after.file, len(self._paths)):
            self._begun.append((before, number))
            start = Mark(after.position - before, after.offset) if number == after.file else START
            last = start.position
            for chunk in self._read(number, start):
                last = chunk.end.position
                yield _moved(chunk, before, number)
            self._done += self._paths[number].stat().st_size
            before += last + 1

    def _read(self, number: int, after: Mark) -> Iterator[Chunk]:
        path, file_format = self._paths[number], self._formats[number]
        options = CsvOptions.of(({"delimiter": "\t"} if file_format == "tsv" else {}) | self._options)
        empty = True
        try:
            with open_file(path) as self._reading:
                file = self._reading.file
                if not (file_format == "ndjson" and after.offset and compression_of(path) is None):
                    begin = Mark(0)
                else:
                    file.seek(after.offset)
                    begin = after
                for chunk in READERS[file_format][1](file, options, begin):
                    left = _rows_after(chunk, after.position)
                    if left.positions or left.refusals:
                        empty = False
                        yield left
        except FormatError as error:
            msg = f"{path}: {error}"
            raise SourceError(msg) from None
        finally:
            self._reading = None
        if empty and file_format in MUST_HOLD_ROWS and after == START:
            msg = f"{path} holds no records. {NOTHING_FOUND}"
            raise SourceError(msg)

    def where(self, position: int) -> str:
        before, number = self._begun[bisect_right(self._begun, (position, len(self._paths))) - 1]
        unit, _ = READERS[self._formats[number]]
        return f"{unit} {position - before} of {self._paths[number]}"

    def share(self) -> float | None:
        if self._reading is None or not self._size:
            return None
        return min(1.0, (self._done + self._reading.done) / self._size)


def _moved(chunk: Chunk, before: int, number: int) -> Chunk:
    """Return a chunk with positions that count on through the files."""
    end = chunk.end
    mark = Mark(end.position + before, end.offset, number, before)
    if not before:
        return chunk._replace(end=mark)
    return chunk._replace(
        positions=[position + before for position in chunk.positions],
        end=mark,
        refusals=[refusal._replace(position=refusal.position + before) for refusal in chunk.refusals],
    )


def _rows_after(chunk: Chunk, position: int) -> Chunk:
    """Return what comes after a position."""
    passed = bisect_right(chunk.positions, position)
    refusals = [refusal for refusal in chunk.refusals if refusal.position > position]
    if not passed and len(refusals) == len(chunk.refusals):
        return chunk
    return chunk._replace(positions=chunk.positions[passed:], rows=chunk.rows[passed:], refusals=refusals)


def _format_of(path: StoragePath, file_format: str | None) -> str:
    compression = compression_of(path) or ""
    if file_format is not None and file_format not in READERS:
        msg = f"file_format {file_format!r} is not known; choose from {', '.join(FILE_FORMATS)}."
        raise SourceError(msg)
    name = path.name.lower().removesuffix(compression)
    found = file_format or next((known for suffix, known in SUFFIXES.items() if name.endswith(suffix)), None)
    if found is None:
        msg = (
            f"{path} has none of the suffixes {', '.join(SUFFIXES)} (with or without {', '.join(MAGIC)}); "
            f"say what it is with file_format, one of {', '.join(FILE_FORMATS)}."
        )
        raise SourceError(msg)
    if compression and found in COMPRESSED_INSIDE:
        msg = f"{path} cannot be read: {found} is compressed on the inside; write it without {compression}."
        raise SourceError(msg)
    return found
