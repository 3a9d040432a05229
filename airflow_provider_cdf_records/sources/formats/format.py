"""What a file format is to those who read files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.source import START


@dataclass(frozen=True)
class Options:
    """How a file is written, where a format leaves a choice; as it stands, for a format without options."""

    @classmethod
    def of(cls: type[AnyOptions], given: Mapping[str, Any]) -> AnyOptions:
        """Return the options of a plain mapping whose names are known.

        :raises InvalidArgumentError: naming the option that makes no sense.
        """
        return cls(**given)


AnyOptions = TypeVar("AnyOptions", bound=Options)


@dataclass(frozen=True)
class Format(Generic[AnyOptions]):
    """A file format.

    :param name: as ``file_format`` takes it.
    :param suffixes: of files in this format, the dot included, in lower case.
    :param position_name: what a position is called: a line, an item, a row.
    :param reader: yields the rows of an open file, given its options and the two marks of :meth:`read`, which
        it may ignore unless the format is seekable.
    :param options: which ``file_options`` there are.
    :param default_options: what differs from the defaults of ``options``.
    :param is_seekable: whether an uncompressed file can be entered at the offset of a mark, and left at one.
    :param is_compressed_inside: whether a file is never compressed as a whole.
    :param must_hold_rows: whether a file without any row is most likely not what was meant.
    """

    name: str
    suffixes: tuple[str, ...]
    position_name: str
    reader: Callable[[io.BufferedReader, AnyOptions, Mark, Mark | None], Iterator[Chunk]]
    options: type[AnyOptions]
    default_options: Mapping[str, Any] = field(default_factory=dict)
    is_seekable: bool = False
    is_compressed_inside: bool = False
    must_hold_rows: bool = False

    def options_of(self, given: Mapping[str, Any]) -> AnyOptions:
        """Check options that were given as a plain mapping.

        :raises InvalidArgumentError: for an option that this format does not have, or that makes no sense.
        """
        known = [option.name for option in fields(self.options)]
        if unknown := [name for name in given if name not in known]:
            has = f"it has {', '.join(known)}" if known else f"{self.name} has no options"
            msg = f"file_options: {unknown[0]!r} is not an option of {self.name}; {has}."
            raise InvalidArgumentError(msg)
        set_here = {
            name: value
            for name, value in given.items()
            if value is not None or name not in self.default_options
        }
        return self.options.of({**self.default_options, **set_here})

    def read(
        self, file: io.BufferedReader, options: AnyOptions, after: Mark = START, until: Mark | None = None
    ) -> Iterator[Chunk]:
        """Yield the rows between two marks.

        :param after: where the file stands: its start, or the offset of a mark.
        :param until: the mark of the last row; by default the end of the file.
        :raises InvalidArgumentError: when the format cannot be entered or left in the middle.
        """
        if not self.is_seekable and (after != START or until is not None):
            msg = f"{self.name} can only be read from the start of a file to its end."
            raise InvalidArgumentError(msg)
        return self.reader(file, options, after, until)
