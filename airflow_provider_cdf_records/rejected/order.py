"""Puts lines of rejected records in the order of the source, in which a later row of an identity counts."""

from __future__ import annotations

import logging
import os
import re
from array import array
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import IO, Any

from airflow_provider_cdf_records.records.chunk import Row, row_and_context
from airflow_provider_cdf_records.rejected.lines import read_line

log = logging.getLogger(__name__)

POSITION = re.compile(rb'\{"position":(-?[0-9]+),')  # at the beginning of a line
HOW_TO_SORT = (
    "Of two rows of one identity, the one further down counts when the file is loaded again; sort it before "
    "with: sort -s -t: -k2,2n FILE"
)
LAST = (1 << 63) - 1  # a position after all others


def position_of(line: bytes) -> int:
    """Return the position in the source of the row that a line is about."""
    found = POSITION.match(line)
    return int(found[1]) if found else -1


def in_order(lines: IO[bytes]) -> Iterator[bytes]:
    """Yield lines by their positions.

    Held are one number a line, and where the lines are that come too early: rows are rejected nearly in their
    order, so that these are few.

    :param lines: a file of the system, whose lines end all.
    """
    least = _least_from_each(lines)
    early: list[tuple[int, int, int]] = []  # position, start and size, a heap
    start = 0
    lines.seek(0)
    for index, line in enumerate(lines, start=1):
        heappush(early, (position_of(line), start, len(line)))
        start += len(line)
        while early and early[0][0] <= least[index]:
            _, at, size = heappop(early)
            yield os.pread(lines.fileno(), size, at)


def _least_from_each(lines: IO[bytes]) -> array[int]:
    """Return for each line the least position that it or a line after it has, and at the end ``LAST``."""
    lines.seek(0)
    least = array("q", map(position_of, lines))
    least.append(LAST)
    for index in range(len(least) - 2, -1, -1):
        least[index] = min(least[index], least[index + 1])
    return least


class OrderWatch:
    """Warns once where lines that are loaded again are not in the order of their source."""

    def __init__(self) -> None:
        self._seen_at = -1
        self._last: tuple[int, Any, Any] | None = None
        self._has_warned = False

    def see(self, at: int, line: Row) -> None:
        """Look at the next line.

        :param at: where it stands; lines from there on may be seen again.
        """
        here = _position_and_owner(line)
        last = self._last if at > self._seen_at else None
        self._seen_at, self._last = at, here
        if here is None or last is None or here[1:] != last[1:] or here[0] >= last[0] or self._has_warned:
            return
        self._has_warned = True
        log.warning(
            "These rejected records are not in the order of the source that they come from (position %d is "
            "after %d), as a load leaves them that was killed. %s",
            here[0],
            last[0],
            HOW_TO_SORT,
        )


def _position_and_owner(line: Row) -> tuple[int, Any, Any] | None:
    row, _ = row_and_context(line)
    if isinstance(row, bytes):
        said = read_line(row)
        return None if said is None else (said.position, said.task, said.run)
    if not isinstance(row, Mapping) or not isinstance(row["position"], int):
        return None
    return row["position"], row.get("task"), row.get("run")
