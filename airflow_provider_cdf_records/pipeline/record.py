"""What a record is: its shape, its identifiers, its encoding. The rules live here once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from airflow_provider_cdf_records.pipeline.errors import InvalidArgumentError

MAX_REQUEST_BYTES = 10_000_000  # of uncompressed JSON
REQUEST_START, REQUEST_END = b'{"items":[', b"]}"
MAX_RECORD_BYTES = MAX_REQUEST_BYTES - len(REQUEST_START) - len(REQUEST_END)

RESERVED_SPACES = frozenset({"space", "cdf", "dms", "pg3", "shared", "system", "node", "edge"})
SPACE = r"^[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?\Z"
SCHEMA_ID = r"^[a-zA-Z]([a-zA-Z0-9_]{0,253}[a-zA-Z0-9])?\Z"
STREAM_ID = re.compile(r"[a-z]([a-z0-9_-]{0,98}[a-z0-9])?")
RESERVED_STREAMS = frozenset({"logs", "records"})
RESERVED_STREAM_PREFIXES = ("cdf_", "cognite_")

IN_WORDS = {
    SPACE: "a space: 1-43 letters, digits, '_' and '-', starting with a letter",
    SCHEMA_ID: "an identifier: 1-255 letters, digits and '_', starting with a letter",
}

Space = Annotated[str, msgspec.Meta(pattern=SPACE)]
SchemaId = Annotated[str, msgspec.Meta(pattern=SCHEMA_ID)]
ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]

Identity = tuple[str, str]
Row = bytes | Mapping[str, Any]


class InvalidRecordError(ValueError):
    """A row that CDF would refuse, whatever is in the stream."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A checked record.

    :param position: where it stands in its source.
    :param identity: ``(space, externalId)``.
    :param body: its JSON, as it goes to CDF.
    """

    position: int
    identity: Identity
    body: bytes


class _Container(msgspec.Struct, tag="container", tag_field="type", gc=False):
    space: Space
    externalId: SchemaId


class _View(msgspec.Struct, tag="view", tag_field="type", gc=False):
    space: Space
    externalId: SchemaId
    version: str


class _SourceData(msgspec.Struct, gc=False):
    source: _Container | _View
    properties: msgspec.Raw


class _Shape(msgspec.Struct, gc=False):
    space: Space
    externalId: ExternalId
    sources: Annotated[list[_SourceData], msgspec.Meta(min_length=1, max_length=100)]


class _Rejected(msgspec.Struct):
    """A line of a rejected-records file, which holds the record among other things."""

    record: msgspec.Raw
    message: str


_decode_shape = msgspec.json.Decoder(_Shape).decode
_decode_rejected = msgspec.json.Decoder(_Rejected).decode
_OPENING_BRACE = ord("{")


def check_stream_id(stream_id: object) -> str:
    """Return the stream id.

    :raises InvalidArgumentError: when CDF would not take it as one.
    """
    if (
        not isinstance(stream_id, str)
        or not STREAM_ID.fullmatch(stream_id)
        or stream_id in RESERVED_STREAMS
        or stream_id.startswith(RESERVED_STREAM_PREFIXES)
    ):
        msg = (
            f"stream_id {stream_id!r} is not a stream's id: 1-100 lower-case letters, digits, '_' and '-', "
            "starting with a letter; not 'logs' or 'records', nor starting with 'cdf_' or 'cognite_'."
        )
        raise InvalidArgumentError(msg)
    return stream_id


def to_record(position: int, row: Row) -> Record:
    """Check a row and encode it.

    :param row: an API-shaped record, as a mapping or as its JSON.
    :raises InvalidRecordError: saying which field is wrong, and how.
    """
    if isinstance(row, bytes):
        body = row
    elif isinstance(row, Mapping):
        body = encode(row)
    else:
        msg = f"expected a record (a dict), got {type(row).__name__}"
        raise InvalidRecordError(msg)
    try:
        shape = _decode_shape(body)
    except msgspec.ValidationError as error:
        if (inner := _unwrapped(body)) is not None:
            return to_record(position, inner)
        raise InvalidRecordError(_in_words(str(error))) from None
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
        msg = f"not JSON: {error}"
        raise InvalidRecordError(msg) from None
    _check(shape, body)
    return Record(position, (shape.space, shape.externalId), body)


def _check(shape: _Shape, body: bytes) -> None:
    if shape.space in RESERVED_SPACES:
        msg = f"space: {shape.space!r} is reserved by CDF"
        raise InvalidRecordError(msg)
    if "\0" in shape.externalId:
        msg = "externalId: must not hold a null byte"
        raise InvalidRecordError(msg)
    for number, source in enumerate(shape.sources):
        if memoryview(source.properties)[0] != _OPENING_BRACE:
            msg = f"sources[{number}].properties: expected an object"
            raise InvalidRecordError(msg)
    if not body.isascii():
        try:
            body.decode()  # the properties were passed over above, and one bad byte costs a whole request
        except UnicodeDecodeError as error:
            msg = f"not UTF-8: {error.reason} at byte {error.start}"
            raise InvalidRecordError(msg) from None
    if len(body) > MAX_RECORD_BYTES:
        msg = f"{len(body):,} bytes of JSON, and CDF takes {MAX_REQUEST_BYTES:,} in a request"
        raise InvalidRecordError(msg)


def _unwrapped(body: bytes) -> bytes | None:
    try:
        return bytes(_decode_rejected(body).record)
    except msgspec.DecodeError:
        return None


def _in_words(message: str) -> str:
    """Turn ``Expected `str`, got `int` - at `$.space``` into ``space: expected `str`, got `int```."""
    for pattern, words in IN_WORDS.items():
        message = message.replace(f"`str` matching regex {pattern!r}", words)
    what, _, where = message.partition(" - at `$")
    what = what[0].lower() + what[1:]
    return f"{where.rstrip('`').lstrip('.')}: {what}" if where else what


def encode(row: Mapping[str, Any]) -> bytes:
    """Encode a mapping as CDF expects its values.

    A ``datetime`` becomes UTC with milliseconds (one without a time zone is taken as UTC), a ``date``
    ``YYYY-MM-DD``, a ``Decimal`` a number, a ``UUID`` text, numpy's scalars and arrays what they hold.

    :raises InvalidRecordError: for NaN, an infinity, or anything else that JSON does not have.
    """
    try:
        return _to_json(row if isinstance(row, dict) else _plain(row))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRecordError(_where(row, error)) from None


def _plain(value: object) -> Any:
    """Return the JSON-encodable twin of a value that the encoder does not know."""
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _numpy(value)
    msg = f"a {type(value).__name__} has no place in JSON; convert it first"
    raise TypeError(msg)


def _timestamp(value: datetime) -> str:
    if value != value:  # noqa: PLR0124 (pandas' NaT)
        msg = "NaT is not a timestamp; send None, or leave the property out"
        raise ValueError(msg)
    utc = value.astimezone(timezone.utc) if value.tzinfo else value
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


_LONGEST_INTEGER = 30  # digits; further up, only a float makes sense


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        msg = f"{value} is not a JSON number; send None, or leave the property out"
        raise ValueError(msg)
    whole = value.adjusted() < _LONGEST_INTEGER and value == value.to_integral_value()
    return int(value) if whole else float(value)


def _numpy(value: Any) -> Any:
    if value.dtype.kind == "M":  # datetime64 counts in units of its own, and may hold NaT
        value = value.astype("datetime64[ms]")
        if value.ndim == 0 and value.tolist() is None:
            msg = "NaT is not a timestamp; send None, or leave the property out"
            raise ValueError(msg)
    plain = value.tolist()
    if plain is value or hasattr(plain, "dtype"):
        msg = f"numpy's {value.dtype} has no place in JSON; convert it first"
        raise TypeError(msg)
    return plain


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _to_json(value: object) -> bytes:
    return _encoder.encode(value).encode()


def _where(value: object, error: Exception, path: str = "") -> str:
    """Say which value inside of ``value`` cannot be encoded; only runs once one is known to be there."""
    children: list[tuple[str, object]] = []
    if isinstance(value, Mapping):
        children = [(f"{path}.{key}" if path else str(key), child) for key, child in value.items()]
    elif isinstance(value, list | tuple):
        children = [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    for child_path, child in children:
        try:
            _to_json(child)
        except RecursionError:
            break
        except (TypeError, ValueError) as inner:
            return _where(child, inner, child_path)
    if isinstance(value, float):
        return f"{path}: {value} is not JSON; send None, or leave the property out"
    return f"{path}: {error}" if path else str(error)
