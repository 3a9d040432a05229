"""Finds the files that a path stands for: those of a folder, or those that match a pattern."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.storage import StoragePath

WILDCARDS = "*?["
HIDDEN = (".", "_")  # such as _SUCCESS, which other programs leave beside their files


def files_of(path: Any) -> list[StoragePath]:
    """Return the files that a path stands for, sorted by their paths; the path itself if it is one file.

    A folder stands for the files in it, not for those in its folders; what begins with a dot or an
    underscore is left out, also of what a pattern such as ``alarms/*/2026-*.csv`` matches.

    :raises SourceError: when there are none.
    """
    if path.is_dir():
        found = [file for file in path.iterdir() if not file.is_dir()]
        what = "folder"
    elif any(wildcard in str(path) for wildcard in WILDCARDS) and not path.exists():
        root, pattern = _split(path)
        found = [
            file
            for file in root.glob(pattern)
            if not file.is_dir() and not _is_in_hidden(file, root, pattern)
        ]
        what = "pattern"
    else:
        return [path]
    files = sorted((file for file in found if not _is_left_out(file)), key=str)
    if not files:
        msg = f"{path} is a {what} with no files. Is it written by an upstream task?"
        raise SourceError(msg)
    return files


def _is_in_hidden(file: Any, root: Any, pattern: str) -> bool:
    """Whether a folder below the root is hidden, such as ``_temporary``, and not asked for by the pattern."""
    folders = str(file.parent)[len(str(root)) :].strip("/").split("/")
    return any(
        folder.startswith(HIDDEN) and folder[0] not in {p[:1] for p in pattern.split("/")}
        for folder in folders
    )


def _is_left_out(file: Any) -> bool:
    if file.name.startswith(HIDDEN):
        return True
    # Object stores may hold an empty object "folder/", which lists as a file "folder/folder".
    return bool(file.name == file.parent.name and not file.exists())


def _split(path: Any) -> tuple[Any, str]:
    """Split a path before its first part with a wildcard."""
    root, parts = path, []
    while any(wildcard in str(root) for wildcard in WILDCARDS):
        parts.append(root.name)
        root = root.parent
    return root, "/".join(reversed(parts))
