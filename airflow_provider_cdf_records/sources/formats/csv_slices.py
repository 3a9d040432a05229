"""Slices of CSV files, which begin and end where rows do; their header is that of the file."""

from __future__ import annotations

import codecs
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_cdf_records.sources.formats.csv_head import Start, names_in, start_of
from airflow_provider_cdf_records.sources.formats.csv_lines import UTF_8, Block, CutLine
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions
from airflow_provider_cdf_records.sources.formats.csv_rows import CsvRowReader
from airflow_provider_cdf_records.sources.formats.csv_shape import Shape
from airflow_provider_cdf_records.sources.formats.slicing import CannotBeCutError, size_of
from airflow_provider_cdf_records.sources.slices import Slice
from airflow_provider_cdf_records.sources.source import FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

READ_AT_ONCE = 1 << 18  # bytes
LINE_END = re.compile(rb"\r\n|\r|\n")
ESCAPES = b"\x1b$B!!~{!!~}\x0e!!\x0f"  # which switch character sets in encodings that have several
LINE_ENDS = b"\r\n"
EVERY_BYTE = bytes(range(256)) + ESCAPES


class CsvSlice(NamedTuple):
    """The rows of a slice, and the names of their columns."""

    rows: CsvRowReader
    names: Sequence[str]
    start: Start


def slice_of(file: io.BufferedReader, options: CsvOptions, part: Slice) -> CsvSlice:
    """Open the rows of a slice.

    :raises FormatError: when the file cannot be cut, or not there.
    """
    start, names, head_end = _head_of(file, options)
    size = size_of(file)
    begin = min(part.first, size)
    end = size if part.last is None else min(part.last + 1, size)
    if begin > head_end and not _begins_line(file, begin):
        raise _cut_wrongly(part, "begin")
    if end < size and end > head_end and not _begins_line(file, end):
        raise _cut_wrongly(part, "end")
    if not begin and end > head_end:
        file.seek(0)
        start_of(file, options)  # which skips a byte order mark
        rows = start.rows_from_start(_blocks_to(start, file, end))
        return CsvSlice(rows, names_in(rows, options), start)
    begin = file.seek(max(begin, head_end))
    return CsvSlice(start.rows(_blocks_to(start, file, max(begin, end))), names, start)


def cut_rows(file: io.BufferedReader, options: CsvOptions, offsets: Sequence[int]) -> list[int | None]:
    """Return where rows begin at or after some offsets."""
    start, names, head_end = _head_of(file, options)
    cuts = [_next_line(file, max(offset, head_end)) for offset in offsets]
    size = size_of(file)
    signs = (options.quotechar, options.escapechar)
    encoded = [sign.encode(start.encoding, "ignore")[:1] for sign in signs if sign]
    if _holds(file, [*filter(None, encoded)], max(cuts)):
        cuts = _row_ends(file, options, start.encoding, names, [max(offset, head_end) for offset in offsets])
    return [cut if cut < size else None for cut in cuts]


def _head_of(file: io.BufferedReader, options: CsvOptions) -> tuple[Start, Sequence[str], int]:
    """Return how a file is written, the names of its columns, and the offset after the header."""
    start = start_of(file, options)
    if codecs.lookup(start.encoding).name in UTF_8:
        start = start._replace(encoding="utf-8")
    elif len(EVERY_BYTE.decode(start.encoding, "replace")) != len(EVERY_BYTE):
        why = f"is in {start.encoding}, in which bytes may be parts of characters"
        raise CannotBeCutError(why)
    elif LINE_ENDS.decode(start.encoding, "replace") != LINE_ENDS.decode():
        why = f"is in {start.encoding}, in which other bytes end lines than in ASCII"
        raise CannotBeCutError(why)
    if options.skip_footer:
        why = "has rows at its end to be left out (skip_footer)"
        raise CannotBeCutError(why)
    rows = start.rows_from_start(start.blocks(file))
    names = names_in(rows, options)
    lines = rows.line_number
    if isinstance(start.skipped, int):
        lines = max(lines, start.skipped)
    else:
        while lines + 1 in start.skipped:
            lines += 1
        if max(start.skipped, default=0) > lines:
            why = "has lines to be skipped in the middle (skip_rows)"
            raise CannotBeCutError(why)
    file.seek(0)
    return start, names, _after_lines(file, lines)


def _cut_wrongly(part: Slice, what: str) -> FormatError:
    msg = (
        f"has no line that {what}s where the slice {part} {what}s; slices of CSV {what} where a row {what}s, "
        "as those of split_source do. Has the file been written again since it was cut?"
    )
    return FormatError(msg)


