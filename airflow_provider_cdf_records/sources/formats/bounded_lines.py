"""Lines of a file, of which those that are too long are cut."""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class CutLine(NamedTuple):
    """A line that is too long to be held: where it begins, and how many bytes it has."""

    offset: int
    size: int


class BoundedLines(io.RawIOBase):
    """A file that leaves out the rest of a line that is too long to be held.

    :param offset: where the file stands.
    :param left: how many bytes to read; by default all.
    :param cut_lines: where such lines are added, before they are read to their end.
    :param longest: how many bytes of a line are held.
    """

    def __init__(
        self,
        file: io.BufferedReader,
        offset: int,
        left: int | None,
        cut_lines: deque[CutLine],
        longest: int,
    ) -> None:
        self._file = file
        self._offset = offset
        self._left = left
        self._cut_lines = cut_lines
        self._longest = longest
        self._unended = 0  # bytes of the line that has not ended yet

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._read(len(view))
        if self._unended > self._longest:
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
        self._cut_lines.append(CutLine(start, self._unended + end + bool(data)))
        self._unended = 0
        return data[end:]
