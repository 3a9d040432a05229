"""The interface of file formats."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from airflow_provider_cdf_records.records.argument_kinds import flag_of, number_of
from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.formats.slicing import Slicing
from airflow_provider_cdf_records.sources.source import START


@dataclass(frozen=True)
class Options:
    """The options of a format; this base class is for formats without options."""

    @classmethod
    def of(cls: type[AnyOptions], given: Mapping[str, Any]) -> AnyOptions:
        """Return options from a mapping whose keys are known options; ``None`` stands for the default.

        :raises InvalidArgumentError: naming the option that makes no sense.
        """
        return cls(**without_none(given))


AnyOptions = TypeVar("AnyOptions", bound=Options)


def without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have a value."""
    return {name: value for name, value in given.items() if value is not None}


def _from_text(name: str, value: object, options: type[Options]) -> object:
    """Return the number or flag that a text stands for, for an option that takes such and no text."""
    types = next(str(option.type) for option in fields(options) if option.name == name).split(" | ")
    if not isinstance(value, str) or "str" in types:
        return value
    return number_of(value) if "int" in types else flag_of(value) if "bool" in types else value


@dataclass(frozen=True)
class Format(Generic[AnyOptions]):
    """A file format.

    :param name: as ``file_format`` takes it.
    :param suffixes: of files in this format, the dot included, in lower case.
    :param position_in_words: what a position is called, with ``{}`` for its number: a line, an item, a row.
    :param reader: yields the rows of an open file, given its options and the two marks of :meth:`read`, which
        it may ignore unless the format is seekable.
    :param options: which ``file_options`` there are.
    :param read_columns: returns the column names of an open file without reading its rows, where that is
        cheap.
    :param is_seekable: whether an uncompressed file can be read from one mark's offset to another's.
    :param slicing: how files are cut into slices; ``None`` where they cannot be.
    :param is_compressed_inside: whether the format compresses its content, so that no file is compressed as a
        whole.
    """

    name: str
    suffixes: tuple[str, ...]
    position_in_words: str
    reader: Callable[[io.BufferedReader, AnyOptions, Mark, Mark | None], Iterator[Chunk]]
    options: type[AnyOptions]
    read_columns: Callable[[io.BufferedReader, AnyOptions], Columns] | None = None
    is_seekable: bool = False
    is_compressed_inside: bool = False
    slicing: Slicing | None = None

    @property
    def option_names(self) -> list[str]:
        """The names of the options that there are."""
        return [option.name for option in fields(self.options)]

    def options_of(self, given: Mapping[str, Any]) -> AnyOptions:
        """Check the options that a user gave, numbers and flags perhaps as texts, as templates give them.

        :raises InvalidArgumentError: for an option that this format does not have, or that makes no sense.
        """
        known = self.option_names
        if unknown := [name for name in given if name not in known]:
            has = f"it has {', '.join(known)}" if known else f"{self.name} has no options"
            msg = f"file_options: {unknown[0]!r} is not an option of {self.name}; {has}."
            raise InvalidArgumentError(msg)
        return self.options.of({name: _from_text(name, value, self.options) for name, value in given.items()})

    def read(
        self, file: io.BufferedReader, options: AnyOptions, after: Mark = START, until: Mark | None = None
    ) -> Iterator[Chunk]:
        """Yield the rows between two marks.

        :param after: where the file stands: its start, or the offset of a mark.
        :param until: the mark of the last row; by default the end of the file.
        :raises InvalidArgumentError: when the format can only be read as a whole.
        """
        if not self.is_seekable and (after != START or until is not None):
            msg = f"{self.name} can only be read from the start of a file to its end."
            raise InvalidArgumentError(msg)
        return self.reader(file, options, after, until)
