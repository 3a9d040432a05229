"""JSON: an array of rows, read an item at a time, so that a file of any size is read in small memory.

Python's own decoder does the work; only the way from one item to the next is written here. ijson (3.6, its C
backend), which does the same, does not fit: an integer of 4,301 digits ends the process with a segmentation
fault, a lone surrogate such as ``"\\ud800"`` silently becomes ``"?"``, a byte order mark is an error, numbers
come either as ``Decimal`` or limited to 64 bits, and it takes about one and a half times as long.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, NoReturn

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources.formats.base import Format, Options
from airflow_provider_cdf_records.sources.iterables import next_rows, text_size
from airflow_provider_cdf_records.sources.source import FormatError

CHUNK = 1 << 18  # characters read at a time
LONGEST_ITEM = 1 << 26  # characters; far above what CDF takes in a request
CUT_SHORT = 16  # characters: an error this close to the end of what was read may be only that end
WHITE_SPACE = " \t\r\n"


def read_json(file: io.BufferedReader, *_: object) -> Iterator[Chunk]:
    """Yield the items, numbered from 0."""
    items, position = json_items(file), 0
    failures: list[Exception] = []
    while not failures and (rows := next_rows(items, failures, text_size)):
        end = position + len(rows)
        yield Chunk(range(position, end), rows, Mark(end - 1))
        position = end
    if failures:
        raise failures[0]


def json_items(file: IO[bytes]) -> Iterator[Any]:
    """Yield the items of an array, or of the array ``items`` of an object.

    :raises FormatError: saying at which item the document is wrong.
    """
    document = _Document(io.TextIOWrapper(file, encoding="utf-8-sig"))
    try:
        yield from document.items()
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 near item {document.item}: {error.reason}"
        raise FormatError(msg) from None
    finally:
        document.detach()


def _refuse_constant(name: str) -> NoReturn:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


class _Document:
    """A JSON document, of which a moving window is held; ``item`` counts the items passed."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._window = ""
        self._at = 0
        self._decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self.item = 0

    def detach(self) -> None:
        """Detach the file without closing it."""
        with suppress(ValueError):  # it may be closed already, when the items are not read to the end
            self._text.detach()

    def items(self) -> Iterator[Any]:
        start = self._next_character()
        if start == "[":
            yield from self._array()
        elif start == "{":
            yield from self._items_of_object()
        else:
            msg = "neither a JSON array nor an object with 'items'"
            raise FormatError(msg)
        if self._next_character():
            msg = (
                "there is more after the end of the JSON document; "
                "if it holds one record a line, load it with file_format='ndjson'"
            )
            raise FormatError(msg)

    def _array(self) -> Iterator[Any]:
        self._expect("[")
        if self._next_character() == "]":
            self._expect("]")
            return
        while True:
            yield self._value()
            self.item += 1
            if self._next_character() == "]":
                self._expect("]")
                return
            self._expect(",")

    def _items_of_object(self) -> Iterator[Any]:
        found = False
        self._expect("{")
        is_empty = self._next_character() == "}"
        while not is_empty:
            key = self._key()
            self._expect(":")
            if key == "items" and self._next_character() == "[":
                found = True
                yield from self._array()
            else:
                self._value()
            if self._next_character() == "}":
                break
            self._expect(",")
        self._expect("}")
        if not found:
            msg = (
                "an object without an array 'items'; "
                "if the file holds one record a line, load it with file_format='ndjson'"
            )
            raise FormatError(msg)

    def _key(self) -> str:
        if self._next_character() != '"':
            self._expect('"')
        return str(self._value())

    def _next_character(self) -> str:
        """Return the next character that is not white space, without passing it; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in WHITE_SPACE:
                    return self._window[self._at]
                self._at += 1
            if not self._read_more():
                return ""

    def _expect(self, expected: str) -> None:
        """Pass the next character that is not white space.

        :raises FormatError: when it is another one.
        """
        found = self._next_character()
        if found != expected:
            what = repr(found) if found else "the end of the file"
            msg = f"not JSON after item {self.item}: expected {expected!r}, found {what}"
            raise FormatError(msg)
        self._at += 1

    def _value(self) -> Any:
        self._next_character()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except json.JSONDecodeError as error:
                cut_short = "Unterminated" in error.msg or error.pos >= len(self._window) - CUT_SHORT
                if not cut_short or not self._read_more():
                    msg = f"item {self.item} is not JSON: {error.msg}"
                    raise FormatError(msg) from None
            except ValueError as error:  # NaN, or a number of too many digits
                msg = f"item {self.item} is not JSON: {error}"
                raise FormatError(msg) from None
            except RecursionError:
                msg = f"item {self.item} is nested too deeply"
                raise FormatError(msg) from None
            else:
                if end < len(self._window) or not self._read_more():  # else a number may go on
                    self._at = end
                    return value

    def _read_more(self) -> bool:
        """Drop what is passed and add at least as much as is left, so that a long item costs linear time."""
        left = self._window[self._at :]
        if len(left) > LONGEST_ITEM:
            msg = f"item {self.item} is longer than {LONGEST_ITEM:,} characters"
            raise FormatError(msg)
        more = self._text.read(max(CHUNK, len(left)))
        self._window, self._at = left + more, 0
        return bool(more)


JSON = Format(
    name="json",
    suffixes=(".json",),
    position_name="item",
    reader=read_json,
    options=Options,
)
