"""A rejected-records file on a disk: each line is there as soon as it is written."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.contents import RejectedFileInUseError, check_contents
from airflow_provider_cdf_records.rejected.lines import Owner
from airflow_provider_cdf_records.sources.storage import StoragePath, local_name

KINDS = (
    (stat.S_ISDIR, "a folder; name a file in it"),
    (stat.S_ISLNK, "a link, which would be replaced; name the file itself"),
    (stat.S_ISREG, None),
)


class DiskFile:
    """The file at a path of this machine.

    A load locks the file that it writes, so that another one at the same time is refused. It is told by the
    system's lock, which ends with the process.

    :param owner: the task whose rejected records the file may hold.
    :raises InvalidArgumentError: when there is something else at the path, or when it cannot be written.
    :raises RejectedFileInUseError: when another load is writing it.
    """

    def __init__(self, path: StoragePath, owner: Owner | None) -> None:
        self._path = path
        self._name = local_name(path)
        self._folder = os.path.dirname(self._name) or "."
        self._owner = owner
        with self.found():
            pass
        self._check_folder()

    @contextmanager
    def found(self) -> Iterator[IO[bytes] | None]:
        """Open and lock the file that is there, checked to be one of the same task; ``None`` for no file."""
        file = self._open_and_lock()
        if file is None:
            yield None
            return
        with file:
            try:
                yield file
            finally:
                _unlock(file)

    def start(self, kept_lines: Callable[[IO[bytes]], Iterable[bytes]] | None) -> IO[bytes]:
        """Put a file of this load in the place of the one that is there, and return it to be appended to.

        :param kept_lines: returns the lines of the file that the new one begins with.
        """
        os.makedirs(self._folder, exist_ok=True)
        while True:
            with self.found() as file:
                if file is not None:
                    return self._replace(file, kept_lines(file) if kept_lines else ())
                if kept_lines is not None:
                    raise self._changed()
                with suppress(FileExistsError):  # written since: look again whose it is
                    return self._create(self._name)

    def rewrite(self, lines: IO[bytes], others: Iterable[bytes]) -> IO[bytes]:
        """Put other lines in the place of those that ``start`` returned, and return these."""
        new = self._replace(lines, others)
        self.close(lines)
        return new

    def save(self, lines: IO[bytes]) -> None:
        """Check that the lines, which are written already, can be found at the path."""
        if not _is_at(self._name, lines):
            raise self._changed()

    def remove(self) -> None:
        """Remove the file of an earlier load of the same task."""
        with self.found() as file:
            if file is not None:
                os.unlink(self._name)

    def close(self, lines: IO[bytes]) -> None:
        """Close the lines that ``start`` returned."""
        _unlock(lines)
        lines.close()

    def _check_folder(self) -> None:
        folder = os.path.abspath(self._folder)
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            raise self._refusal(f"cannot be written: {folder} is not a folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise self._refusal(f"cannot be written: folder {folder} is not writable")

    def _open_and_lock(self) -> IO[bytes] | None:
        while (file := self._open()) is not None:
            try:
                if self._lock_checked(file):
                    return file
            except BaseException:
                file.close()
                raise
            file.close()
        return None

    def _open(self) -> IO[bytes] | None:
        try:
            self._check_kind(os.lstat(self._name))  # opening a device may do something
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            return os.fdopen(os.open(self._name, flags), "r+b")
        except FileNotFoundError:
            return None
        except (PermissionError, NotADirectoryError) as error:
            raise self._refusal(f"cannot be written: {error.strerror}") from None

    def _lock_checked(self, file: IO[bytes]) -> bool:
        """Check and lock a file; return ``False`` if it has been replaced or removed meanwhile."""
        self._check_kind(os.fstat(file.fileno()))
        is_locked = _lock(file)
        check_contents(file, self._path, self._owner)  # first, as whose file it is says more
        if not is_locked:
            raise self._in_use()
        file.seek(0)
        return _is_at(self._name, file)

    def _check_kind(self, found: os.stat_result) -> None:
        what = next((what for is_kind, what in KINDS if is_kind(found.st_mode)), "a device or a pipe")
        if what is not None:
            raise self._refusal(f"is {what}")

    def _create(self, name: str) -> IO[bytes]:
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        file = os.fdopen(os.open(name, flags, 0o666), "a+b")  # less what the process's umask takes
        if not _lock(file):
            file.close()
            raise self._in_use()
        return file

    def _replace(self, old: IO[bytes], lines: Iterable[bytes]) -> IO[bytes]:
        """Write a new file and rename it, so that a crash on the way loses no line of the old one."""
        name = os.path.join(self._folder, f".cdf-rejected-{secrets.token_hex(8)}")
        new = self._create(name)
        try:
            os.fchmod(new.fileno(), stat.S_IMODE(os.fstat(old.fileno()).st_mode))
            new.writelines(lines)
            new.flush()
            self.save(old)
            os.rename(name, self._name)
        except BaseException:
            with suppress(OSError):  # of a full disk, again
                new.close()
            os.unlink(name)
            raise
        return new

    def _refusal(self, what: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"rejected_path {str(self._path)!r} {what}.")

    def _in_use(self) -> RejectedFileInUseError:
        msg = (
            f"rejected_path {str(self._path)!r} is being written by another load. Give loads that run at the "
            "same time paths of their own, such as by {{ run_id }}."
        )
        return RejectedFileInUseError(msg)

    def _changed(self) -> RejectedFileInUseError:
        msg = (
            f"rejected_path {str(self._path)!r} was removed or replaced while this load wrote it, and the "
            "rejected records with it; the next try writes them anew."
        )
        return RejectedFileInUseError(msg)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed, and return ``False`` if another load has done so."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have no locks
        pass
    return True


def _unlock(file: IO[bytes]) -> None:
    """Unlock a file before it is closed: a process that was forked may hold it open for longer."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_at(name: str, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(os.lstat(name), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
