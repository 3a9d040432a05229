"""What a path or a slice of it is read as: the files in it, and their rows."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.archives import is_named_zip, is_zip, members_of
from airflow_provider_cdf_records.sources.compression import compression_of
from airflow_provider_cdf_records.sources.file_format import FIRST_BYTES, FileFormat
from airflow_provider_cdf_records.sources.formats import CannotBeCutError, Slicing, format_of
from airflow_provider_cdf_records.sources.open_file import OpenFile
from airflow_provider_cdf_records.sources.slices import Slice
from airflow_provider_cdf_records.sources.source import START, FormatError
from airflow_provider_cdf_records.sources.storage import StoragePath
from airflow_provider_cdf_records.sources.storage_file import StorageFile, check_readable, open_for_reading

IS_ZIP = "is a zip archive"


def files_in(path: StoragePath, part: Slice | None, *, is_alone: bool) -> list[StoragePath]:
    """Return the files in a zip archive; the path itself if it is none.

    :param part: the slice that is read of it.
    :param is_alone: whether it is the only one: then its content tells where its name does not, such as that
        of a download. Of many files, each would have to be opened twice.
    """
    if not is_archive(path, is_alone=is_alone):
        return [path]
    if part is not None:
        msg = f"{path}: {CannotBeCutError(IS_ZIP)}"
        raise SourceError(msg)
    return [*members_of(path)]


def is_archive(path: StoragePath, *, is_alone: bool) -> bool:
    """Whether a path is a zip archive; its content tells only if it is the only path."""
    if is_named_zip(path):
        return True
    name = path.name
    if not is_alone or format_of(name) is not None or compression_of(name) is not None:
        return False
    check_readable(path)
    with open_for_reading(path, FIRST_BYTES) as opened:
        return is_zip(StorageFile(opened, path).read(4))


def slicing_of(opened: OpenFile, how: FileFormat, unit: str | None = None) -> Slicing:
    """Return how a file is cut into slices.

    :param unit: what the slices are counted in; by default what its format says.
    :raises FormatError: when it cannot be cut, or not by that unit.
    """
    name, slicing = how.format.name, how.format.slicing
    if slicing is None:
        why = f"is {name}"
        raise CannotBeCutError(why)
    if opened.is_compressed:
        why = "is compressed"
        raise CannotBeCutError(why)
    if unit not in (None, slicing.unit):
        msg = f"is {name}, whose slices are written as #{slicing.unit}=0-3, not as #{unit}=..."
        raise FormatError(msg)
    return slicing


def chunks_of(opened: OpenFile, how: FileFormat, after: Mark, part: Slice | None) -> Iterator[Chunk]:
    """Yield the rows of a file, from a mark on where the format can seek, else all of them.

    :param part: only those of a slice.
    """
    if how.format.is_compressed_inside:
        _check_stored_as_it_is(opened, how.format.name)
    elif not opened.file.peek(1):
        return
    if part is not None:
        yield from slicing_of(opened, how, part.unit).read(opened.file, how.options, part, after)
        return
    begin = START
    if after.offset and how.format.is_seekable and not opened.is_compressed:
        opened.file.seek(after.offset)
        begin = after
    yield from how.format.read(opened.file, how.options, begin)


def _check_stored_as_it_is(opened: OpenFile, format_name: str) -> None:
    """Refuse a file that is empty or compressed as a whole, for a format that is neither."""
    if opened.is_compressed:
        msg = f"is compressed as a whole, and {format_name} is compressed internally; decompress it."
        raise FormatError(msg)
    if not opened.file.peek(1):
        msg = f"is cut short: it has 0 bytes, which is no {format_name} file. Write it again."
        raise FormatError(msg)
