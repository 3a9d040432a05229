"""The folders of the files that make a task, beside which a relative path may be."""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

NOT_OF_USERS = {"airflow", __name__.partition(".")[0]}

_folders: dict[tuple[str, str], list[str]] = {}  # by DAG and task, as this process has made them


def note_folders(dag: Any, task_id: str) -> None:
    """Note the folders of the files of users whose code is making a task of a DAG.

    Airflow knows one of them, that of the file that calls a DAG's function: in a test, the test's file.
    """
    if dag is not None:
        _folders[dag.dag_id, task_id] = _folders_of_callers(sys._getframe(), getattr(dag, "fileloc", None))


def noted_folders(dag_id: str, task_id: str) -> list[str]:
    """Return the folders that were noted for a task, the outermost caller's first."""
    return _folders.get((dag_id, task_id), [])


def _folders_of_callers(frame: FrameType | None, outermost: str | None) -> list[str]:
    """Return the folders of the files of users up to the outermost one; without it, of the innermost."""
    files: list[str] = []
    while frame is not None:
        file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in NOT_OF_USERS and not file.startswith("<"):
            files.append(file)
            if file == outermost:
                break
        frame = frame.f_back
    else:
        del files[1:]
    return list(dict.fromkeys(os.path.dirname(os.path.abspath(file)) for file in reversed(files)))
