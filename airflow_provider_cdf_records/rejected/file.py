"""Writes the rejected-records file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import IO

from airflow_provider_cdf_records.rejected.contents import RejectedFileInUseError, lines_up_to
from airflow_provider_cdf_records.rejected.disk import DiskFile
from airflow_provider_cdf_records.rejected.lines import Owner, Rejection
from airflow_provider_cdf_records.rejected.objects import StoredObject
from airflow_provider_cdf_records.rejected.order import HOW_TO_SORT, in_order, position_of
from airflow_provider_cdf_records.sources.storage import StoragePath, is_local

log = logging.getLogger(__name__)


class RejectedFile:
    """NDJSON of rejected records, each of them once, however many tries it takes.

    On a local disk each line is written as it comes. An object store cannot append: there the lines are
    collected, and the whole file is written whenever :meth:`persist` is called.

    Lines are written as rows are found to be bad, and put in the order of the source at the end: when they
    are loaded again, the last row of an identity counts. A killed process leaves them as they were written.

    A file that is there already is left as it is until this load has something to put there, or has ended
    well. It is replaced only if it holds rejected records of the same task, or nothing.

    :param owner: the task, which every line then names; ``None``: a load outside of a task.
    :raises InvalidArgumentError: when there is anything else at the path, or when it cannot be written.
    :raises RejectedFileInUseError: when another load is writing the file.
    """

    def __init__(self, path: StoragePath, owner: Owner | None = None) -> None:
        self.path = path
        self._owner = owner
        self._place = DiskFile(path, owner) if is_local(path) else StoredObject(path, owner)
        self._kept: tuple[int, int] | None = None  # the position up to which lines are kept, and how many
        self._lines: IO[bytes] | None = None
        self._last_position = -1
        self._is_in_order = True
        self._is_closed = False

    def keep(self, position: int, count: int) -> bool:
        """Keep the lines of an earlier try of the same run, about rows up to a position.

        Later lines are dropped, as their rows come again.

        :param count: how many lines that try has written.
        :return: whether they are there; if not, none is kept.
        """
        if not count:
            return True
        with self._place.found() as file:
            found = 0 if file is None else sum(1 for _ in lines_up_to(file, position, self._owner))
        if found == count:
            self._kept = position, count
        return found == count

    def write(self, rejection: Rejection) -> None:
        """Add one rejection; after :meth:`close`, when another try may be writing the file, do nothing."""
        if self._is_closed:
            return
        lines = self._started()
        lines.write(rejection.as_line(self._owner))
        lines.flush()
        self._note_order(rejection.position)

    def persist(self) -> None:
        """Write the collected lines to an object store; on a local disk they are written already.

        :raises RejectedFileInUseError: when something else has replaced or removed the file.
        """
        if self._lines is not None or self._kept is not None:
            self._place.save(self._started())

    def complete(self) -> None:
        """Write what is left of a load that ended well; if it rejected nothing, remove an older file."""
        self._put_in_order()
        self.persist()
        if self._lines is None:
            try:
                self._place.remove()
            except Exception as error:  # of the storage too: all rows are where they belong
                named = error if hasattr(error, "retryable") else repr(error)
                log.warning("Nothing was rejected, and nothing was removed: %s", named)

    def close(self) -> None:
        """Write what is left, and close the file."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._put_in_order()
            self.persist()
        finally:
            if self._lines is not None:
                self._place.close(self._lines)

    def _started(self) -> IO[bytes]:
        if self._lines is None:
            self._lines = self._place.start(None if self._kept is None else self._kept_lines)
        return self._lines

    def _put_in_order(self) -> None:
        if self._lines is None or self._is_in_order:
            return
        try:
            self._lines = self._place.rewrite(self._lines, in_order(self._lines))
            self._is_in_order = True
        except OSError as error:  # a full disk; all rows are where they belong
            log.warning(
                "The lines of %s are not in the order of the source, since it cannot be written anew: %r. %s",
                self.path,
                error,
                HOW_TO_SORT,
            )

    def _note_order(self, position: int) -> None:
        self._is_in_order &= position >= self._last_position
        self._last_position = max(position, self._last_position)

    def _kept_lines(self, file: IO[bytes]) -> Iterator[bytes]:
        assert self._kept is not None  # noqa: S101 (for the type checker)
        position, count = self._kept
        found = 0
        for line in lines_up_to(file, position, self._owner):
            found += 1
            self._note_order(position_of(line))
            yield line
        if found != count:
            msg = f"{self.path} was written by another load meanwhile; the next try starts over."
            raise RejectedFileInUseError(msg)
