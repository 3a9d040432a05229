"""The lines of a CSV file from the next row on, so that reading can go back to where that row begins."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_cdf_records.sources.formats.csv_lines import LONGEST_SHOWN, Block, shown
from airflow_provider_cdf_records.sources.source import SIZE_AT_ONCE

READ_AHEAD = 2 * SIZE_AT_ONCE  # characters that may be read for rows together
FEW_LINES = 10


class LookCloserError(Exception):
    """Lines whose rows cannot be read together."""


class HeldLines:
    """Lines of a file; each is named by how many lines are before it.

    :ivar at: the line on which the next row begins; earlier ones are not held.
    :ivar unclean: the line up to which lines may have to be looked at by themselves.
    :ivar line_size: characters of a line, on average; those of the longest one, where lines are long.
    """

    def __init__(self, blocks: Iterator[Block]) -> None:
        self.at = 0
        self.unclean = 0
        self.line_size = 1.0
        self._end: int | None = None  # the first line after the slice, once it is known
        self._blocks = blocks
        self._lines: list[str] = []
        self._before = 0  # lines before those that are held
        self._read_ahead = 0  # characters
        self._failure: Exception | None = None  # of the file

    def line(self, number: int) -> str | None:
        """Return a line; ``None`` after the last one."""
        while number - self._before >= len(self._lines):
            if self._read() is None:
                return None
        return self._lines[number - self._before]

    def is_beyond(self, number: int) -> bool:
        """Whether a line that was read is after the end of the slice."""
        return self._end is not None and number >= self._end

    def between(self, begin: int, end: int) -> list[str]:
        """Return lines that were read, from one to before another."""
        return self._lines[begin - self._before : end - self._before]

    def text(self, begin: int, end: int) -> str:
        """Return lines as they stand in the file; the beginning of long ones."""
        text = "".join(self.between(begin, end))
        if len(text) > LONGEST_SHOWN:
            text = f"{text[:LONGEST_SHOWN]}..."
        return shown(text).rstrip("\r\n")

    def ahead(self) -> Iterator[list[str]]:
        """Yield all lines from ``at`` on.

        :raises LookCloserError: at lines that are not clean, or when much was read since :meth:`start_rows`.
        """
        yield self._lines[self.at - self._before :]
        while (block := self._read()) is not None:
            self._read_ahead += block.size
            if not block.is_clean or self._read_ahead > READ_AHEAD:
                raise LookCloserError
            yield block.lines

    def next_lines(self, count: int) -> list[str]:
        """Return the next lines, which may be fewer than ``count``, or not be clean; none at the end."""
        size = 0
        while self._before + len(self._lines) < self.at + count and size < SIZE_AT_ONCE:
            block = self._read()
            if block is None:
                break
            size += block.size
        return self.between(self.at, self.at + count)

    def start_rows(self) -> None:
        """Begin to count what is read for rows together."""
        self._read_ahead = 0

    def _read(self) -> Block | None:
        """Read more lines; what the file failed with is raised each time."""
        if self._failure is not None:
            raise self._failure
        try:
            block = next(self._blocks, None)
        except Exception as error:
            self._failure = error
            raise
        if block is None:
            return None
        del self._lines[: self.at - self._before]
        self._before = self.at
        if block.is_beyond and self._end is None:
            self._end = self._before + len(self._lines)
        self._lines += block.lines
        if not block.is_clean:
            self.unclean = self._before + len(self._lines)
        few = block.lines[:FEW_LINES]
        self.line_size = max(block.size / len(block.lines), max(map(len, few)) if len(few) < FEW_LINES else 0)
        return block
