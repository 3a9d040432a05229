"""Tells a file of rejected records from any other, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.lines import Owner, read_line
from airflow_provider_cdf_records.sources.storage import StoragePath

FIRST_BYTES = 1 << 16  # looked at before a line is read, which in another file may have no end
BEGINNING = b'{"position":'  # of a line, as far as it was written before a try was killed
FIRST_KEYS = re.compile(rb'\{"position":-?[0-9]+,"where":"')  # of a line that is too long to be read whole


class RejectedFileInUseError(Exception):
    """Another load, or another program, writes the file at the same time."""

    retryable = True


def check_contents(file: IO[bytes], path: StoragePath, owner: Owner | None) -> None:
    """Refuse a file with anything in it but rejected records of the same task.

    :param path: where the file is, for the error.
    :raises InvalidArgumentError: saying what it is instead.
    """
    task = owner.task if owner else None
    for number, content in enumerate(_lines(file), start=1):
        line = read_line(content)
        if line is None:
            if content.isspace() or _is_cut_short(content):
                continue
            msg = (
                f"rejected_path {str(path)!r} holds something else than rejected records (line {number}), "
                "which would be lost: choose another path, or move that file away."
            )
            raise InvalidArgumentError(msg)
        if line.task != task:
            whose = f"task {line.task}" if line.task else "a load outside of a task"
            msg = (
                f"rejected_path {str(path)!r} holds the rejected records of {whose}, which would be lost. "
                "Give each task a path of its own, and each instance of a mapped task, such as by "
                "{{ ti.map_index }}; if that file is no longer needed, remove it."
            )
            raise InvalidArgumentError(msg)


def begins_with_rejected(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a file of rejected records."""
    if not start.startswith(BEGINNING):
        return False
    line, end, _ = start.partition(b"\n")
    return read_line(line) is not None if end else FIRST_KEYS.match(start) is not None


def lines_up_to(file: IO[bytes], position: int, owner: Owner | None) -> Iterator[bytes]:
    """Yield the whole lines that the same run of a task has written about rows up to a position."""
    for content in _lines(file):
        line = read_line(content)
        if (
            line is not None
            and line.position <= position
            and (line.task, line.run) == (owner or (None, None))
        ):
            yield content if content.endswith(b"\n") else content + b"\n"


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    first = file.read(FIRST_BYTES)
    if b"\n" not in first and b'"position"' not in first:  # its line may have no end
        yield from [first] if first else []
        return
    file.seek(0)
    yield from iter(file.readline, b"")  # file objects of older Airflow versions cannot be iterated


def _is_cut_short(line: bytes) -> bool:
    """Whether this may be the last line of a try that was killed."""
    return not line.endswith(b"\n") and line.startswith(BEGINNING[: len(line)])
