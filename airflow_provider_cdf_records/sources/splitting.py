"""Cuts files by position into about equal parts, each a list of paths, some of them with a slice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from airflow_provider_cdf_records.records.problems import join_problems
from airflow_provider_cdf_records.sources.file_format import FormatChoice
from airflow_provider_cdf_records.sources.file_reading import IS_ZIP, is_archive, slicing_of
from airflow_provider_cdf_records.sources.formats import CannotBeCutError
from airflow_provider_cdf_records.sources.open_file import open_file
from airflow_provider_cdf_records.sources.slices import Slice
from airflow_provider_cdf_records.sources.source import FormatError
from airflow_provider_cdf_records.sources.storage import StoragePath
from airflow_provider_cdf_records.sources.storage_file import check_readable

log = logging.getLogger(__name__)


class Member(NamedTuple):
    """A file, and the text by which it is opened again."""

    text: str
    path: StoragePath


class _Cut(NamedTuple):
    """Before which row of which file a part begins.

    :param file: the number of the file.
    :param first: the first number of its slice there; ``0`` is the start of the file.
    """

    file: int
    first: int = 0


def split_files(
    files: Sequence[Member],
    parts: int,
    *,
    file_format: str | None = None,
    file_options: Mapping[str, Any] | None = None,
    holds_rejected: Callable[[bytes], bool] = lambda _: False,
) -> list[list[str]]:
    """Return the paths of each part, in order; fewer parts where there is not enough to cut.

    :raises SourceError: when a file cannot be opened, or is of no known format.
    :raises InvalidArgumentError: for an option that the format of a file does not have.
    """
    choice = FormatChoice(file_format, file_options or {}, holds_rejected)
    sizes = [int(check_readable(file.path).st_size or 0) for file in files]
    cuts = {_Cut(0)}
    units: dict[int, str] = {}
    whole: list[str] = []  # what is not cut, and why
    begin = 0
    for number, (file, size) in enumerate(zip(files, sizes, strict=True)):
        offsets = _offsets_in(begin, size, sum(sizes), parts)
        if offsets[:1] == [0]:
            cuts.add(_Cut(number))
            offsets = offsets[1:]
        if offsets:
            try:
                units[number], firsts = _firsts(file.path, choice, offsets, is_alone=len(files) == 1)
                cuts |= {_Cut(number + 1) if first is None else _Cut(number, first) for first in firsts}
            except FormatError as error:  # what is wrong is told when it is loaded
                whole.append(f"{file.text} {getattr(error, 'why', 'cannot be read as it should be')}")
        if not units.get(number):  # it is read as a whole, in the part that most of it belongs to
            cuts |= {_Cut(number + (2 * offset > size)) for offset in offsets}
        begin += size
    end = _Cut(len(files))
    begins = sorted(cut for cut in cuts if cut < end)
    pairs = zip(begins, [*begins[1:], end], strict=True)
    found = [list(_paths(files, units, *pair)) for pair in pairs]
    if whole:
        counted = f"{len(found):,} {'part' if len(found) == 1 else 'parts'}"
        what = f"{counted} instead of {parts:,}" if len(found) < parts else f"{counted}, of unequal sizes"
        log.info("%s, because files are not cut: %s.", what, join_problems(whole))
    return found


def _offsets_in(begin: int, size: int, total: int, parts: int) -> list[int]:
    """Return at which bytes of a file a part should begin.

    :param begin: how many bytes there are before the file.
    :param total: bytes of all files.
    """
    first = -(-begin * parts // total) if total else parts
    numbers = range(max(1, first), parts)
    offsets = (total * number // parts - begin for number in numbers)
    found: list[int] = []
    for offset in offsets:
        if offset >= size:
            break
        if offset >= 0 and offset not in found[-1:]:
            found.append(offset)
    return found


def _firsts(
    path: StoragePath, choice: FormatChoice, offsets: Sequence[int], *, is_alone: bool
) -> tuple[str, list[int | None]]:
    """Return in what a file is cut, and where nearest to some offsets.

    :raises FormatError: when it cannot be cut.
    """
    if is_archive(path, is_alone=is_alone):
        raise CannotBeCutError(IS_ZIP)
    how = choice.by_name(path)
    with open_file(path, in_any_order=how.format.is_compressed_inside) as opened:
        how = choice.by_content(how, opened.file, path)
        slicing = slicing_of(opened, how)
        return slicing.unit, slicing.cut(opened.file, how.options, offsets)


def _paths(files: Sequence[Member], units: Mapping[int, str], begin: _Cut, end: _Cut) -> Iterator[str]:
    """Yield the paths of the part between two cuts."""
    for number in range(begin.file, end.file + bool(end.first)):
        first = begin.first if number == begin.file else 0
        last = end.first - 1 if number == end.file else None
        is_whole = not first and last is None
        yield files[number].text + ("" if is_whole else str(Slice(units[number], first, last)))
