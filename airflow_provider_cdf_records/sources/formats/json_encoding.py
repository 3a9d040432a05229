"""Text of JSON in any encoding, in which bytes that are no text stay recognizable."""

from __future__ import annotations

import codecs
import io
import json
import re
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_cdf_records.records.chunk import Refusal, Row
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.sources.formats.text_options import TextOptions
from airflow_provider_cdf_records.sources.source import FormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ZEROS = {"utf-16-be": slice(0, 4, 2), "utf-16-le": slice(1, 4, 2)}  # the first two characters are ASCII
FIRST_BYTES = 4  # that tell the encoding
UTF8 = ("utf-8", "utf-8-sig")
FIRST_MARK = 0xDC00  # a byte that is no text is decoded as half a surrogate pair, which no text holds
MARKS = re.compile("[\udc00-\udcff]+")
MARK_BYTES = "cdf-records-mark"
DOUBLE_BACKSLASH = "cdf-records-double-backslash"  # in JSON, "\xe9" is no text, and "\\xe9" is \xe9
HANDLERS = {
    "reject": MARK_BYTES,
    "replace": "replace",
    "ignore": "ignore",
    "backslashreplace": DOUBLE_BACKSLASH,
}


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(FIRST_MARK + byte) for byte in error.object[error.start : error.end]), error.end


def _double_backslash(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"\\\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(MARK_BYTES, _mark_bytes)
codecs.register_error(DOUBLE_BACKSLASH, _double_backslash)


def encoding_of(file: io.BufferedReader, options: TextOptions) -> str:
    """Return the encoding of a file of JSON, which is at its start.

    A byte order mark comes before the option; UTF-16 and UTF-32 without one are known by their zeros.
    """
    start = file.peek(FIRST_BYTES)[:FIRST_BYTES]
    found = json.detect_encoding(start)
    if (zeros := ZEROS.get(found)) and any(start[zeros]):
        found = "utf-8"  # with a null character, which costs a row
    return codecs.lookup(options.encoding).name if found == "utf-8" else str(found)


def text_of(file: IO[bytes], encoding: str, options: TextOptions) -> io.TextIOWrapper:
    """Return the text of a file; reading it raises no ``UnicodeDecodeError``."""
    return io.TextIOWrapper(
        file,
        encoding="utf-8-sig" if encoding in UTF8 else encoding,
        errors=HANDLERS[options.encoding_errors],
        newline="",
    )


class Utf8Text(io.RawIOBase):
    """A file of any encoding as UTF-8; bytes that are no text come as marks, which are no UTF-8 either."""

    def __init__(self, file: IO[bytes], encoding: str, options: TextOptions) -> None:
        self._text = text_of(file, encoding, options)
        self._encoding = encoding
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        if not self._left:
            try:
                text = self._text.read(len(view))
            except UnicodeError as error:
                raise wrong_encoding(self._encoding, error) from None
            self._left = memoryview(text.encode("utf-8", "surrogatepass"))
        size = min(len(view), len(self._left))
        view[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def detach(self) -> None:
        """Detach the file without closing it."""
        with suppress(ValueError):  # it may be closed already, when the lines are not read to the end
            self._text.detach()


def wrong_encoding(encoding: str, error: Exception) -> FormatError:
    """Return the error for a file that cannot be in an encoding at all."""
    msg = f"is not {encoding.upper()} ({error}); set the right one in file_options={{'encoding': ...}}."
    return FormatError(msg)


def refuse_marked(position: int, text: str, encoding: str, row: Row | None = None) -> Refusal:
    """Return the refusal of a row that holds bytes that are no text.

    :param text: the row's, with marks.
    :param row: as the rejected-records file shall show it; by default the text, with its bytes written out.
    """
    found = MARKS.search(text)
    shown = shortened(_with_bytes(found[0])) if found else ""
    name = encoding.removesuffix("-sig").upper()
    message = (
        f"not {name}: {shown} {_place_of_mark(text)}; correct it, or set encoding or encoding_errors "
        "in file_options"
    )
    return Refusal(position, _with_bytes(text).strip() if row is None else row, message)


def _with_bytes(text: str) -> str:
    """Return a text with its marks as the bytes that they stand for, such as ``\\xe9``."""
    return MARKS.sub(lambda marks: "".join(f"\\x{ord(mark) - FIRST_MARK:02x}" for mark in marks[0]), text)


def _place_of_mark(text: str) -> str:
    with suppress(ValueError, RecursionError):
        if place := _marked_in(json.loads(text, strict=False), ""):
            return place
    found = MARKS.search(text)
    return f"at character {found.start() + 1:,}" if found else "somewhere"


def _marked_in(value: Any, path: str) -> str:
    """Return the first place of a mark inside a value in words; an empty text if there is none."""
    if isinstance(value, str):
        return f"in {path!r}" if path and MARKS.search(value) else ""
    children: list[tuple[str, Any]] = []
    if isinstance(value, list):
        children = [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    elif isinstance(value, dict):
        for key in value:
            if MARKS.search(key):
                return f"in the key '{shortened(_with_bytes(key))}'"
        children = [(f"{path}.{key}" if path else key, child) for key, child in value.items()]
    return next(filter(None, (_marked_in(child, place) for place, child in children)), "")
