"""Finds the format of a file and its options from its first bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.commands.dialects import dialect_of
from airflow_provider_cdf_records.commands.encodings import BYTE_ORDER_MARKS, UTF8, encoding_of
from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.sources.archives import is_named_zip, members_of
from airflow_provider_cdf_records.sources.compression import without_compression
from airflow_provider_cdf_records.sources.formats import describe_content, format_of, json_format_of
from airflow_provider_cdf_records.sources.open_file import open_file
from airflow_provider_cdf_records.sources.storage import StoragePath

HEAD = 1 << 20  # bytes
JSON = "json"
DELIMITED = {"csv": ",", "tsv": "\t"}  # the formats, and their delimiters


@dataclass
class FileKind:
    """How a file is to be read.

    :param file_format: only where the suffix does not say it.
    :param is_text: whether all its values are texts.
    """

    file_format: str | None
    file_options: dict[str, Any]
    is_text: bool
    notes: list[str] = field(default_factory=list)


def sniff(file: StoragePath, file_format: str | None, given: Mapping[str, Any]) -> FileKind:
    """Return how a file is to be read.

    :param file_format: as the user gave it.
    :param given: options that the user gave, which are kept.
    :raises UsageError: when the file is neither of a known format nor text.
    """
    if is_named_zip(file):
        file = members_of(file)[0]
    by_suffix = format_of(without_compression(file.name))
    name = file_format or (by_suffix.name if by_suffix else None)
    if name is not None and name not in (*DELIMITED, JSON):
        return FileKind(file_format, dict(given), is_text=False)
    with open_file(file) as opened:
        start = opened.file.read(HEAD)
        is_all = not opened.file.read(1)
    if name is None and (found := json_format_of(start.decode(errors="replace").removeprefix("\ufeff"))):
        options = _json_options(start, is_all=is_all) if found == JSON else {}
        notes = [f"no suffix that is known: read as {found}"]
        return FileKind(found, options | dict(given), is_text=False, notes=notes)
    if name == JSON:
        return FileKind(file_format, _json_options(start, is_all=is_all) | dict(given), is_text=False)
    encoding = given.get("encoding") or encoding_of(start, is_all=is_all)
    text = _decoded(start, encoding, file)
    if "\0" in text:
        hint = "If it is of another format than its suffix says, give --file-format."
        msg = f"{file} is no text. {describe_content(start) or hint}"
        raise UsageError(msg)
    dialect = dialect_of(text, is_all=is_all, default=DELIMITED.get(name or "csv", ","), given=dict(given))
    options = {} if encoding == UTF8 else {"encoding": encoding}
    notes = [] if encoding == UTF8 else [_note_on(encoding, start)]
    return FileKind(
        file_format or (None if name else "csv"),
        options | dialect.options | dict(given),
        is_text=True,
        notes=notes + dialect.notes,
    )


def _note_on(encoding: str, start: bytes) -> str:
    is_marked = any(start.startswith(mark) for mark, _ in BYTE_ORDER_MARKS)
    return f"encoding {encoding}" + (
        "" if is_marked else ", which is a guess: see whether all letters are right"
    )


def _json_options(start: bytes, *, is_all: bool) -> dict[str, Any]:
    """Return where the rows of a JSON document are, if it is not an array and short enough to look at."""
    if not is_all:
        return {}
    try:
        document = json.loads(start)
    except ValueError:
        return {}
    if not isinstance(document, dict) or isinstance(document.get("items"), list):
        return {}
    found = sorted(_arrays(document, ""), reverse=True)
    return {"items": found[0][1]} if found else {}


def _arrays(document: dict[str, Any], path: str) -> Iterator[tuple[int, str]]:
    """Yield the length and path of each array of objects."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _arrays(value, f"{path}{key}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield len(value), f"{path}{key}"


def _decoded(start: bytes, encoding: str, file: StoragePath) -> str:
    try:
        return start.decode(encoding, errors="replace").removeprefix("\ufeff")
    except (LookupError, ValueError) as error:
        msg = f"{file} cannot be read as {encoding}: {error}"
        raise UsageError(msg) from None
