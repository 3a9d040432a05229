"""Files of records or of rows, one or several, plain or compressed, local or remote."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import Any
from uuid import uuid4

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.number_style import NUMBER_STYLE_KEYS, NumberStyle
from airflow_provider_cdf_records.sources.archives import ZipMember, is_named_zip, is_zip, members_of
from airflow_provider_cdf_records.sources.compression import compression_of
from airflow_provider_cdf_records.sources.file_format import FIRST_BYTES, FileFormat, FormatChoice, is_blank
from airflow_provider_cdf_records.sources.formats import format_of
from airflow_provider_cdf_records.sources.open_file import OpenFile, open_file
from airflow_provider_cdf_records.sources.source import START, FormatError
from airflow_provider_cdf_records.sources.storage import (
    FileState,
    StoragePath,
    canonical_path,
    state_in,
)
from airflow_provider_cdf_records.sources.storage_file import StorageFile, check_readable, open_for_reading
from airflow_provider_cdf_records.sources.web import on_the_web


class FileSource:
    """The rows of one or several files, in the order given; a zip archive is the files in it.

    :param file_format: the name of one of ``FORMATS``; by default what the suffix says.
    :param file_options: options of the format; each format of the files must have them.
    :param holds_rejected: tells by the first bytes of a file whether it holds rejected records; those are
        read whatever the name of the file, ``file_format`` and ``file_options`` say.
    :raises InvalidArgumentError: for an option that the format of any file does not have.
    """

    def __init__(
        self,
        *paths: StoragePath,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
        holds_rejected: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._given = [on_the_web(path) for path in paths]
        self._given_format = file_format
        self._given_options = dict(file_options or {})
        self._choice = FormatChoice(file_format, self._given_options, holds_rejected)
        is_alone = len(paths) == 1
        self._paths = list(chain.from_iterable(_files_in(path, is_alone=is_alone) for path in self._given))
        self._formats = [self._choice.by_name(path) for path in self._paths]
        self._after = START
        self._states: dict[int, FileState] = {}  # of the paths given, when the fingerprint was taken
        self._begun = [(0, 0)]  # (positions before it, its number) of each file that was begun
        self._reading: OpenFile | None = None
        self._done = 0
        self._size = 0

    def reads(self, path: StoragePath) -> bool:
        """Whether a path is one of the files."""
        return canonical_path(path) in map(canonical_path, self._given)

    @property
    def number_style(self) -> NumberStyle | None:
        """How ``file_options`` say that numbers are written; ``None`` where they do not."""
        of_options = {name: self._given_options.get(name) for name in NUMBER_STYLE_KEYS}
        return NumberStyle(**of_options) if any(of_options.values()) else None

    def _number_style_of(self, number: int) -> NumberStyle | None:
        """Return how numbers are written in a file: in lines of rejected records, as each of them says."""
        style = self.number_style
        is_rejected = self._formats[number] is self._choice.rejected
        return NumberStyle() if style is not None and is_rejected else style

    def resume_after(self, mark: Mark) -> None:
        """Leave out all before a mark: by seeking where the format allows it, else by skipping rows."""
        self._after = mark
        self._begun = [(mark.before, mark.file)]

    def fingerprint(self) -> dict[str, Any]:
        """Return plain JSON that changes when other files are named, or when one of them changes."""
        names = {id(path): how.format.name for path, how in zip(self._paths, self._formats, strict=True)}
        files = []
        for path in self._given:
            state = self._states[id(path)] = state_in(check_readable(path))
            file_format = names.get(id(path), f"files in it: {self._given_format}")
            version = state.version or uuid4().hex  # where the storage tells none, no file is the one before
            files.append({"path": str(path), "format": file_format, "size": state.size, "version": version})
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
        with ExitStack() as in_use:
            archive = None
            for number in range(after.file, len(self._paths)):
                path = self._paths[number]
                if isinstance(path, ZipMember) and path.archive is not archive:
                    if archive is not None:
                        archive.watch.check()
                    in_use.close()  # the one before
                    archive = in_use.enter_context(path.archive)
                start = START
                if number == after.file:
                    start = Mark(after.position - before, after.offset)
                else:
                    self._begun.append((before, number))
                last = start.position
                for chunk in self._read(number, start):
                    last = chunk.end.position
                    yield _shifted(chunk, before, number).in_number_style(self._number_style_of(number))
                self._done += sizes[number]
                before += last + 1
            if archive is not None:
                archive.watch.check()

    def where(self, position: int) -> str:
        before, number = self._begun[bisect_right(self._begun, (position, len(self._paths))) - 1]
        words = self._formats[number].format.position_in_words.format(position - before)
        return f"{words} of {self._paths[number]}"

    def share(self) -> float | None:
        reading = self._reading  # another thread may end a file meanwhile
        if reading is None or not self._size:
            return None
        return min(1.0, (self._done + reading.done) / self._size)

    def files_with_header(self, first: int = 0) -> list[int]:
        """Return the numbers of the files whose columns may be read without their rows.

        :param first: the number of the file to begin with.
        """
        return [
            number
            for number in range(first, len(self._paths))
            if self._formats[number].format.read_columns is not None
            and not (self._formats[number].format.is_compressed_inside and _is_member(self._paths[number]))
        ]

    def columns_of(self, number: int) -> Columns | None:
        """Return the columns of a file; ``None`` for one that has none, or cannot be read now."""
        try:
            with open_file(self._paths[number], block_size=FIRST_BYTES) as opened:
                how = self._choice.by_content(self._formats[number], opened.file)
                if how.format.read_columns is None:
                    return None
                return how.format.read_columns(opened.file, how.options)
        except Exception:  # a file that cannot be read is told when it is its turn
            return None

    def has_rows(self, number: int, *, or_header: bool = True) -> bool:
        """Whether a file has any row; true also for a file that cannot be read now.

        :param or_header: or a header whose columns count without rows.
        """
        try:
            chunks = self._read(number, START)
            try:
                return any(or_header or not _is_header(chunk) for chunk in chunks)
            finally:
                chunks.close()
        except Exception:
            return True

    def begun_paths(self) -> list[StoragePath]:
        """Return the files that were begun, once the first was, also by an earlier try."""
        return self._paths[: self._begun[-1][1] + 1]

    def path_of(self, number: int) -> str:
        """Return the path of a file, for a message."""
        return str(self._paths[number])

    def check_unchanged(self) -> None:
        """Refuse the file that is being read if it has changed since it was opened.

        :raises FileChangedError: then.
        """
        reading = self._reading  # another thread may end it meanwhile
        if reading is not None:
            reading.watch.check()

    def _read(self, number: int, after: Mark) -> Generator[Chunk, None, None]:
        path, how = self._paths[number], self._formats[number]
        has_begun = False
        try:
            with open_file(path, in_any_order=how.format.is_compressed_inside) as opened:
                self._reading = opened
                if after != START:
                    self._check_same(path, opened)
                how = self._formats[number] = self._choice.by_content(how, opened.file)
                for chunk in _chunks_of(opened, how, after):
                    has_begun = True
                    rest = _rows_after(chunk, after.position)
                    if rest.positions or rest.refusals or _is_header(chunk):
                        yield rest
                if not isinstance(path, ZipMember):  # an archive is checked once, at its end
                    opened.watch.check()
        except FormatError as error:
            if not has_begun and not how.format.is_compressed_inside and is_blank(path):
                return
            msg = f"{path}: {error}"
            raise SourceError(msg) from None
        finally:
            self._reading = None

    def _check_same(self, path: StoragePath, opened: OpenFile) -> None:
        """Refuse to go on in a file that has changed since the fingerprint was taken."""
        given = path.archive.path if isinstance(path, ZipMember) else path
        before = self._states.get(id(given))
        if before is not None:
            opened.watch.check_same(before)


def _chunks_of(opened: OpenFile, how: FileFormat, after: Mark) -> Iterator[Chunk]:
    """Yield the rows of a file, from a mark on where the format can seek, else all of them."""
    if how.format.is_compressed_inside:
        _check_stored_as_it_is(opened, how.format.name)
    elif not opened.file.peek(1):
        return
    begin = START
    if after.offset and how.format.is_seekable and not opened.is_compressed:
        opened.file.seek(after.offset)
        begin = after
    yield from how.format.read(opened.file, how.options, begin)


def _files_in(path: StoragePath, *, is_alone: bool) -> list[StoragePath]:
    """Return the files in a zip archive; the path itself if it is none.

    :param is_alone: whether it is the only one: then its content tells where its name does not, such as that
        of a download. Of many files, each would have to be opened twice.
    """
    if is_named_zip(path):
        return [*members_of(path)]
    name = path.name
    if not is_alone or format_of(name) is not None or compression_of(name) is not None:
        return [path]
    check_readable(path)
    with open_for_reading(path, FIRST_BYTES) as opened:
        return [*members_of(path)] if is_zip(StorageFile(opened, path).read(4)) else [path]


def _is_member(path: StoragePath) -> bool:
    return isinstance(path, ZipMember)


def _check_stored_as_it_is(opened: OpenFile, format_name: str) -> None:
    """Refuse a file that is empty or compressed as a whole, for a format that is neither."""
    if opened.is_compressed:
        msg = f"is compressed as a whole, and {format_name} is compressed internally; decompress it."
        raise FormatError(msg)
    if not opened.file.peek(1):
        msg = f"is cut short: it has 0 bytes, which is no {format_name} file. Write it again."
        raise FormatError(msg)


def _size_for_progress(path: StoragePath) -> int:
    try:
        return int(path.stat().st_size)
    except Exception:  # a file that cannot be read is told when it is its turn
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


def _is_header(chunk: Chunk) -> bool:
    """Whether a chunk has columns alone."""
    return not (chunk.positions or chunk.refusals)


def _rows_after(chunk: Chunk, position: int) -> Chunk:
    """Return the part of a chunk after a position."""
    passed = bisect_right(chunk.positions, position)
    refusals = [refusal for refusal in chunk.refusals if refusal.position > position]
    if not passed and len(refusals) == len(chunk.refusals):
        return chunk
    return chunk._replace(positions=chunk.positions[passed:], rows=chunk.rows[passed:], refusals=refusals)
