"""NDJSON: a row a line."""

from __future__ import annotations

import io
from collections.abc import Iterator

from airflow_provider_cdf_records.pipeline.chunk import Chunk, Place
from airflow_provider_cdf_records.pipeline.sources.source import BYTES_AT_ONCE, ROWS_AT_ONCE, FormatError

BYTES_HELD = 8 * BYTES_AT_ONCE  # before there are as many lines as a batch takes
LONGEST_LINE = 1 << 25  # bytes; far above what CDF takes in a request
UTF8_BOM = b"\xef\xbb\xbf"


def read_ndjson(file: io.BufferedReader, after: Place) -> Iterator[Chunk]:
    """Yield the lines that are not blank, numbered from 1.

    :param after: what comes before this place has been passed already.
    """
    number, offset = after.position, after.offset
    if not number:
        start = file.peek(len(UTF8_BOM))
        if start.startswith(UTF8_BOM):
            offset += len(file.read(len(UTF8_BOM)))
        if file.peek(BYTES_AT_ONCE).lstrip().startswith(b"["):
            msg = "holds a JSON array; load it with file_format='json'."
            raise FormatError(msg)
    for lines in _grouped(file):
        first = number + 1
        number += len(lines)
        offset += sum(map(len, lines))
        positions = range(first, number + 1)
        end = Place(number, offset)
        if any(map(bytes.isspace, lines)):
            numbered = [(at, line) for at, line in zip(positions, lines, strict=True) if not line.isspace()]
            yield Chunk([at for at, _ in numbered], [line for _, line in numbered], end)
        else:
            yield Chunk(positions, lines, end)


def _grouped(file: io.BufferedReader) -> Iterator[list[bytes]]:
    """Yield as many lines as a batch takes, or fewer where they are long."""
    lines: list[bytes] = []
    count = 0
    while block := file.read(BYTES_AT_ONCE):
        if not block.endswith(b"\n"):
            block += _rest_of_line(file, count + block.count(b"\n"))
        more = io.BytesIO(block).readlines()
        count += len(more)
        lines += more
        while len(lines) >= ROWS_AT_ONCE:
            yield lines[:ROWS_AT_ONCE]
            lines = lines[ROWS_AT_ONCE:]
        if sum(map(len, lines)) > BYTES_HELD:
            yield lines
            lines = []
    if lines:
        yield lines


def _rest_of_line(file: io.BufferedReader, lines_before: int) -> bytes:
    rest = file.readline(LONGEST_LINE)
    if len(rest) == LONGEST_LINE:
        msg = (
            f"the line after {lines_before:,} others is longer than {LONGEST_LINE:,} bytes; "
            "if the file is one JSON document, load it with file_format='json'."
        )
        raise FormatError(msg)
    return rest
