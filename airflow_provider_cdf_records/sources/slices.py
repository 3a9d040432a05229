"""Slices: parts of files that tasks load by themselves, such as ``alarms.ndjson#bytes=0-67108863``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.storage import StoragePath

BYTES = "bytes"
ROW_GROUPS = "row_groups"  # of Parquet
FRAGMENT = re.compile(rf"#(?P<unit>{BYTES}|{ROW_GROUPS})=(?P<first>[0-9]{{1,18}})-(?P<last>[0-9]{{0,18}})\Z")


class Slice(NamedTuple):
    """A part of a file.

    :param unit: what the numbers count: ``BYTES`` or ``ROW_GROUPS``, from 0.
    :param last: is in it, as in the ranges of HTTP; ``None``: all that follows.
    """

    unit: str
    first: int
    last: int | None = None

    def __str__(self) -> str:
        return f"#{self.unit}={self.first}-{'' if self.last is None else self.last}"


@dataclass(frozen=True)
class SlicedFile:
    """A slice of the file at a path."""

    path: StoragePath
    slice: Slice

    def __str__(self) -> str:
        return f"{self.path}{self.slice}"


def split_text(text: str) -> tuple[str, Slice | None]:
    """Split the text of a path into that of the file and the slice; ``None`` where it has none.

    :raises InvalidArgumentError: for a slice that ends before it begins.
    """
    found = FRAGMENT.search(text)
    if found is None:
        return text, None
    part = Slice(found["unit"], int(found["first"]), int(found["last"]) if found["last"] else None)
    if part.last is not None and part.last < part.first:
        msg = f"path must not end with a slice that ends before it begins, got {found[0]!r}."
        raise InvalidArgumentError(msg)
    return text[: found.start()], part


def without_slice(text: str) -> str:
    """Return the text of a path without a slice, if it has one."""
    return FRAGMENT.sub("", text)


def problem_of(part: Slice, size: int) -> str | None:
    """Return why a file does not have all bytes of a slice, as after it was cut short; else ``None``.

    A slice from the start may end beyond the file, as one by hand for a file that may be small does.

    :param size: of the file.
    """
    if part.unit != BYTES or (part.first <= size and (not part.first or (part.last or 0) < size)):
        return None
    again = "Has it been written again since it was cut?"
    hint = "" if part.last is None else f" If not, leave the end of its last slice open: #{BYTES}=first-."
    return f"has {size:,} bytes, and not all of the slice {part}. {again}{hint}"


def bytes_of(part: Slice | None, size: int) -> int:
    """Return how many bytes of a file are in a slice, as far as they are known before it is opened.

    :param size: of the file.
    """
    if part is None or part.unit != BYTES:
        return size
    end = size if part.last is None else min(size, part.last + 1)
    return max(0, end - part.first)
