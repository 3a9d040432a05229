"""Files of records or of rows, one or several, plain or compressed, local or remote."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark, Row
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.number_style import NUMBER_STYLE_KEYS, NumberStyle
from airflow_provider_cdf_records.sources.archives import ZipMember
from airflow_provider_cdf_records.sources.file_chunks import is_header, rows_after, shifted
from airflow_provider_cdf_records.sources.file_format import FIRST_BYTES, FormatChoice, is_blank
from airflow_provider_cdf_records.sources.file_reading import chunks_of, files_in, slicing_of
from airflow_provider_cdf_records.sources.formats.slicing import size_of
from airflow_provider_cdf_records.sources.open_file import OpenFile, open_file
from airflow_provider_cdf_records.sources.slices import Slice, SlicedFile, bytes_of, problem_of
from airflow_provider_cdf_records.sources.source import ROWS_TO_PEEK, START, FormatError
from airflow_provider_cdf_records.sources.storage import (
    FileState,
    StoragePath,
    canonical_path,
    is_local,
    state_in,
)
from airflow_provider_cdf_records.sources.storage_file import check_readable
from airflow_provider_cdf_records.sources.web import on_the_web


class FileSource:
    """The rows of one or several files, or slices of them, in the order given.

    A zip archive is the files in it.

    :param file_format: the name of one of ``FORMATS``; by default what the suffix says.
    :param file_options: options of the format; each format of the files must have them, but for files of
        rejected records.
    :param holds_rejected: tells by the first bytes of a file whether it holds rejected records; those are
        read whatever the name of the file, ``file_format`` and ``file_options`` say.
    :raises InvalidArgumentError: for an option that the format of any file does not have.
    """

    def __init__(
        self,
        *paths: StoragePath | SlicedFile,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
        holds_rejected: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._given = [_path_and_slice(path) for path in paths]
        self._given_format = file_format
        self._given_options = dict(file_options or {})
        self._choice = FormatChoice(file_format, self._given_options, holds_rejected)
        files = [
            (file, part)
            for path, part in self._given
            for file in files_in(path, part, is_alone=len(paths) == 1)
        ]
        self._paths = [file for file, _ in files]
        self._slices = [part for _, part in files]
        self._formats = [self._choice.by_name(path) for path in self._paths]
        self._after = START
        self._states: dict[int, FileState] = {}  # of the paths given, when the fingerprint was taken
        self._begun = [(0, 0)]  # (positions before it, its number) of each file that was begun
        self._reading: OpenFile | None = None
        self._sizes: list[int] = []
        self._span = (0, 0)  # of the file that is read, in bytes: from where to where
        self._done = 0

    def reads(self, path: StoragePath) -> bool:
        """Whether a path is one of the files."""
        return canonical_path(path) in (canonical_path(given) for given, _ in self._given)

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
        for path, part in self._given:
            state = self._states[id(path)] = state_in(check_readable(path))
            file_format = names.get(id(path), f"files in it: {self._given_format}")
            version = state.version or uuid4().hex  # where the storage tells none, no file is the one before
            file = {"path": str(path), "format": file_format, "size": state.size, "version": version}
            files.append(file if part is None else file | {"slice": str(part)})
        options = {"options": self._given_options} if self._given_options else {}
        if len(files) == 1:
            return files[0] | options
        return {"files": len(files), "digest": hashlib.sha256(repr(files).encode()).hexdigest()} | options

    def __iter__(self) -> Iterator[Chunk]:
        after = self._after
        before = after.before
        self._begun = [(before, after.file)]
        files = zip(self._paths, self._slices, strict=True)
        self._sizes = [bytes_of(part, _size_for_progress(path)) for path, part in files]
        self._done = sum(self._sizes[: after.file])
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
                    yield shifted(chunk, before, number).in_number_style(self._number_style_of(number))
                self._done += self._sizes[number]
                before += last + 1
            if archive is not None:
                archive.watch.check()

    def where(self, position: int) -> str:
        before, number = self._begun[bisect_right(self._begun, (position, len(self._paths))) - 1]
        known, part = self._formats[number].format, self._slices[number]
        words = known.position_in_words
        if part is not None and known.slicing is not None:
            words = known.slicing.position_in_words(part)
        return f"{words.format(position - before)} of {self._paths[number]}"

    def share(self) -> float | None:
        reading = self._reading  # another thread may end a file meanwhile
        size = sum(self._sizes)
        if reading is None or not size:
            return None
        begin, end = self._span
        return min(1.0, (self._done + max(0, min(reading.done, end) - begin)) / size)

    def files_with_header(self, first: int = 0) -> list[int]:
        """Return the numbers of the files whose columns may be read without their rows.

        :param first: the number of the file to begin with.
        """
        formats = [how.format for how in self._formats]
        return [
            number
            for number, path in enumerate(self._paths)
            if number >= first
            and formats[number].read_columns is not None
            and not (formats[number].is_compressed_inside and isinstance(path, ZipMember))
        ]

    def columns_of(self, number: int) -> Columns | None:
        """Return the columns of a file; ``None`` for one that has none, or cannot be read now."""
        try:
            with open_file(self._paths[number], block_size=FIRST_BYTES) as opened:
                how = self._choice.by_content(self._formats[number], opened.file, self._paths[number])
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
                return any(or_header or not is_header(chunk) for chunk in chunks)
            finally:
                chunks.close()
        except Exception:
            return True

    def peek(self) -> Sequence[Row]:
        """Return the first rows of a file on this machine that may hold API-shaped records."""
        number = self._after.file
        if number >= len(self._paths) or isinstance(path := self._paths[number], ZipMember):
            return ()
        if not is_local(path) or self._formats[number].format.read_columns is not None:  # a table's
            return ()
        try:
            with closing(self._read(number, START)) as chunks:
                rows: Sequence[Row] = next(chunks).rows[:ROWS_TO_PEEK]
                return rows
        except Exception:  # a file that cannot be read is told when it is its turn
            return ()

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
        path, how, part = self._paths[number], self._formats[number], self._slices[number]
        has_begun = False
        try:
            with open_file(path, in_any_order=how.format.is_compressed_inside) as opened:
                self._span = (0, 1 << 62)
                self._reading = opened
                if after != START:
                    self._check_same(path, opened)
                how = self._formats[number] = self._choice.by_content(how, opened.file, path)
                if part is not None:
                    self._note_span(number, opened, part)
                for chunk in chunks_of(opened, how, after, part):
                    has_begun = True
                    rest = rows_after(chunk, after.position)
                    if rest.positions or rest.refusals or is_header(chunk):
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

    def _note_span(self, number: int, opened: OpenFile, part: Slice) -> None:
        """Note which bytes of an open file a slice is.

        :raises SourceError: when the file does not have them.
        """
        slicing = slicing_of(opened, self._formats[number], part.unit)
        if problem := problem_of(part, size_of(opened.file)):
            msg = f"{self._paths[number]}: {problem}"
            raise SourceError(msg)  # whatever else there is to say of a file that has become empty
        begin, end = self._span = slicing.span(opened.file, part)
        opened.file.seek(0)
        if self._sizes:
            self._sizes[number] = end - begin

    def _check_same(self, path: StoragePath, opened: OpenFile) -> None:
        """Refuse to go on in a file that has changed since the fingerprint was taken."""
        given = path.archive.path if isinstance(path, ZipMember) else path
        before = self._states.get(id(given))
        if before is not None:
            opened.watch.check_same(before)


def _path_and_slice(path: StoragePath | SlicedFile) -> tuple[StoragePath, Slice | None]:
    if isinstance(path, SlicedFile):
        return on_the_web(path.path), path.slice
    return on_the_web(path), None


def _size_for_progress(path: StoragePath) -> int:
    try:
        return int(path.stat().st_size)
    except Exception:  # a file that cannot be read is told when it is its turn
        return 0
