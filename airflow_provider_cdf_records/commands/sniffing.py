"""Finds the format of a file and its options from its first bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.commands.dialects import dialect_of
from airflow_provider_cdf_records.commands.encodings import UTF8, encoding_of
from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.sources.compression import compression_of
from airflow_provider_cdf_records.sources.formats import format_of
from airflow_provider_cdf_records.sources.open_file import open_file
from airflow_provider_cdf_records.sources.storage import StoragePath

HEAD = 1 << 20  # bytes
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
    compression = compression_of(file.name)
    by_suffix = format_of(file.name.removesuffix(compression.suffix) if compression else file.name)
    name = file_format or (by_suffix.name if by_suffix else None)
    if name is not None and name not in DELIMITED:
        return FileKind(file_format, dict(given), is_text=False)
    with open_file(file) as opened:
        start = opened.file.read(HEAD)
        is_all = not opened.file.read(1)
    if name is None and (found := _nested_format(start)):
        return FileKind(found, dict(given), is_text=False, notes=[f"no suffix that is known: {found}"])
    encoding = given.get("encoding") or encoding_of(start, is_all=is_all)
    text = _decoded(start, encoding, file)
    if name is None and "\0" in text:
        msg = f"{file} is neither text nor of a format that its suffix names; give --file-format."
        raise UsageError(msg)
    dialect = dialect_of(text, is_all=is_all, default=DELIMITED.get(name or "csv", ","), given=dict(given))
    options = {} if encoding == UTF8 else {"encoding": encoding}
    notes = [] if encoding == UTF8 else [f"encoding {encoding}"]
    return FileKind(
        file_format or (None if name else "csv"),
        options | dialect.options | dict(given),
        is_text=True,
        notes=notes + dialect.notes,
    )


def _nested_format(start: bytes) -> str | None:
    """Return the format of JSON, by its first characters."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return "json"
    if not text.startswith(b"{"):
        return None
    first = text.splitlines()[0].rstrip()
    return "ndjson" if first.endswith(b"}") else "json"


def _decoded(start: bytes, encoding: str, file: StoragePath) -> str:
    try:
        return start.decode(encoding, errors="replace").removeprefix("\ufeff")
    except (LookupError, ValueError) as error:
        msg = f"{file} cannot be read as {encoding}: {error}"
        raise UsageError(msg) from None
