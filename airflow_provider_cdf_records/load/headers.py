"""Looks at the headers of all files before the first record is sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from airflow_provider_cdf_records.load.parallel import STOP_CHECK, call_unless_stopped, start_thread
from airflow_provider_cdf_records.records.chunk import Columns
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, LoadStoppedError
from airflow_provider_cdf_records.sources import FileSource, Source

MOST_FILES = 300
AT_A_TIME = 8  # remote storage takes long to answer
WITHIN = 10.0  # seconds; whatever is not seen until then is seen when it is its turn

CheckColumns = Callable[[Columns, str], None]


class Star(Protocol):
    """What takes every other column, and wants those that it took in the later files, too."""

    def star_takes(self, columns: Columns) -> set[str]:
        """Return the columns that it takes."""

    def check_star(self, took: set[str], columns: Columns, rows: str) -> None:
        """Check that a file has all columns that were taken of those before."""


def check_headers(
    source: Source,
    check: CheckColumns,
    begun_file: int | None,
    stop: threading.Event,
    *,
    star: Star | None = None,
) -> None:
    """Check the columns of the files that are cheap to look at; each file is checked again when it begins.

    A file without rows may have any columns.

    :param check: checks columns, and is told in words which rows have them.
    :param begun_file: the index of a file that an earlier load has begun; only those after it are checked.
    :param star: compares the files with each other.
    :raises InvalidArgumentError: what ``check`` or ``star`` raises for the first of the files.
    :raises LoadStoppedError: when ``stop`` is set.
    """
    if not isinstance(source, FileSource):
        return
    numbers = source.files_with_header(0 if begun_file is None else begun_file + 1)[:MOST_FILES]
    if numbers in ([], [0]):  # the first file is checked before anything is sent in any case
        return
    looking = _Looking(source, check, numbers)
    problems = looking.problems(stop)
    if problems:
        raise problems[min(problems)]
    if star is not None:
        call_unless_stopped(stop, _check_star, source, looking.columns, star)


def _check_star(source: FileSource, found: dict[int, Columns], star: Star) -> None:
    took: set[str] = set()
    for number, columns in sorted(found.items()):
        try:
            star.check_star(took, columns, f"the rows of {source.path_of(number)}")
        except InvalidArgumentError:
            if source.has_rows(number, or_header=False):
                raise
        takes = star.star_takes(columns)
        if not takes <= took and source.has_rows(number, or_header=False):
            took |= takes


class _Looking:
    """Threads that look at headers; they are left alone where storage does not answer.

    :ivar columns: those that were seen, by the numbers of the files.
    """

    def __init__(self, source: FileSource, check: CheckColumns, numbers: list[int]) -> None:
        self._source = source
        self._check = check
        self._left: SimpleQueue[int] = SimpleQueue()
        for number in numbers:
            self._left.put(number)
        self._seen: SimpleQueue[tuple[int, InvalidArgumentError | None]] = SimpleQueue()
        self._count = len(numbers)
        self.columns: dict[int, Columns] = {}
        self._is_over = False

    def problems(self, stop: threading.Event) -> dict[int, InvalidArgumentError]:
        """Return what is wrong with the files, by their numbers, as far as it shows in time."""
        for _ in range(min(AT_A_TIME, self._count)):
            start_thread(self._look, name="cdf-headers")
        deadline = time.monotonic() + WITHIN
        found = {}
        while self._count and time.monotonic() < deadline and not stop.is_set():
            with suppress(Empty):
                number, problem = self._seen.get(timeout=STOP_CHECK)
                self._count -= 1
                if problem is not None:
                    found[number] = problem
        self._is_over = True
        self.columns = dict(self.columns)  # a thread may still add to the other one
        if stop.is_set():
            raise LoadStoppedError
        return found

    def _look(self) -> None:
        with suppress(Empty):
            while not self._is_over:
                number = self._left.get_nowait()
                self._seen.put((number, self._problem_with(number)))

    def _problem_with(self, number: int) -> InvalidArgumentError | None:
        columns = self._source.columns_of(number)
        if columns is None:
            return None
        self.columns[number] = columns
        try:
            self._check(columns, f"the rows of {self._source.path_of(number)}")
        except InvalidArgumentError as error:
            return error if self._source.has_rows(number) else None
        return None
