"""Chooses the format and the options that each file is read with."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from airflow_provider_cdf_records.records.errors import (
    InvalidArgumentError,
    MissingSourceError,
    SourceError,
)
from airflow_provider_cdf_records.sources.archives import SUFFIX as ZIP_SUFFIX
from airflow_provider_cdf_records.sources.compression import (
    BUFFER,
    COMPRESSIONS,
    compression_of,
    without_compression,
)
from airflow_provider_cdf_records.sources.formats import (
    NDJSON,
    Format,
    Options,
    describe_content,
    describe_other,
    format_named,
    format_names,
    format_of,
    known_suffixes,
    names_of_all_options,
)
from airflow_provider_cdf_records.sources.open_file import open_file
from airflow_provider_cdf_records.sources.source import FormatError
from airflow_provider_cdf_records.sources.storage import StoragePath

log = logging.getLogger(__name__)

FIRST_BYTES = 1 << 16  # of a file, which tell what it holds
BLANK = b" \t\r\n\xef\xbb\xbf"  # with the byte order mark of UTF-8
BLANK_UTF16 = b" \t\r\n\x00\xff\xfe"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FileFormat(NamedTuple):
    """How a file is read."""

    format: Format[Any]
    options: Options


class FormatChoice:
    """Chooses how files are read: by ``file_format`` or their suffixes, and some by their content.

    :param file_format: the name of a format; by default what the suffix says.
    :param file_options: options of the format. To files of rejected records they do not apply: their lines
        say themselves how values are written.
    :param holds_rejected: tells by the first bytes of a file whether it holds rejected records, which are a
        JSON object a line, whatever the name of the file.
    :ivar rejected: how files of rejected records are read.
    """

    def __init__(
        self,
        file_format: str | None,
        file_options: Mapping[str, Any],
        holds_rejected: Callable[[bytes], bool],
    ) -> None:
        self._named = None if file_format is None else format_named(file_format)
        self._given_options = file_options
        self._options: dict[str, Options] = {}
        self._holds_rejected = holds_rejected
        self._has_said_what_is_left_out = False
        self.rejected = FileFormat(NDJSON, NDJSON.options_of({}))

    def by_name(self, path: StoragePath) -> FileFormat:
        """Return how a file is read, as far as its name tells.

        :raises SourceError: when its name tells nothing, and neither does ``file_format``.
        :raises InvalidArgumentError: for an option that the format does not have.
        """
        name = path.name
        found = self._named or format_of(without_compression(name))
        if found is None:
            return self._by_first_bytes(path)
        if found.is_compressed_inside and (outer := compression_of(name)):
            why = f"{found.name} is compressed internally; write it without {outer.suffix}"
            msg = f"{path} cannot be read: {why}."
            raise SourceError(msg)
        if found.name not in self._options:
            if self._named is None and not self._given_options.keys() <= set(found.option_names):
                return self._without_options(path, found)
            self._options[found.name] = found.options_of(self._given_options)
        return FileFormat(found, self._options[found.name])

    def by_content(self, by_name: FileFormat, file: io.BufferedReader, path: StoragePath) -> FileFormat:
        """Return how an open file is read, given how its name says.

        :param path: of the file, for the log.
        :raises FormatError: when it is clearly something else.
        """
        start = file.peek(BUFFER)
        if self._holds_rejected(start):
            self._say_what_is_left_out(path)
            return self.rejected
        known = by_name.format
        if found := describe_other(start, known.name, is_text=not known.is_compressed_inside):
            msg = f"is no {known.name} file. {found}"
            raise FormatError(msg)
        return by_name

    def _without_options(self, path: StoragePath, by_name: Format[Any]) -> FileFormat:
        """Return how a file is read whose format does not have all of the options: as rejected records.

        :raises InvalidArgumentError: when it holds anything else.
        """
        if self._given_options.keys() <= names_of_all_options():
            with suppress(MissingSourceError):
                start = _first_bytes(path)
                if self._holds_rejected(start) or not start.strip(BLANK):
                    return self.rejected
        try:
            return FileFormat(by_name, by_name.options_of(self._given_options))
        except InvalidArgumentError as error:
            given_for = f" It was given for {path}, which is {by_name.name} by its name."
            raise InvalidArgumentError(f"{error}{given_for}") from None

    def _say_what_is_left_out(self, path: StoragePath) -> None:
        if self._given_options and not self._has_said_what_is_left_out:
            self._has_said_what_is_left_out = True
            log.info(
                "%s holds rejected records, whose lines say how their values are written: "
                "file_options (%s) do not apply to such a file.",
                path,
                ", ".join(self._given_options),
            )

    def _by_first_bytes(self, path: StoragePath) -> FileFormat:
        start = _first_bytes(path)
        if self._holds_rejected(start):
            return self.rejected
        compressed = ", ".join([*(known.suffix for known in COMPRESSIONS), ZIP_SUFFIX])
        msg = (
            f"{path} has none of the suffixes {known_suffixes()} (with or without {compressed}); "
            f"set file_format to one of {format_names()}. {describe_content(start)}"
        )
        raise SourceError(msg.rstrip())


def _first_bytes(path: StoragePath) -> bytes:
    with open_file(path, block_size=FIRST_BYTES) as opened:
        return opened.file.read(FIRST_BYTES)


def is_blank(path: StoragePath) -> bool:
    """Whether there is nothing but white space in a file."""
    with open_file(path) as opened:
        content = opened.file.read(FIRST_BYTES + 1)
    blank = BLANK_UTF16 if content.startswith(UTF16_MARKS) else BLANK
    return len(content) <= FIRST_BYTES and not content.strip(blank)
