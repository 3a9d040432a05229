"""Files of records or of rows, one or several, plain or compressed, local or remote."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.records.chunk import NUMBER_STYLE_KEYS, Chunk, Mark, NumberStyle
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.compression import COMPRESSIONS, compression_of
from airflow_provider_cdf_records.sources.formats import (
    Format,
    format_named,
    format_names,
    format_of,
    known_suffixes,
)
from airflow_provider_cdf_records.sources.open_file import NOTHING_FOUND, OpenFile, check_readable, open_file
from airflow_provider_cdf_records.sources.source import START, FormatError
from airflow_provider_cdf_records.sources.storage import StoragePath, canonical_path, version_of


class FileSource:
    """The rows of one or several files, in the order given.

    :param file_format: the name of one of ``FORMATS``; by default what the suffix says.
    :param file_options: options of the format; each format of the files must have them.
    :raises InvalidArgumentError: for an option that the format of any file does not have.
    """

    def __init__(
        self,
        *paths: StoragePath,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._paths = paths
        named = None if file_format is None else format_named(file_format)
        self._formats = [_format_of(path, named) for path in paths]
        self._given_options = dict(file_options or {})
        self._options = {known.name: known.options_of(self._given_options) for known in self._formats}
        self._after = START
        self._begun = [(0, 0)]  # (positions before it, its number) of each file that was begun
        self._reading: OpenFile | None = None
        self._done = 0
        self._size = 0

    def reads(self, path: StoragePath) -> bool:
        """Whether a path is one of the files."""
        return canonical_path(path) in map(canonical_path, self._paths)

    @property
    def number_style(self) -> NumberStyle | None:
        """How ``file_options`` say that numbers are written; ``None`` where they do not."""
        of_options = {name: self._given_options.get(name) for name in NUMBER_STYLE_KEYS}
        return NumberStyle(**of_options) if any(of_options.values()) else None

    def resume_after(self, mark: Mark) -> None:
        """Leave out all before a mark: by seeking where the format allows it, else by skipping rows."""
        self._after = mark
        self._begun = [(mark.before, mark.file)]

    def fingerprint(self) -> dict[str, Any]:
        """Return plain JSON that changes when other files are named, or when one of them changes."""
        files = []
        for path, file_format in zip(self._paths, self._formats, strict=True):
            check_readable(path)
            stat = path.stat()
            version = version_of(stat)
            files.append(
                {"path": str(path), "format": file_format.name, "size": stat.st_size, "version": version}
            )
        options = {"options": self._given_options} if self._given_options else {}
        if len(files) == 1:
            return files[0] | options
        return {"files": len(files), "digest": hashlib.sha256(repr(files).encode()).hexdigest()} | options

    def __iter__(self) -> Iterator[Chunk]:
        after = self._after
        before = after.before
        self._begun = [(before, after.file)]
        sizes = [_size_for_progress(path) for path in self._paths]
        self._size = sum(sizes)
        self._done = sum(sizes[: after.file])
        for number in range(after.file, len(self._paths)):
            start = START
            if number == after.file:
                start = Mark(after.position - before, after.offset)
            else:
                self._begun.append((before, number))
            last = start.position
            for chunk in self._read(number, start):
                last = chunk.end.position
                yield _shifted(chunk, before, number)
            self._done += sizes[number]
            before += last + 1

    def _read(self, number: int, after: Mark) -> Iterator[Chunk]:
        path, file_format = self._paths[number], self._formats[number]
        is_empty = True
        try:
            with open_file(path) as self._reading:
                file = self._reading.file
                begin = START
                if after.offset and file_format.is_seekable and compression_of(path.name) is None:
                    file.seek(after.offset)
                    begin = after
                for chunk in file_format.read(file, self._options[file_format.name], begin):
                    rest = _rows_after(chunk, after.position)
                    if rest.positions or rest.refusals:
                        is_empty = False
                        yield rest
        except FormatError as error:
            msg = f"{path}: {error}"
            raise SourceError(msg) from None
        finally:
            self._reading = None
        if is_empty and file_format.must_hold_rows and after == START:
            msg = f"{path} holds no records. {NOTHING_FOUND}"
            raise SourceError(msg)

    def where(self, position: int) -> str:
        before, number = self._begun[bisect_right(self._begun, (position, len(self._paths))) - 1]
        return f"{self._formats[number].position_name} {position - before} of {self._paths[number]}"

    def share(self) -> float | None:
        reading = self._reading  # another thread may end a file meanwhile
        if reading is None or not self._size:
            return None
        return min(1.0, (self._done + reading.done) / self._size)


def _size_for_progress(path: StoragePath) -> int:
    try:
        return int(path.stat().st_size)
    except OSError:  # a file that cannot be read is told when it is its turn
        return 0


def _shifted(chunk: Chunk, before: int, number: int) -> Chunk:
    """Return a chunk of one file with positions that count through all files."""
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
    """Return the part of a chunk after a position."""
    passed = bisect_right(chunk.positions, position)
    refusals = [refusal for refusal in chunk.refusals if refusal.position > position]
    if not passed and len(refusals) == len(chunk.refusals):
        return chunk
    return chunk._replace(positions=chunk.positions[passed:], rows=chunk.rows[passed:], refusals=refusals)


def _format_of(path: StoragePath, named: Format[Any] | None) -> Format[Any]:
    compression = compression_of(path.name)
    suffix = compression.suffix if compression else ""
    found = named or format_of(path.name[: len(path.name) - len(suffix)])
    if found is None:
        compressed = ", ".join(known.suffix for known in COMPRESSIONS)
        msg = (
            f"{path} has none of the suffixes {known_suffixes()} (with or without {compressed}); "
            f"set file_format to one of {format_names()}."
        )
        raise SourceError(msg)
    if suffix and found.is_compressed_inside:
        msg = f"{path} cannot be read: {found.name} is compressed internally; write it without {suffix}."
        raise SourceError(msg)
    return found
