"""NDJSON: a row a line."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Refusal
from airflow_provider_cdf_records.sources.formats.base import Format
from airflow_provider_cdf_records.sources.formats.bounded_lines import BoundedLines, CutLine
from airflow_provider_cdf_records.sources.formats.json_encoding import (
    HANDLERS,
    UTF8,
    Utf8Text,
    encoding_of,
    refuse_marked,
)
from airflow_provider_cdf_records.sources.formats.slicing import (
    CannotBeCutError,
    Slicing,
    end_of_line,
    size_of,
    span_of_bytes,
)
from airflow_provider_cdf_records.sources.formats.text_options import TextOptions
from airflow_provider_cdf_records.sources.slices import BYTES, Slice
from airflow_provider_cdf_records.sources.source import BYTES_AT_ONCE, ROWS_AT_ONCE, FormatError

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


def read_slice(file: io.BufferedReader, options: TextOptions, part: Slice, after: Mark) -> Iterator[Chunk]:
    """Yield the lines that begin in a slice; the last one may end after it.

    Where the slice begins with the file, lines are numbered from 1. Else the position of a line is the offset
    of its first byte.
    """
    encoding = _checked_encoding(file, options)
    begin = end_of_line(file, part.first - 1) if part.first else 0
    if part.last is not None and begin > part.last:
        return  # a line that begins before the slice goes on beyond it
    until = None if part.last is None else Mark(-1, end_of_line(file, part.last))
    if not after.offset:
        after = Mark(-1, begin)
    file.seek(after.offset)
    yield from _Lines(file, options, encoding, is_named_by_byte=part.first > 0).read(after, until)


def cut_lines(file: io.BufferedReader, options: TextOptions, offsets: Sequence[int]) -> list[int | None]:
    """Return where the first lines begin that do so at or after some offsets."""
    _checked_encoding(file, options)
    begins = [end_of_line(file, offset - 1) for offset in offsets]
    size = size_of(file)
    return [begin if begin < size else None for begin in begins]


def _checked_encoding(file: io.BufferedReader, options: TextOptions) -> str:
    """Return the encoding of a file that can be cut into slices, and is at its start.

    :raises FormatError: when it is none of those, or no NDJSON.
    """
    encoding = encoding_of(file, options)
    if encoding not in UTF8:
        why = f"is in {encoding.upper()}, not in UTF-8"
        raise CannotBeCutError(why)
    _check_start(file.peek(BYTES_AT_ONCE).removeprefix(UTF8_BOM))
    return encoding


class _Lines:
    """The lines of a file in UTF-8.

    :param encoding: that of the stored file.
    :param is_named_by_byte: whether the position of a line is the offset of its first byte, not its number.
    """

    def __init__(
        self, file: io.BufferedReader, options: TextOptions, encoding: str, *, is_named_by_byte: bool = False
    ) -> None:
        self._file = file
        self._options = options
        self._encoding = encoding
        self._is_named_by_byte = is_named_by_byte
        self._nulls = frozenset(options.null_values)
        self._cut_lines: deque[CutLine] = deque()

    def read(self, after: Mark, until: Mark | None) -> Iterator[Chunk]:
        """Yield the lines between two marks that are not blank."""
        number, offset = max(0, after.position), after.offset
        if not offset:
            if self._file.peek(len(UTF8_BOM)).startswith(UTF8_BOM):
                offset += len(self._file.read(len(UTF8_BOM)))
            _check_start(self._file.peek(BYTES_AT_ONCE))
        left = None if until is None else until.offset - offset
        bounded = BoundedLines(self._file, offset, left, self._cut_lines, LONGEST_LINE)
        for lines in _grouped(io.BufferedReader(bounded, BYTES_AT_ONCE)):
            sizes = list(map(len, lines))
            end = offset + sum(sizes)
            cut: list[int] = []
            if self._cut_lines and self._cut_lines[0].offset < end:
                cut = self._find_cut_lines(sizes, offset)
                end = offset + sum(sizes)
            positions: Sequence[int] = range(number + 1, number + 1 + len(lines))
            if self._is_named_by_byte:
                positions = list(accumulate(sizes[:-1], initial=offset))
            refusals = [self._refuse_cut_line(positions[index], lines, index, sizes[index]) for index in cut]
            number, offset = positions[-1], end
            yield self._chunk(positions, lines, Mark(number, offset), refusals)

    def _find_cut_lines(self, sizes: list[int], offset: int) -> list[int]:
        """Return which lines were cut, and correct their sizes.

        :param sizes: of the lines as they are held.
        :param offset: of the first one.
        """
        found = []
        for index in range(len(sizes)):
            if self._cut_lines and self._cut_lines[0].offset == offset:
                found.append(index)
                sizes[index] = self._cut_lines.popleft().size
            offset += sizes[index]
        return found

    def _refuse_cut_line(self, position: int, lines: list[bytes], index: int, size: int) -> Refusal:
        """Refuse a line that was cut, and blank it."""
        row = lines[index][:SHOWN].decode(errors="backslashreplace") + "..."
        lines[index] = b"\n"
        hint = f" (if the file is one JSON document, {ONE_DOCUMENT})" if position == 1 else ""
        return Refusal(position, row, f"is longer than {LONGEST_LINE:,} bytes: it has {size:,}{hint}")

    def _chunk(
        self, positions: Sequence[int], lines: list[bytes], end: Mark, refusals: list[Refusal]
    ) -> Chunk:
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


NDJSON = Format(
    name="ndjson",
    suffixes=(".ndjson", ".jsonl"),
    position_in_words="line {}",
    reader=read_ndjson,
    options=TextOptions,
    is_seekable=True,
    slicing=Slicing(
        unit=BYTES,
        read=read_slice,
        cut=cut_lines,
        span=span_of_bytes,
        position_in_words=lambda part: "the line at byte {:,}" if part.first else "line {}",
    ),
)
