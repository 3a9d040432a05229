"""JSON: an array of rows, read an item at a time, so that a file of any size is read in small memory.

A row is the text of an item as it stands in the file, with all digits of its numbers. Python's own decoder
finds where an item ends. ijson (3.6, its C backend) does not fit: an integer of 4,301 digits ends the process
with a segmentation fault, a lone surrogate such as ``"\\ud800"`` silently becomes ``"?"``, a byte order mark
is an error, numbers come either as ``Decimal`` or limited to 64 bits, and it takes longer.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Refusal
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.problems import MAX_LISTED, listed
from airflow_provider_cdf_records.sources.formats import json_text
from airflow_provider_cdf_records.sources.formats.base import Format
from airflow_provider_cdf_records.sources.formats.json_encoding import encoding_of, refuse_marked, text_of
from airflow_provider_cdf_records.sources.formats.json_text import JsonText, TooLong
from airflow_provider_cdf_records.sources.formats.text_options import TextOptions
from airflow_provider_cdf_records.sources.iterables import next_rows
from airflow_provider_cdf_records.sources.source import FormatError

ITEM = "items[{}]"  # as Python and jq count, from 0
ITEMS = "items"  # where an object has its rows, if no option says so
RECORD_KEYS = {"space", "externalId", "sources"}
TWO_FORMATS = "if it holds one row a line, load it with file_format='ndjson'"

Item = str | TooLong


@dataclass(frozen=True)
class JsonOptions(TextOptions):
    """How a JSON file is written.

    :param items: the path of the array of rows, such as ``data.records``; by default, the document is the
        array, or it is in ``items``.
    """

    items: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> JsonOptions:
        """Return options from a mapping, in which ``None`` stands for the default.

        :raises InvalidArgumentError: naming the option that makes no sense.
        """
        options = super().of(given)
        if options.items is not None and (not isinstance(options.items, str) or not options.items):
            msg = (
                "file_options: items must be the path of the array of rows, such as 'data.records', "
                f"got {options.items!r}."
            )
            raise InvalidArgumentError(msg)
        return options


def read_json(file: io.BufferedReader, options: JsonOptions, *_: object) -> Iterator[Chunk]:
    """Yield the items, numbered from 0."""
    encoding = encoding_of(file, options)
    text = JsonText(text_of(file, encoding, options))
    items, position = _Items(text, options.items).find(), 0
    nulls = frozenset(options.null_values)
    failures: list[Exception] = []
    try:
        while not failures and (values := next_rows(items, failures, len)):
            yield _chunk(position, values, encoding, nulls)
            position += len(values)
    finally:
        text.detach()
    if failures:
        raise failures[0]


def _chunk(start: int, items: list[Item], encoding: str, nulls: frozenset[str]) -> Chunk:
    end = Mark(start + len(items) - 1)
    try:
        rows = list(map(str.encode, items))  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return _chunk_with_refusals(start, items, encoding, end)._replace(nulls=nulls)
    rows = [_on_one_line(row) if b"\n" in row else row for row in rows]
    return Chunk(range(start, start + len(items)), rows, end, nulls=nulls)


def _chunk_with_refusals(start: int, items: list[Item], encoding: str, end: Mark) -> Chunk:
    positions: list[int] = []
    rows: list[bytes] = []
    refusals: list[Refusal] = []
    for position, item in enumerate(items, start):
        if isinstance(item, TooLong):
            message = f"is longer than {json_text.LONGEST_VALUE:,} characters: it has {item.size:,}"
            refusals.append(Refusal(position, f"{item.beginning}...", message))
            continue
        try:
            row = item.encode()
        except UnicodeEncodeError:
            refusals.append(refuse_marked(position, item, encoding))
            continue
        positions.append(position)
        rows.append(_on_one_line(row) if b"\n" in row else row)
    return Chunk(positions, rows, end, refusals=refusals)


def _on_one_line(row: bytes) -> bytes:
    """Return an item without its indentation, which would be sent."""
    try:
        return bytes(msgspec.json.format(row, indent=-1))
    except NOT_JSON:  # the conversion refuses it
        return row


class _Items:
    """Finds the array of rows in a document.

    :param path: where it is; ``None``: the document is the array, or it is in ``items``.
    """

    def __init__(self, text: JsonText, path: str | None) -> None:
        self._text = text
        self._path = path
        self._count = 0
        self._is_found = False
        self._closest: tuple[str, str] | None = None  # a part of the path, and what is there instead

    def find(self) -> Iterator[Item]:
        """Yield the items of the array.

        :raises FormatError: saying where the document is wrong, or what there is instead.
        """
        text = self._text
        start = text.next_character()
        if start == "[" and self._path is not None:
            msg = f"is an array, and so has nothing at items={self._path!r}; leave that option out."
            raise FormatError(msg)
        if start == "[":
            self._is_found = True
            yield from self._array()
        elif start == "{":
            yield from self._object(self._path or ITEMS, "")
        else:
            msg = f"holds neither a JSON array nor an object with {self._path or ITEMS!r}."
            raise FormatError(msg)
        more = text.next_character()
        if not self._is_found:
            raise self._not_found(has_more=bool(more))
        if more:
            msg = (
                f"there is more after the end of the JSON document, at {text.place()}; {TWO_FORMATS}, or "
                "else make one array of its documents."
            )
            raise FormatError(msg)

    def _after(self) -> str:
        return f"after {ITEM.format(self._count - 1)}" if self._count else "before the first item"

    def _array(self) -> Iterator[Item]:
        text = self._text
        text.expect("[", self._after())
        if text.next_character() == "]":
            text.expect("]", self._after())
            return
        while True:
            values = text.values_in_window()
            yield from values
            self._count += len(values)
            yield text.value(ITEM.format(self._count))
            self._count += 1
            if text.next_character() == "]":
                text.expect("]", self._after())
                return
            text.expect(",", self._after())

    def _object(self, path: str, above: str) -> Iterator[Item]:
        """Yield the items of the array in an object.

        :param path: of the array, from here; a key may hold dots itself.
        :param above: the path of the object.
        """
        text = self._text
        text.expect("{", self._after())
        keys: list[str] = []
        arrays: list[str] = []
        is_empty = text.next_character() == "}"
        while not is_empty:
            key = text.key(self._after())
            start = text.next_character()
            here = f"{above}.{key}" if above else key
            if len(keys) <= MAX_LISTED:
                keys.append(shortened(key))
                arrays += [here] if start == "[" else []
            if key == path and start == "[":
                self._is_found = True
                yield from self._array()
            elif path.startswith(f"{key}.") and start == "{":
                yield from self._object(path[len(key) + 1 :], here)
            else:
                if key == path or path.startswith(f"{key}."):
                    self._closest = (here, _kind_of(start))
                text.pass_value(f"the value of {shortened(key)!r}")
            if text.next_character() == "}":
                break
            text.expect(",", self._after())
        text.expect("}", self._after())
        if not self._is_found and self._closest is None:
            found = "one record" if set(keys) >= RECORD_KEYS else f"an object with the keys {listed(keys)}"
            hint = f" (there is an array at {shortened(arrays[0])!r})" if len(arrays) == 1 else ""
            self._closest = (above, found + hint)

    def _not_found(self, *, has_more: bool) -> FormatError:
        where, found = self._closest or ("", "an object")
        path = self._path or ITEMS
        if has_more:
            msg = (
                f"holds several JSON documents, the second at {self._text.place()}, and no array {path!r}; "
                f"{TWO_FORMATS}, or else make one array of its documents."
            )
        else:
            place = f"at {shortened(where)!r}" if where else "it"
            msg = (
                f"has no array at {path!r}: {place} is {found}. Set where the rows are, such as by "
                "file_options={'items': 'data.records'}; an object that is a row itself needs brackets "
                f"round it: [...]; {TWO_FORMATS}."
            )
        return FormatError(msg)


def _kind_of(start: str) -> str:
    return {"{": "an object", "[": "an array", '"': "a text"}.get(start, "a number, true, false or null")


JSON = Format(
    name="json",
    suffixes=(".json",),
    position_in_words=ITEM,
    reader=read_json,
    options=JsonOptions,
)
