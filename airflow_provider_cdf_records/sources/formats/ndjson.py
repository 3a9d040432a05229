"""NDJSON: a row a line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources.source import BYTES_AT_ONCE, ROWS_AT_ONCE, FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BYTES_HELD = 8 * BYTES_AT_ONCE  # before there are as many lines as a batch takes
LONGEST_LINE = 1 << 25  # bytes; far above what CDF takes in a request
UTF8_BOM = b"\xef\xbb\xbf"


def read_ndjson(file: io.BufferedReader, after: Mark) -> Iterator[Chunk]:
    """Yield the lines that are not blank, numbered from 1.

    :param after: what comes before this mark has been passed already.
    """
    number, offset = after.position, after.offset
    if not number:
        start = file.peek(len(UTF8_BOM))
        if start.startswith(UTF8_BOM):
            offset += len(file.read(len(UTF8_BOM)))
        if file.peek(BYTES_AT_ONCE).lstrip().startswith(b"["):
            msg = "holds a JSON array; load it with file_format='json'."
            raise FormatError(msg)
    try:
        for lines in _grouped(io.BufferedReader(_WithLines(file), BYTES_AT_ONCE)):
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


class _WithLines(io.RawIOBase):
    """A file in which no line is too long to be held."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._unended = 0  # bytes of the line that has not ended yet

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._file.read1(len(view))
        view[: len(data)] = data
        end = data.rfind(b"\n")
        self._unended = len(data) - end - 1 if end >= 0 else self._unended + len(data)
        if self._unended > LONGEST_LINE:
            raise _LineTooLongError
        return len(data)
