"""The interface of file formats whose files can be cut into slices."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources.slices import Slice
from airflow_provider_cdf_records.sources.source import FormatError

READ_AT_ONCE = 1 << 16  # bytes, to find the end of a line
INSTEAD = (
    "load it as a whole, or share its rows among tasks by their identities: "
    "partition='1/8', or split_source(..., by='identity')"
)


@dataclass(frozen=True)
class Slicing:
    """How the files of a format are cut into slices.

    :param unit: what slices of them are counted in.
    :param read: yields the rows of a slice after a mark of it; the file is open, uncompressed and at its
        start, and the mark ``START`` stands for the first row.
    :param cut: returns where the file may be cut nearest to some offsets in bytes, each a number in
        ``unit``: the first row from there on is the first one of a slice. ``0`` is the start of the file, and
        ``None`` its end.
    :param span: returns between which offsets in bytes a slice is, to tell how much of it has been read.
    :param position_in_words: returns what a position in a slice is called, with ``{}`` for its number.
    """

    unit: str
    read: Callable[[io.BufferedReader, Any, Slice, Mark], Iterator[Chunk]]
    cut: Callable[[io.BufferedReader, Any, Sequence[int]], list[int | None]]
    span: Callable[[io.BufferedReader, Slice], tuple[int, int]]
    position_in_words: Callable[[Slice], str]


class CannotBeCutError(FormatError):
    """A file that has no slices.

    :param why: not, as ``is compressed``.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}, and cannot be read in slices; {INSTEAD}.")
        self.why = why


def size_of(file: io.BufferedReader) -> int:
    """Return the size of a file, at whose end it is then."""
    return file.seek(0, os.SEEK_END)


def span_of_bytes(file: io.BufferedReader, part: Slice) -> tuple[int, int]:
    """Return between which offsets a slice of bytes is; the file is at its end then."""
    size = size_of(file)
    end = size if part.last is None else min(size, part.last + 1)
    return min(part.first, end), end


def end_of_line(file: io.BufferedReader, offset: int) -> int:
    """Return the offset after the line that the byte at an offset belongs to; lines end with a line feed."""
    offset = file.seek(min(offset, size_of(file)))
    while data := file.read(READ_AT_ONCE):
        if found := data.find(b"\n") + 1:
            return offset + found
        offset += len(data)
    return offset
