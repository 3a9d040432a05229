"""A rejected-records file in an object store, which cannot append: it is written whole each time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.contents import RejectedFileInUseError, check_contents
from airflow_provider_cdf_records.rejected.lines import Owner
from airflow_provider_cdf_records.rejected.writable import check_writable, make_folder_of
from airflow_provider_cdf_records.sources.storage import (
    FileState,
    StoragePath,
    is_folder,
    is_on_the_web,
    look_at,
    state_in,
)
from airflow_provider_cdf_records.sources.storage_errors import storage_errors


class StoredObject:
    """The object at a path; the lines of a load are collected on this machine.

    A store has no locks. Another load that writes the object at the same time is noticed the next time that
    this one is about to.

    :param owner: the task whose rejected records the object may hold.
    :raises InvalidArgumentError: when there is something else at the path.
    :raises StorageError: when the object cannot be read or written; also by all methods.
    """

    def __init__(self, path: StoragePath, owner: Owner | None) -> None:
        self._path = path
        self._named = f"rejected_path {str(path)!r}"
        self._owner = owner
        self._written: FileState | None = None
        self._saved = 0  # bytes of the lines
        if is_on_the_web(path):
            msg = f"rejected_path {str(path)!r} is on a web server, which files are only read from."
            raise InvalidArgumentError(msg)
        with self.found():
            pass
        with self._errors():
            check_writable(path)

    @contextmanager
    def found(self) -> Iterator[IO[bytes] | None]:
        """Open the object that is there, checked to be one of the same task; ``None`` where there is none."""
        with self._errors("read"):
            there = look_at(self._path, again=True)
            if there is not None and is_folder(self._path):
                msg = f"{self._named} is a folder; name a file in it."
                raise InvalidArgumentError(msg)
        if there is None:
            yield None
            return
        with self._errors("read"):
            with self._path.open("rb") as file:
                check_contents(file, self._path, self._owner)
            with self._path.open("rb") as file:
                yield file

    def start(self, kept_lines: Callable[[IO[bytes]], Iterable[bytes]] | None) -> IO[bytes]:
        """Return a file to be appended to, for :meth:`save`.

        :param kept_lines: returns the lines of the object that it begins with.
        """
        lines = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        if kept_lines is not None:
            try:
                self._copy(kept_lines, lines)
            except BaseException:
                lines.close()
                raise
        return lines

    def rewrite(self, lines: IO[bytes], others: Iterable[bytes]) -> IO[bytes]:
        """Return other lines to be saved in the place of those that ``start`` returned."""
        new = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        try:
            new.writelines(others)
        except BaseException:
            new.close()
            raise
        lines.close()
        self._saved = -1
        return new

    def save(self, lines: IO[bytes]) -> None:
        """Write the lines to the object, if there are new ones."""
        size = lines.seek(0, 2)
        if size == self._saved and self._written is not None:
            return
        if self._written is None:
            with self.found():
                pass
        elif self._state() != self._written:
            raise self._changed()
        lines.seek(0)
        with self._errors():
            make_folder_of(self._path)
            with self._path.open("wb") as file:
                shutil.copyfileobj(lines, file)
        self._saved, self._written = size, self._state()

    def remove(self) -> None:
        """Remove the object of an earlier load of the same task."""
        with self.found() as file:
            is_there = file is not None
        if is_there:
            with self._errors("removed"):
                self._path.unlink()

    def close(self, lines: IO[bytes]) -> None:
        """Close the lines that ``start`` returned."""
        lines.close()

    def _copy(self, kept_lines: Callable[[IO[bytes]], Iterable[bytes]], lines: IO[bytes]) -> None:
        with self.found() as file:
            if file is None:
                raise self._changed()
            lines.writelines(kept_lines(file))

    def _state(self) -> FileState | None:
        with self._errors("read"):
            if look_at(self._path, again=True) is None:
                return None
            return state_in(self._path.stat())

    def _errors(self, doing: str = "written") -> AbstractContextManager[None]:
        return storage_errors(self._named, doing)

    def _changed(self) -> RejectedFileInUseError:
        msg = (
            f"{self._named} was written or removed by another program while this load "
            "wrote it. Give loads that run at the same time paths of their own, such as by {{ run_id }}."
        )
        return RejectedFileInUseError(msg)
