"""The folder that a demo writes to."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def emptied(folder: Path) -> Iterator[None]:
    """Make a folder anew, with those in it that a demo needs, and keep others out while this one runs."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"{folder} is in use: the same runs in another terminal. End it there first.")
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink()
        for name in ("files", "tmp"):
            (folder / name).mkdir(exist_ok=True)
        yield
    finally:
        os.close(opened)
