"""The lines of a rejected-records file: a row that could not be stored, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from math import nan
from typing import Any, NamedTuple

import msgspec

from airflow_provider_cdf_records.records.chunk import LEFTOVER_KEYS, Identity, Row, row_and_context
from airflow_provider_cdf_records.records.decoding import NOT_JSON, decode_leniently, decode_object_exactly
from airflow_provider_cdf_records.records.encoding import display, encode, encode_exactly, encode_value
from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.records.number_style import NUMBER_STYLE_KEYS, NumberStyle
from airflow_provider_cdf_records.records.unreadable import Unreadable

API_RECORD_KEYS = {"space", "externalId", "sources"}
FIRST_BYTE = 0xDC00  # Python's "surrogateescape" makes U+DCFF of the byte FF, which is no text
BYTES = re.compile("[\udc80-\udcff]")
NOT_CORRECTED = "JSON has no such value; correct it in the rejected-records file"
MAX_QUOTE = 1000  # characters of a message that are quoted in an error


class Owner(NamedTuple):
    """Whose rejected records a file holds.

    :param task: the DAG and the task, with the index of a mapped one: ``plant/load[3]``.
    :param run: the run of the DAG.
    """

    task: str
    run: str


class RejectedLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the file; ``record`` is the rejected row, as JSON or (where it is not JSON) as text.

    ``decimal`` and ``thousands`` say how the numbers in its texts are written, where the file said so.
    ``unreadable`` has the paths of values in the record that JSON does not have, such as NaN, and the texts
    that stand for them there: until such a text is corrected, it is no value.
    """

    position: int
    where: str
    space: str | None
    externalId: str | None
    status: int | None
    message: str
    requestId: str | None
    time: str
    record: msgspec.Raw
    task: str | None = None
    run: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    unreadable: dict[str, str] | None = None


OPTIONAL_KEYS = frozenset((*Owner._fields, *NUMBER_STYLE_KEYS, "unreadable"))
NANS = frozenset({"nan", "NaN", "NaT", "<NA>"})  # the texts of what is not a number, of Python and pandas
NAMES_IN_LINES = frozenset(RejectedLine.__struct_fields__)
LINE_KEYS = NAMES_IN_LINES - OPTIONAL_KEYS
_encode = msgspec.json.Encoder().encode
_decode_line = msgspec.json.Decoder(RejectedLine).decode


@dataclass(frozen=True)
class Rejection:
    """A row that could not be stored, and why.

    :param where: position in words, such as ``line 17 of /data/alarms.ndjson``.
    :param record: the row as JSON, or as text where it is not JSON.
    :param number_style: how the numbers in its texts are written, where the file said so.
    :param unreadable: the texts in the record that stand for values that JSON does not have, by their paths.
    """

    position: int
    where: str
    record: bytes | str
    message: str
    space: str | None = None
    external_id: str | None = None
    status: int | None = None
    request_id: str | None = None
    number_style: NumberStyle | None = None
    unreadable: dict[str, str] | None = None

    def __str__(self) -> str:
        identity = f" ({self.space}/{self.external_id})" if self.external_id is not None else ""
        status = f"CDF answered {self.status}: " if self.status else ""
        message = self.message if len(self.message) <= MAX_QUOTE else f"{self.message[:MAX_QUOTE]}..."
        return f"{self.where}{identity}: {status}{message}"

    @property
    def _how_to_mend(self) -> str:
        """What to do with a row of a table that has too many or too few values."""
        for key in LEFTOVER_KEYS:
            is_there = isinstance(self.record, bytes) and f'"{key}":'.encode() in self.record
            if is_there and key not in self.message:
                return f"; to load the row again, correct it, and remove its key {key!r}"
        return ""

    def as_line(self, owner: Owner | None = None) -> bytes:
        """Return the line of the rejected-records file; without an owner, it is nobody's."""
        style = self.number_style or NumberStyle()
        line = RejectedLine(
            position=self.position,
            where=_as_text(self.where),
            space=self.space,
            externalId=self.external_id,
            status=self.status,
            message=_as_text(self.message + self._how_to_mend),
            requestId=self.request_id,
            time=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            record=msgspec.Raw(self.record if isinstance(self.record, bytes) else _encode(self.record)),
            task=owner.task if owner else None,
            run=owner.run if owner else None,
            decimal=style.decimal,
            thousands=style.thousands,
            unreadable=self.unreadable,
        )
        return _encode(line) + b"\n"


def rejection_of(
    where: str,
    position: int,
    row: Row,
    message: str,
    *,
    identity: Identity | None = None,
    status: int | None = None,
    request_id: str | None = None,
) -> Rejection:
    """Return the rejection of a row, which may be anything: it fails for none.

    :param identity: that of the record made of the row; by default the one in the row, if it is API-shaped.
    """
    record, unreadable = _as_json(row)
    style = row_and_context(row)[1].number_style
    if identity is None:
        space, external_id = _identity_in(record if isinstance(record, bytes) else row)
    else:
        space, external_id = map(_as_text, identity.split("/", 1))
    return Rejection(
        position, where, record, message, space, external_id, status, request_id, style, unreadable
    )


