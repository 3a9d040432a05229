"""Compressions of files. A file is decompressed piece by piece, however large its content."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_cdf_records.sources.source import FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER = 1 << 18  # bytes read at a time
UNICODE_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NO_CONTROL_CHARACTERS = bytes({*b"\t\n\f\r", *range(0x20, 0x7F), *range(0x80, 0x100)})
ZSTD_INPUT = 256  # bytes decompressed at a time; each four of them may become 128 KB


@dataclass(frozen=True)
class Compression:
    """A way to compress a whole file.

    :param magic: what every such file begins with.
    :param certain_magic: what only such a file begins with, as a pattern.
    :param decompress: makes a readable file of a compressed one, which raises ``EOFError`` where that is cut
        short.
    :param is_damage: whether an error that was raised while reading means that the data is damaged.
    """

    name: str
    suffix: str
    magic: bytes
    certain_magic: re.Pattern[bytes]
    decompress: Callable[[io.BufferedReader], io.BufferedReader]
    is_damage: Callable[[Exception], bool]


def compression_of(file_name: str) -> Compression | None:
    """Return the compression that a file name's suffix stands for; ``None`` if it stands for none."""
    name = file_name.lower()
    return next((known for known in COMPRESSIONS if name.endswith(known.suffix)), None)


def without_compression(file_name: str) -> str:
    """Return a file's name without the suffix of its compression, if it has one."""
    compression = compression_of(file_name)
    return file_name[: -len(compression.suffix)] if compression else file_name


def compression_in(start: bytes, named: Compression | None) -> Compression | None:
    """Return the compression that the first bytes of a file belong to; ``None`` if it is not compressed.

    :param named: what the file's name stands for.
    """
    if named is not None and start.startswith(named.magic):
        return named
    return next((known for known in COMPRESSIONS if known.certain_magic.match(start)), None)


def is_text(start: bytes) -> bool:
    """Whether the first bytes of a file are text: with no control characters, or with a mark of Unicode.

    Those that may be the beginning of compressed data are not.
    """
    if start.startswith(UNICODE_MARKS):
        return True
    return not start.translate(None, NO_CONTROL_CHARACTERS) and not start.startswith(MAGIC)


def _gunzip(file: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(gzip.GzipFile(fileobj=file), BUFFER)


def _bunzip2(file: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(bz2.BZ2File(file), BUFFER)


def _unzstd(file: io.BufferedReader) -> io.BufferedReader:
    try:
        import zstandard  # noqa: PLC0415 (an extra)
    except ImportError:
        msg = "needs zstandard: pip install 'airflow-provider-cdf-records[zstd]'."
        raise FormatError(msg) from None
    return io.BufferedReader(_ZstdFrames(file, zstandard.ZstdDecompressor().decompressobj), BUFFER)


class _ZstdFrames(io.RawIOBase):
    """Zstandard frames one after the other.

    The library's ``stream_reader(read_across_frames=True)`` returns no bytes at the end of a whole file, and
    the same where a frame is cut short. With it, half a file would be loaded as if it were whole. The
    library's ``decompressobj`` says where a frame ends, but does not bound what it returns, so it is given
    few bytes at a time.
    """

    def __init__(self, file: IO[bytes], new_frame: Callable[[], Any]) -> None:
        self._file = file
        self._new_frame = new_frame
        self._frame: Any = None
        self._data = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        while not self._data:
            compressed = self._file.read(ZSTD_INPUT)
            if not compressed:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._data = memoryview(self._decompress(compressed))
        size = min(len(view), len(self._data))
        view[:size] = self._data[:size]
        self._data = self._data[size:]
        return size

    def _decompress(self, compressed: bytes) -> bytes:
        data = b""
        while compressed:
            self._frame = self._frame or self._new_frame()
            data += self._frame.decompress(compressed)
            compressed = b""
            if self._frame.eof:
                compressed, self._frame = self._frame.unused_data, None
        return data


def _is_gzip_damage(error: Exception) -> bool:
    return isinstance(error, gzip.BadGzipFile | zlib.error)


def _is_bzip2_damage(error: Exception) -> bool:
    return type(error) is OSError and error.errno is None  # other errors are the storage's


def _is_zstd_damage(error: Exception) -> bool:
    import zstandard  # noqa: PLC0415 (an extra)

    return isinstance(error, zstandard.ZstdError)


def _pattern(magic: bytes) -> re.Pattern[bytes]:
    return re.compile(magic, re.DOTALL)


COMPRESSIONS = [
    Compression("gzip", ".gz", b"\x1f\x8b", _pattern(rb"\x1f\x8b\x08"), _gunzip, _is_gzip_damage),
    Compression(
        "bzip2", ".bz2", b"BZh", _pattern(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), _bunzip2, _is_bzip2_damage
    ),
    Compression(
        "Zstandard", ".zst", b"\x28\xb5\x2f\xfd", _pattern(rb"\x28\xb5\x2f\xfd"), _unzstd, _is_zstd_damage
    ),
]
MAGIC = tuple(known.magic for known in COMPRESSIONS)
