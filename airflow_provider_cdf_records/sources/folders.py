"""Finds the files that a path stands for: those of a folder, or those that match a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import escape
from typing import Any

from airflow_provider_cdf_records.records.errors import MissingSourceError
from airflow_provider_cdf_records.sources.storage import (
    StoragePath,
    canonical_path,
    is_folder,
    is_on_the_web,
    look_at,
)
from airflow_provider_cdf_records.sources.storage_errors import missing_folder, storage_errors
from airflow_provider_cdf_records.sources.web import on_the_web

WILDCARDS = "*?["
HIDDEN = (".", "_")  # such as _SUCCESS, which other programs leave beside their files


def files_of(path: Any) -> list[StoragePath]:
    """Return the files that a path stands for, sorted by their paths; the path itself if it is one file.

    A folder stands for the files in it, not for those in its folders; what begins with a dot or an
    underscore is left out, also of what a pattern such as ``alarms/*/2026-*.csv`` matches.

    :raises MissingSourceError: when there are none.
    :raises StorageError: when the storage does not tell.
    """
    path = on_the_web(path)
    with storage_errors(path):
        return _files_of(path)


def _files_of(path: Any) -> list[StoragePath]:
    if is_folder(path):
        found = [file for file in path.iterdir() if not is_folder(file)]
        what = "folder"
    elif _is_pattern(path):
        root, pattern = _split(path)
        found = [
            file
            for file in _glob(root, pattern)
            if not is_folder(file) and not _is_in_hidden(_parts(file.parent, root), pattern)
        ]
        what = "pattern"
    else:
        return [path]
    files = sorted((file for file in found if not _is_left_out(file)), key=str)
    if not files:
        hint = (
            missing_folder(root / "file") if what == "pattern" else None
        ) or "Is it written by an upstream task?"
        msg = f"{path} is a {what} with no files. {hint}"
        raise MissingSourceError(msg)
    return files


def kind_that_takes(path: Any, file: StoragePath) -> str | None:
    """Return ``"folder"`` or ``"pattern"``, which the path is and which takes in a file, there yet or not.

    :raises StorageError: when the storage does not tell.
    """
    storage, name = canonical_path(file)
    folder, _, last = name.rpartition("/")
    if last.startswith(HIDDEN):
        return None
    with storage_errors(path):
        is_one, is_pattern = is_folder(path), _is_pattern(path)
    if is_one:
        return "folder" if canonical_path(path) == (storage, folder or "/") else None
    if not is_pattern:
        return None
    root, pattern = _split(path)
    root_storage, root_name = canonical_path(root)
    if root_storage != storage or not name.startswith(f"{root_name.rstrip('/')}/"):
        return None
    *folders, _ = parts = name[len(root_name) :].strip("/").split("/")
    takes = _matches(parts, pattern.split("/")) and not _is_in_hidden(folders, pattern)
    return "pattern" if takes else None


def is_beside(path: StoragePath, file: StoragePath) -> bool:
    """Whether a file, there yet or not, is another one in the same folder, and would be loaded with it."""
    if is_on_the_web(path):
        return False
    (storage, name), (other_storage, other) = canonical_path(file), canonical_path(path)
    folder, _, last = name.rpartition("/")
    is_in_folder = storage == other_storage and folder == other.rpartition("/")[0]
    return is_in_folder and name != other and not last.startswith(HIDDEN)


def _is_pattern(path: Any) -> bool:
    if is_on_the_web(path):
        return False
    return _has_wildcard(path) and look_at(path) is None


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a pattern, in which ``**`` stands for any number of them."""
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_matches(parts[skipped:], patterns[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], patterns[0]) and _matches(parts[1:], patterns[1:])


def _parts(folder: Any, root: Any) -> list[str]:
    return str(folder)[len(str(root)) :].strip("/").split("/")


def _is_in_hidden(folders: Sequence[str], pattern: str) -> bool:
    """Whether a folder below the root is hidden, such as ``_temporary``, and not asked for by the pattern."""
    return any(
        folder.startswith(HIDDEN) and folder[0] not in {part[:1] for part in pattern.split("/")}
        for folder in folders
    )


def _is_left_out(file: Any) -> bool:
    if file.name.startswith(HIDDEN):
        return True
    # Object stores may hold an empty object "folder/", which lists as a file "folder/folder".
    return file.name == file.parent.name and look_at(file, again=True) is None


def _split(path: Any) -> tuple[Any, str]:
    """Split a path before its first part with a wildcard, but for folders whose own names have brackets."""
    root, parts = path, []
    while _has_wildcard(root):
        parts.append(root.name)
        root = root.parent
    while len(parts) > 1 and is_folder(root / parts[-1]):
        root = root / parts.pop()
    return root, "/".join(reversed(parts))


def _glob(root: Any, pattern: str) -> Iterator[Any]:
    """Yield what matches a pattern below a folder, of which fsspec takes brackets for wildcards as well."""
    if not _has_wildcard(root) or not hasattr(root, "fs"):
        yield from root.glob(pattern)
        return
    base = root.path.rstrip("/")
    for name in root.fs.glob(f"{escape(base)}/{pattern}"):
        yield root / name.removeprefix(base).lstrip("/")


def _has_wildcard(path: object) -> bool:
    return any(wildcard in str(path) for wildcard in WILDCARDS)