def rejected_row(row: Row) -> Row | None:
    """Return the row inside a line of a rejected-records file; ``None`` when the row is not one.

    :param row: any row; a line comes as JSON, or as the mapping that it decodes to.
    """
    row, _ = row_and_context(row)
    if isinstance(row, bytes):
        line = read_line(row)
        if line is None:
            return None
        record = bytes(line.record)
        return _restored_of_json(record, line.unreadable) if line.unreadable else _row_in(record)
    if isinstance(row, Mapping) and row.keys() - OPTIONAL_KEYS == LINE_KEYS:
        inner = row["record"]
        unreadable = row.get("unreadable")
        if isinstance(unreadable, Mapping) and isinstance(inner, Mapping):
            return _restored(inner, unreadable)
        return _row_in(_encode(_as_text(inner))) if isinstance(inner, str) else inner
    return None


def _row_in(record: bytes) -> bytes:
    """Return a row as it was in its file: one that was not JSON, such as with NaN, stands in a text."""
    if not record.startswith(b'"'):
        return record
    text: str = msgspec.json.decode(record)
    return text.encode() if text.lstrip().startswith("{") else record


def _restored_of_json(record: bytes, unreadable: Mapping[str, Any]) -> Row:
    try:
        return _restored(decode_object_exactly(record), unreadable)
    except NOT_JSON:
        return record


def _restored(value: Any, unreadable: Mapping[str, Any], path: str = "") -> Any:
    """Return a row with values that no property takes in place of the texts that still stand for them."""
    if isinstance(value, Mapping):
        return {name: _restored(inner, unreadable, _inside(path, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_restored(inner, unreadable, f"{path}[{at}]") for at, inner in enumerate(value)]
    if not isinstance(value, str) or unreadable.get(path) != value:
        return value
    return nan if value in NANS else Unreadable(NOT_CORRECTED, value)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def number_style_of(line: Row) -> NumberStyle | None:
    """Return how the numbers in a rejected row are written, where its line says so."""
    said = read_line(line) if isinstance(line, bytes) else line
    read = said.get if isinstance(said, Mapping) else lambda name: getattr(said, name)
    style = NumberStyle(*map(read, NUMBER_STYLE_KEYS))
    return style if any(isinstance(character, str) for character in style) else None


def read_line(line: bytes) -> RejectedLine | None:
    """Return what a line says; ``None`` for anything else, such as a line that was cut short."""
    try:
        return _decode_line(line)
    except NOT_JSON:
        return None


def _as_json(row: Row) -> tuple[bytes | str, dict[str, str] | None]:
    """Return a row as JSON on one line, which loads again, or as text where it is not JSON.

    Also the texts in it that stand for values that JSON does not have, by their paths.
    """
    try:
        return _encoded(row)
    except MemoryError:
        raise
    except Exception:  # for example a value that contains itself, or whatever the class of a value does
        return _as_text(row_and_context(row)[0], repr), None


def _encoded(row: Row) -> tuple[bytes | str, dict[str, str] | None]:
    mapping = as_mapping(row)
    if mapping is None:
        row, _ = row_and_context(row)
    if isinstance(row, bytes):
        try:
            row.decode()
            return bytes(msgspec.json.format(row, indent=-1)), None
        except NOT_JSON:
            pass
        try:
            mapping = decode_leniently(row)
        except NOT_JSON:
            return _as_text(row).strip(), None
    if mapping is None:
        return _as_text(row, str if isinstance(row, str) else repr), None
    write = encode if mapping.keys() >= API_RECORD_KEYS else encode_exactly
    try:
        return write(mapping), None
    except MemoryError:
        raise
    except Exception:
        unreadable: dict[str, str] = {}
        return write(_with_texts(mapping, unreadable)), unreadable


def _with_texts(value: Any, texts: dict[str, str], path: str = "") -> Any:
    """Return a value with texts in place of values that JSON does not have, such as NaN or bytes.

    :param texts: where these texts are added, by their paths.
    """
    if isinstance(value, Mapping):
        named = {_as_text(name): inner for name, inner in value.items()}
        return {name: _with_texts(inner, texts, _inside(path, name)) for name, inner in named.items()}
    if isinstance(value, list | tuple):
        return [_with_texts(inner, texts, f"{path}[{at}]") for at, inner in enumerate(value)]
    try:
        encode_value(value)
    except MemoryError:
        raise
    except Exception:
        texts[path] = _as_text(value)
        return texts[path]
    return value


def _as_text(value: Any, to_text: Callable[[Any], str] = str) -> str:
    """Return any value as text that UTF-8 can encode."""
    if issubclass(type(value), bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    text = BYTES.sub(lambda found: f"\\x{ord(found[0]) - FIRST_BYTE:02x}", display(value, to_text))
    return str.encode(text, errors="backslashreplace").decode()


def _identity_in(row: Row) -> tuple[str | None, str | None]:
    try:
        fields = msgspec.json.decode(row) if isinstance(row, bytes) else as_mapping(row)
        if not isinstance(fields, Mapping) or not fields.keys() >= API_RECORD_KEYS:
            return None, None
        space, external_id = fields["space"], fields["externalId"]
        if isinstance(space, str) and isinstance(external_id, str):
            return _as_text(space), _as_text(external_id)
    except MemoryError:
        raise
    except Exception:  # whatever the class of the row does
        return None, None
    return None, None