def _line_ends(file: io.BufferedReader, offset: int) -> Iterator[int]:
    """Yield the offsets after the lines from an offset on, at which the file is."""
    while data := file.read(READ_AT_ONCE):
        if data.endswith(b"\r"):
            data += file.read(1)
        yield from (offset + found.end() for found in LINE_END.finditer(data))
        offset += len(data)


def _after_lines(file: io.BufferedReader, count: int) -> int:
    """Return the offset after some lines of a file, which is at its start."""
    ends = _line_ends(file, 0)
    offset = 0
    for _ in range(count):
        found = next(ends, None)
        if found is None:
            return size_of(file)
        offset = found
    return offset


def _next_line(file: io.BufferedReader, offset: int) -> int:
    """Return where the first line begins that does so at or after an offset."""
    if not offset or _begins_line(file, offset):
        return offset
    size = size_of(file)
    file.seek(offset)
    return next(_line_ends(file, offset), size)


def _begins_line(file: io.BufferedReader, offset: int) -> bool:
    """Whether a line begins at an offset, which is not 0; also at the end of the file."""
    if offset >= size_of(file):
        return True
    file.seek(offset - 1)
    before = file.read(2)
    return before[:1] == b"\n" or (before[:1] == b"\r" and before != b"\r\n")


def _holds(file: io.BufferedReader, signs: Sequence[bytes], end: int) -> bool:
    """Whether a file has one of some signs before an offset."""
    left = end - file.seek(0)
    while left > 0 and (data := file.read(min(left, READ_AT_ONCE))):
        if any(sign in data for sign in signs):
            return True
        left -= len(data)
    return False


def _row_ends(
    file: io.BufferedReader,
    options: CsvOptions,
    encoding: str,
    names: Sequence[str],
    offsets: Sequence[int],
) -> list[int]:
    """Return the ends of rows after some offsets, read as a load does."""
    file.seek(0)
    start = start_of(file, replace(options, encoding_errors="reject"))  # which keeps the number of bytes
    if options.escapechar or len(start.delimiter) > 1:
        why = "has quotes, and an escapechar or a delimiter of several characters"
        raise CannotBeCutError(why)
    start = start._replace(encoding=encoding)
    lines = _LineOffsets(encoding, file.tell())
    rows = start.rows_from_start(lines.counted(start.blocks(file)))
    names_in(rows, options)
    rows.shape = shape = Shape(names, frozenset(options.null_values), is_given=options.header is not None)
    ends: list[int] = []
    while len(ends) < len(offsets):
        many = rows.next_many(shape)
        if many == [] or (many is None and rows.next_row() is None):
            break
        if rows.is_between_rows:
            end = lines.offset_of(rows.line_number)
            while len(ends) < len(offsets) and end >= offsets[len(ends)]:
                ends.append(end)
    return ends + [size_of(file)] * (len(offsets) - len(ends))


class _LineOffsets:
    """Tells where lines begin in a file.

    :param begin: where the first one does.
    """

    def __init__(self, encoding: str, begin: int) -> None:
        self._encoding = encoding
        self._blocks: deque[tuple[int, int, list[str]]] = deque()  # lines and bytes before each, its lines
        self._lines, self._bytes = 0, begin

    def counted(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield blocks of lines, and note where they are."""
        for block in blocks:
            if any(isinstance(line, CutLine) for line in block.lines):
                why = "has a very long line"
                raise CannotBeCutError(why)
            self._blocks.append((self._lines, self._bytes, list(block.lines)))
            self._lines += len(block.lines)
            self._bytes += self._size(block.lines)
            yield block

    def offset_of(self, line: int) -> int:
        """Return where a line begins, none of those before it being asked for again."""
        while len(self._blocks) > 1 and self._blocks[1][0] <= line:
            self._blocks.popleft()
        before, offset, lines = self._blocks[0]
        return offset + self._size(lines[: line - before])

    def _size(self, lines: Sequence[str]) -> int:
        return len("".join(lines).encode(self._encoding, "surrogateescape"))


def _blocks_to(start: Start, file: io.BufferedReader, end: int) -> Iterator[Block]:
    """Yield the lines up to an offset, and those after it as beyond, as a row may go on there."""
    within: io.BufferedReader = io.BufferedReader(_Within(file, end - file.tell()))
    beyond = (block._replace(is_clean=False, is_beyond=True) for block in start.blocks(file))
    return chain(start.blocks(within), beyond)


class _Within(io.RawIOBase):
    """The next bytes of a file, and no more."""

    def __init__(self, file: io.BufferedReader, left: int) -> None:
        self._file = file
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._file.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)
