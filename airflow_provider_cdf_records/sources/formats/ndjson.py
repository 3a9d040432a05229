"""NDJSON: a row a line."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Refusal
from airflow_provider_cdf_records.sources.formats.base import Format
from airflow_provider_cdf_records.sources.formats.json_encoding import (
    HANDLERS,
    UTF8,
    Utf8Text,
    encoding_of,
    refuse_marked,
)
from airflow_provider_cdf_records.sources.formats.text_options import TextOptions
from airflow_provider_cdf_records.sources.source import BYTES_AT_ONCE, ROWS_AT_ONCE, FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BYTES_HELD = 8 * BYTES_AT_ONCE  # of lines, before there are as many as a batch takes
LONGEST_LINE = 1 << 25  # bytes; far above what CDF takes in a request
SHOWN = 1000  # bytes of a line that is longer
UTF8_BOM = b"\xef\xbb\xbf"
ONE_DOCUMENT = "load it with file_format='json'"


def read_ndjson(
    file: io.BufferedReader, options: TextOptions, after: Mark, until: Mark | None
) -> Iterator[Chunk]:
    """Yield the lines that are not blank, numbered from 1.

    Only in UTF-8 the marks have offsets; text of another encoding is read from its start.

    :param after: the mark at which the file stands; rows are counted from there.
    :param until: the mark at which to stop; by default the end of the file.
    """
    encoding = UTF8[0] if after.offset else encoding_of(file, options)
    if encoding in UTF8:
        yield from _Lines(file, options, encoding).read(after, until)
        return
    text = Utf8Text(file, encoding, options)
    try:
        lines = _Lines(io.BufferedReader(text, BYTES_AT_ONCE), options, encoding)
        for chunk in lines.read(Mark(-1), None):
            yield chunk._replace(end=Mark(chunk.end.position))
    finally:
        text.detach()


class _Lines:
    """The lines of a file in UTF-8.

    :param encoding: that of the stored file.
    """

    def __init__(self, file: io.BufferedReader, options: TextOptions, encoding: str) -> None:
        self._file = file
        self._options = options
        self._encoding = encoding
        self._nulls = frozenset(options.null_values)
        self._cut_lines: deque[_CutLine] = deque()

    def read(self, after: Mark, until: Mark | None) -> Iterator[Chunk]:
        """Yield the lines between two marks that are not blank."""
        number, offset = max(0, after.position), after.offset
        if not number:
            if self._file.peek(len(UTF8_BOM)).startswith(UTF8_BOM):
                offset += len(self._file.read(len(UTF8_BOM)))
            _check_start(self._file.peek(BYTES_AT_ONCE))
        left = None if until is None else until.offset - offset
        bounded = _BoundedLines(self._file, offset, left, self._cut_lines)
        for lines in _grouped(io.BufferedReader(bounded, BYTES_AT_ONCE)):
            first, start = number + 1, offset
            number += len(lines)
            offset += sum(map(len, lines))
            refusals: list[Refusal] = []
            if self._cut_lines and self._cut_lines[0].offset < offset:
                offset = self._refuse_cut_lines(lines, first, start, refusals)
            yield self._chunk(first, lines, Mark(number, offset), refusals)

    def _refuse_cut_lines(self, lines: list[bytes], number: int, offset: int, refusals: list[Refusal]) -> int:
        """Refuse the lines that were cut, and blank them; return the offset after the lines."""
        for index, line in enumerate(lines):
            size = len(line)
            if self._cut_lines and self._cut_lines[0].offset == offset:
                size = self._cut_lines.popleft().size
                row = line[:SHOWN].decode(errors="backslashreplace") + "..."
                message = f"is longer than {LONGEST_LINE:,} bytes: it has {size:,}"
                hint = f" (if the file is one JSON document, {ONE_DOCUMENT})" if number + index == 1 else ""
                refusals.append(Refusal(number + index, row, message + hint))
                lines[index] = b"\n"
            offset += size
        return offset

    def _chunk(self, first: int, lines: list[bytes], end: Mark, refusals: list[Refusal]) -> Chunk:
        positions = range(first, first + len(lines))
        if not any(map(bytes.isspace, lines)) and _are_text(lines):
            return Chunk(positions, lines, end, nulls=self._nulls)
        kept: list[int] = []
        rows: list[bytes] = []
        for position, line in zip(positions, lines, strict=True):
            if line.isspace():
                continue
            row = self._row(position, line, refusals)
            if row is not None:
                kept.append(position)
                rows.append(row)
        refusals.sort(key=lambda refusal: refusal.position)
        return Chunk(kept, rows, end, nulls=self._nulls, refusals=refusals)

    def _row(self, position: int, line: bytes, refusals: list[Refusal]) -> bytes | None:
        """Return a line if all of it is text, or can be made so."""
        try:
            line.decode()
        except UnicodeDecodeError:
            pass
        else:
            return line
        if self._encoding not in UTF8:
            refusals.append(refuse_marked(position, line.decode(errors="surrogatepass"), self._encoding))
            return None
        text = line.decode(errors=HANDLERS[self._options.encoding_errors])
        try:
            return text.encode()
        except UnicodeEncodeError:
            refusals.append(refuse_marked(position, text, self._encoding, line))
            return None


def _are_text(lines: list[bytes]) -> bool:
    joined = b"".join(lines)
    if joined.isascii():
        return True
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_start(start: bytes) -> None:
    """Refuse a file that begins like one JSON document.

    :param start: the first bytes; there may be more.
    :raises FormatError: saying what it is instead.
    """
    if start.lstrip().startswith(b"["):
        msg = f"holds a JSON array; {ONE_DOCUMENT}."
        raise FormatError(msg)
    first, second, *_ = [*filter(None, map(bytes.strip, start.split(b"\n", 10))), b"", b""]
    if (first == b"{" and second.startswith(b'"')) or (
        first.startswith(b'{"') and first.endswith(b"[") and (second == b"{" or second.endswith(b","))
    ):
        msg = f"holds a JSON document of several lines; {ONE_DOCUMENT}."
        raise FormatError(msg)


def _grouped(file: io.BufferedReader) -> Iterator[list[bytes]]:
    """Yield as many lines as a batch takes, or fewer where they are long."""
    lines: list[bytes] = []
    while more := file.readlines(BYTES_AT_ONCE):
        lines += more
        while len(lines) >= ROWS_AT_ONCE:
            yield lines[:ROWS_AT_ONCE]
            lines = lines[ROWS_AT_ONCE:]
        if sum(map(len, lines)) > BYTES_HELD:
            yield lines
            lines = []
    if lines:
        yield lines


class _CutLine(NamedTuple):
    """A line that is too long to be held: where it begins, and how many bytes it has."""

    offset: int
    size: int


class _BoundedLines(io.RawIOBase):
    """A file that leaves out the rest of a line that is too long to be held.

    :param offset: where the file stands.
    :param left: how many bytes to read; by default all.
    :param cut_lines: where such lines are added, before they are read to their end.
    """

    def __init__(
        self, file: io.BufferedReader, offset: int, left: int | None, cut_lines: deque[_CutLine]
    ) -> None:
        self._file = file
        self._offset = offset
        self._left = left
        self._cut_lines = cut_lines
        self._unended = 0  # bytes of the line that has not ended yet

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._read(len(view))
        if self._unended > LONGEST_LINE:
            data = self._rest_of_long_line(data, len(view))
        view[: len(data)] = data
        end = data.rfind(b"\n")
        self._unended = len(data) - end - 1 if end >= 0 else self._unended + len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        if self._left is not None:
            size = max(0, min(size, self._left))
            self._left -= size
        data = self._file.read1(size)
        if self._left is not None:
            self._left += size - len(data)
        self._offset += len(data)
        return data

    def _rest_of_long_line(self, data: bytes, size: int) -> bytes:
        """Read up to the end of a line, and return that end and what is after it."""
        start = self._offset - len(data) - self._unended
        while data and b"\n" not in data:
            self._unended += len(data)
            data = self._read(size)
        end = max(0, data.find(b"\n"))
        self._cut_lines.append(_CutLine(start, self._unended + end + bool(data)))
        self._unended = 0
        return data[end:]


NDJSON = Format(
    name="ndjson",
    suffixes=(".ndjson", ".jsonl"),
    position_in_words="line {}",
    reader=read_ndjson,
    options=TextOptions,
    is_seekable=True,
)
