"""NDJSON: a row a line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.source import BYTES_AT_ONCE, ROWS_AT_ONCE, FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BYTES_HELD = 8 * BYTES_AT_ONCE  # of lines, before there are as many as a batch takes
LONGEST_LINE = 1 << 25  # bytes; far above what CDF takes in a request
UTF8_BOM = b"\xef\xbb\xbf"


def read_ndjson(file: io.BufferedReader, _: Options, after: Mark, until: Mark | None) -> Iterator[Chunk]:
    """Yield the lines that are not blank, numbered from 1.

    :param after: the mark at which the file stands; rows are counted from there.
    :param until: the mark at which to stop; by default the end of the file.
    """
    number, offset = max(0, after.position), after.offset
    if not number:
        start = file.peek(len(UTF8_BOM))
        if start.startswith(UTF8_BOM):
            offset += len(file.read(len(UTF8_BOM)))
        if file.peek(BYTES_AT_ONCE).lstrip().startswith(b"["):
            msg = "holds a JSON array; load it with file_format='json'."
            raise FormatError(msg)
    try:
        left = None if until is None else until.offset - offset
        for lines in _grouped(io.BufferedReader(_BoundedLines(file, left), BYTES_AT_ONCE)):
            first = number + 1
            number += len(lines)
            offset += sum(map(len, lines))
            yield _chunk(range(first, number + 1), lines, Mark(number, offset))
    except _LineTooLongError:
        where = f"soon after line {number:,}" if number else "near its start"
        msg = (
            f"has a line longer than {LONGEST_LINE:,} bytes {where}; "
            "if the file is one JSON document, load it with file_format='json'."
        )
        raise FormatError(msg) from None


def _chunk(positions: range, lines: list[bytes], end: Mark) -> Chunk:
    if not any(map(bytes.isspace, lines)):
        return Chunk(positions, lines, end)
    numbered = [(at, line) for at, line in zip(positions, lines, strict=True) if not line.isspace()]
    return Chunk([at for at, _ in numbered], [line for _, line in numbered], end)


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


class _LineTooLongError(Exception):
    """A line that is longer than ``LONGEST_LINE``."""


class _BoundedLines(io.RawIOBase):
    """A file that is not read further when a line is too long to be held.

    :param left: how many bytes to read; by default all.
    """

    def __init__(self, file: io.BufferedReader, left: int | None) -> None:
        self._file = file
        self._left = left
        self._unended = 0  # bytes of the line that has not ended yet

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        size = len(view)
        if self._left is not None:
            size = max(0, min(size, self._left))
        data = self._file.read1(size)
        if self._left is not None:
            self._left -= len(data)
        view[: len(data)] = data
        end = data.rfind(b"\n")
        self._unended = len(data) - end - 1 if end >= 0 else self._unended + len(data)
        if self._unended > LONGEST_LINE:
            raise _LineTooLongError
        return len(data)


NDJSON = Format(
    name="ndjson",
    suffixes=(".ndjson", ".jsonl"),
    position_name="line",
    reader=read_ndjson,
    options=Options,
    is_seekable=True,
)
