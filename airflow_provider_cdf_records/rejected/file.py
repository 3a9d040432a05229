"""Writes the rejected-records file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.lines import Rejection, position_in
from airflow_provider_cdf_records.sources.storage import StoragePath, is_local, local_name


class RejectedFile:
    """NDJSON of rejected records, each of them once, however many tries it takes.

    On a local disk each line is written as it comes. An object store cannot append: there the lines are
    collected, and the whole file is written whenever :meth:`persist` is called.

    :param after: the position up to which an earlier try settled all rows. Its lines up to there are kept;
        later ones are dropped, as their rows come again. Without a position the file starts anew.
    """

    def __init__(self, path: StoragePath, after: int | None = None) -> None:
        self.path = path
        self._local = is_local(path)
        if path.is_dir():
            msg = f"rejected_path {str(path)!r} is a folder; name a file in it."
            raise InvalidArgumentError(msg)
        self._lines: IO[bytes] | None = None
        self._dirty = False
        self._is_closed = False
        kept = self._kept_lines(after) if after is not None and path.exists() else iter(())
        first = next(kept, None)
        if first is not None:
            self._start(chain([first], kept))
        elif path.exists():
            path.unlink()

    def write(self, rejection: Rejection) -> None:
        """Add one rejection; after :meth:`close`, when another try may be writing the file, do nothing."""
        if self._is_closed:
            return
        if self._lines is None:
            self._start(())
        assert self._lines is not None  # noqa: S101 (for the type checker)
        self._lines.write(rejection.as_line())
        self._lines.flush()
        self._dirty = True

    def persist(self) -> None:
        """Write the collected lines to an object store; on a local disk they are written already."""
        if self._lines is None or self._local or not self._dirty:
            return
        self._lines.seek(0)
        with self.path.open("wb") as file:
            shutil.copyfileobj(self._lines, file)
        self._dirty = False

    def close(self) -> None:
        """Write what is left, and close the file."""
        if not self._is_closed:
            self._is_closed = True
            self.persist()
        if self._lines is not None:
            self._lines.close()

    def _start(self, kept: Iterable[bytes]) -> None:
        if self._local:
            name = local_name(self.path)
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(f"{name}.new", "wb") as file:
                file.writelines(kept)
            os.replace(f"{name}.new", name)  # so that a crash here loses no line of an earlier try
            self._lines = open(name, "ab")  # noqa: SIM115 (closed in close)
        else:
            self._lines = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
            self._lines.writelines(kept)
            self._dirty = self._lines.tell() > 0

    def _kept_lines(self, after: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for line in iter(file.readline, b""):  # file objects of older Airflow versions cannot be iterated
                position = position_in(line)
                if position is not None and position <= after:  # None: a line cut short when a try was killed
                    yield line
