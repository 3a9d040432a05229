"""A file of changed records, written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

import msgspec

from airflow_provider_cdf_records.hooks.paths import Path, storage_path
from airflow_provider_cdf_records.records.encoding import encode
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected import Owner
from airflow_provider_cdf_records.rejected.writable import WITHOUT_FOLDERS, check_writable, make_folder_of
from airflow_provider_cdf_records.sources.compression import compression_of
from airflow_provider_cdf_records.sources.storage import (
    canonical_path,
    is_folder,
    is_local,
    is_on_the_web,
    local_name,
    look_at,
    protocol_of,
)
from airflow_provider_cdf_records.sources.storage_errors import storage_errors

LONGEST_LINE = 1 << 20  # bytes of the first line that are looked at
TEMPORARY = ".cdf-changed-{}"  # a name that loads of a folder leave out


class _Line(msgspec.Struct):
    task: str
    run: str


_decode = msgspec.json.Decoder(_Line).decode


class ChangedFile:
    """Lines of JSON that become a file at a path when all are there.

    What is there already is replaced only if the same run of the same task has written it, which each line
    says: another run's changes may not be loaded yet. Until :meth:`finish`, lines are in a file of this
    machine's temporary folder.

    :param path: any fsspec URL.
    :param argument: that holds the path, for messages.
    :param owner: the task; ``None``: outside of one, where nothing is replaced.
    :raises InvalidArgumentError: when there is something else at the path, or when it cannot be written.
    :raises StorageError: when its storage cannot be reached; also by :meth:`finish`.
    """

    def __init__(self, path: Path, argument: str, owner: Owner | None) -> None:
        self._path: Any = storage_path(path, argument)
        self._named = f"{argument} {str(self._path)!r}"
        self._owner = owner
        if is_on_the_web(self._path):
            msg = f"{self._named} is on a web server, which files are only read from."
            raise InvalidArgumentError(msg)
        if compression := compression_of(self._path.name):
            msg = f"{self._named} is not compressed; leave out {compression.suffix}."
            raise InvalidArgumentError(msg)
        self._check_what_is_there()
        if not is_local(self._path):
            with storage_errors(self._named, "written"):
                check_writable(self._path)
        self._lines: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)

    def is_at(self, other: ChangedFile) -> bool:
        """Whether another one has the same path."""
        return canonical_path(self._path) == canonical_path(other._path)

    def write(self, record: Mapping[str, Any]) -> None:
        """Add a line."""
        whose = self._owner._asdict() if self._owner else {}
        self._lines.write(encode({**whose, **record}) + b"\n")

    def finish(self) -> None:
        """Put the file at its path."""
        self._lines.seek(0)
        with storage_errors(self._named, "written"):
            if is_local(self._path):
                self._put_on_disk(local_name(self._path))
            else:
                self._put_on_storage()

    def close(self) -> None:
        """Forget the lines."""
        self._lines.close()

    def _put_on_disk(self, name: str) -> None:
        folder = os.path.dirname(name) or "."
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, TEMPORARY.format(secrets.token_hex(8)))
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
                shutil.copyfileobj(self._lines, file)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, name)  # which, unlike renaming, replaces nothing
            except OSError:  # there already, or a file system without links
                self._check_what_is_there()
                os.rename(temporary, name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)

    def _put_on_storage(self) -> None:
        self._check_what_is_there()
        make_folder_of(self._path)
        if protocol_of(self._path) in WITHOUT_FOLDERS:  # where an object is there once it is whole
            self._copy_to(self._path)
            return
        temporary = self._path.parent / TEMPORARY.format(secrets.token_hex(8))
        try:
            self._copy_to(temporary)
            if look_at(self._path, again=True) is not None:
                self._path.unlink()
            self._path.fs.mv(temporary.path, self._path.path)
        except BaseException:
            with suppress(Exception):
                temporary.unlink()
            raise

    def _copy_to(self, path: Any) -> None:
        with path.open("wb") as file:
            shutil.copyfileobj(self._lines, file)

    def _check_what_is_there(self) -> None:
        with storage_errors(self._named, "read"):
            if is_local(self._path) and os.path.islink(local_name(self._path)):
                msg = f"{self._named} is a link, which would be replaced; name the file itself."
                raise InvalidArgumentError(msg)
            if look_at(self._path, again=True) is None:
                return
            if is_folder(self._path):
                msg = f"{self._named} is a folder; name a file in it."
                raise InvalidArgumentError(msg)
            if is_local(self._path) and not os.path.isfile(local_name(self._path)):
                msg = f"{self._named} is a device or a pipe."
                raise InvalidArgumentError(msg)
            with self._path.open("rb") as file:
                line = file.readline(LONGEST_LINE)
        if line and not self._is_own(line):
            msg = (
                f"{self._named} exists already, and is not of this run: it may hold changes that are not "
                "loaded yet. Give each run a path of its own, such as by {{ run_id }}, or "
                "remove the file once it is loaded."
            )
            raise InvalidArgumentError(msg)

    def _is_own(self, line: bytes) -> bool:
        beginning, _, _ = line.partition(b',"space":')  # a line may be longer than what was read
        try:
            found = _decode(beginning + b"}" if beginning != line else line)
        except msgspec.MsgspecError:
            return False
        return self._owner is not None and (found.task, found.run) == self._owner
