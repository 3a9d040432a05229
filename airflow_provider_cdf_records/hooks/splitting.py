"""Shares paths, opened with the credentials of connections, among the instances of a mapped task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.hooks.failures import task_failures
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.records import argument_kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.contents import begins_with_rejected
from airflow_provider_cdf_records.sources import check_format, files_of
from airflow_provider_cdf_records.sources.slices import without_slice
from airflow_provider_cdf_records.sources.splitting import Member, split_files
from airflow_provider_cdf_records.sources.storage import is_folder, shown_url
from airflow_provider_cdf_records.sources.storage_errors import storage_errors
from airflow_provider_cdf_records.sources.storage_file import check_readable
from airflow_provider_cdf_records.sources.storage_use import using_storages


def split(
    path: Any, parts: int, by: str, file_format: str | None, file_options: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return the arguments of each part; see :func:`.split_source`."""
    with task_failures(), using_storages():
        return _split(path, parts, by, file_format, file_options)


def _split(
    path: Any, parts: int, by: str, file_format: str | None, file_options: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    parts = argument_kinds.whole_number(least=1, of="number of parts")("parts", parts)
    by = argument_kinds.one_of("identity", "position")("by", by)
    given = argument_kinds.paths("path", path)
    texts = list(map(_text_of, given if isinstance(given, list) else [given]))
    for text in texts:
        check_format(text, file_format, file_options)
    whole = texts if isinstance(given, list) else texts[0]
    members = [member for text in texts for member in _members_of(text)]
    if by == "identity":
        named = set(texts)
        for member in members:
            if member.text in named:  # a file that is named, which no one has looked at yet
                check_readable(member.path)
        return [{"path": whole, "partition": f"{number}/{parts}"} for number in range(1, parts + 1)]
    found = split_files(
        members,
        parts,
        file_format=file_format,
        file_options=file_options,
        holds_rejected=begins_with_rejected,
    )
    if len(found) == 1:
        return [{"path": whole}]
    is_one_file = [member.text for member in members] == [whole]
    # Files of a folder stay a list, also one of them: beside those of a list, no rejected_path is written.
    return [{"path": paths[0] if is_one_file else paths} for paths in found]


def _text_of(path: Any) -> str:
    """Return the text of a path, which goes to XCom, and by which an operator opens it again.

    :raises InvalidArgumentError: when it holds a secret, or is not all that is needed to open it.
    """
    text = str(path)
    if shown_url(text) != text:
        msg = (
            f"path {shown_url(text)!r} may hold a secret, and would be shown in XCom. Name an Airflow "
            "connection in it, or copy the file to storage that has one."
        )
        raise InvalidArgumentError(msg)
    if dict(getattr(path, "storage_options", None) or {}).keys() - {"conn_id"}:
        msg = (
            f"path {text!r} has storage options of its own, which do not go through XCom. Give its text, "
            "with an Airflow connection in it."
        )
        raise InvalidArgumentError(msg)
    if without_slice(text) != text:
        msg = f"path {text!r} is a slice; give the whole file, which is cut into slices here."
        raise InvalidArgumentError(msg)
    return text


def _members_of(text: str) -> Iterator[Member]:
    """Yield the files that a path stands for, with texts that begin as that of the path does."""
    opened: Any = storage_path(text, "path")
    files: list[Any] = files_of(opened)
    if files[0] is opened:
        yield Member(text, opened)
        return
    with storage_errors(opened):
        is_of_folder = is_folder(opened)
    for file in files:
        if is_of_folder:
            yield Member(f"{text.rstrip('/')}/{file.name}", file)
        else:
            yield Member(_below_pattern(text, str(opened), str(file)), file)


def _below_pattern(text: str, pattern: str, file: str) -> str:
    """Return the text of a file that matches a pattern, of which the text may begin in another way."""
    same = next(
        (number for number, pair in enumerate(zip(pattern, file, strict=False)) if pair[0] != pair[1]),
        min(len(pattern), len(file)),
    )
    kept = pattern[:same].rpartition("/")[0]  # the folders that both have
    size = len(text) - (len(pattern) - len(kept))
    return text[:size] + file[len(kept) :] if size >= 0 else file[len(kept) + 1 :]
