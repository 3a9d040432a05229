"""What a record is: its shape, its identifiers, its encoding. The rules live here once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from airflow_provider_cdf_records.records.chunk import Chunk, Identity, Records, Refusal, Row, identity_of
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

MAX_REQUEST_BYTES = 10_000_000  # of uncompressed JSON
REQUEST_START, REQUEST_END = b'{"items":[', b"]}"
MAX_RECORD_BYTES = MAX_REQUEST_BYTES - len(REQUEST_START) - len(REQUEST_END)
MAX_EXTERNAL_ID = 256  # characters

RESERVED_SPACES = frozenset({"space", "cdf", "dms", "pg3", "shared", "system", "node", "edge"})
SPACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?")
SCHEMA_ID = re.compile(r"[a-zA-Z]([a-zA-Z0-9_]{0,253}[a-zA-Z0-9])?")
STREAM_ID = re.compile(r"[a-z]([a-z0-9_-]{0,98}[a-z0-9])?")
RESERVED_STREAMS = frozenset({"logs", "records"})
RESERVED_STREAM_PREFIXES = ("cdf_", "cognite_")

A_SPACE = "expected a space: 1-43 letters, digits, '_' and '-', starting with a letter"
A_SCHEMA_ID = "expected an identifier: 1-255 letters, digits and '_', starting with a letter"
BACKSLASH = b"\\"
NULL_ESCAPE = b"\\u0000"  # the one way in which JSON can hold a null character
MOST_KNOWN = 10_000  # identifiers remembered as good ones


class InvalidRecordError(ValueError):
    """A row that CDF would refuse, whatever is in the stream."""


class Record(msgspec.Struct, frozen=True):
    """A checked record.

    :param identity: ``space/externalId``.
    :param body: its JSON, as it goes to CDF.
    """

    identity: Identity
    body: bytes


class Container(msgspec.Struct, tag="container", tag_field="type", gc=False, frozen=True):
    """A container that a record names."""

    space: str
    externalId: str


class View(msgspec.Struct, tag="view", tag_field="type", gc=False, frozen=True):
    """A view that a record names."""

    space: str
    externalId: str
    version: str


class _Object(msgspec.Struct, gc=False):
    """Any object; what is in it is for CDF to judge."""


class _SourceData(msgspec.Struct, gc=False):
    source: Container | View
    properties: _Object


class _Rejected(msgspec.Struct, forbid_unknown_fields=True):
    """A line of a rejected-records file, which holds the record among other things."""

    position: int
    where: str
    space: str | None
    externalId: str | None
    status: int | None
    message: str
    requestId: str | None
    time: str
    record: msgspec.Raw


_ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EXTERNAL_ID)]


class _Shape(msgspec.Struct, gc=False):
    space: str
    externalId: _ExternalId
    sources: Annotated[list[_SourceData], msgspec.Meta(min_length=1, max_length=100)]


_decode_shape = msgspec.json.Decoder(_Shape).decode
_decode_rejected = msgspec.json.Decoder(_Rejected).decode


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


class Familiar:
    """Records like those before them, which all name one space and one container.

    To check that they still do takes a third of the time that it takes to read what they name.
    """

    def __init__(self, space: str, source: Container | View) -> None:
        names = {"type": source.__struct_config__.tag, **msgspec.structs.asdict(source)}
        one_source = msgspec.defstruct(
            "Source", [(name, Literal[value]) for name, value in names.items()], gc=False
        )
        data = msgspec.defstruct("SourceData", [("source", one_source), ("properties", _Object)], gc=False)
        shape = msgspec.defstruct(
            "Shape",
            [("space", Literal[space]), ("externalId", _ExternalId), ("sources", tuple[data])],  # type: ignore[valid-type]
            gc=False,
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode
        self._prefix = identity_of(space, "")

    def identities(self, bodies: list[bytes]) -> list[Identity]:
        """Return the identities of records.

        :raises ValidationError: of ``msgspec``, when one of them is not like the others.
        """
        prefix = self._prefix
        return [prefix + shape.externalId for shape in map(self._decode, bodies)]


class ApiShaped:
    """Takes rows that are API-shaped records already, and checks them a chunk at a time.

    :param problem_with: asked once for each container that the records name; returns why it cannot take
        them, if it cannot.
    """

    def __init__(self, problem_with: Callable[[Container], str | None] = lambda _: None) -> None:
        self._problem_with = problem_with
        self._problems: dict[Container | View, str | None] = {}
        self._spaces: set[str] = set()
        self._sources: set[Container | View] = set()
        self._familiar: Familiar | None = None

    def __call__(self, chunk: Chunk) -> Records:
        if chunk.columns is not None:
            columns = ", ".join(map(repr, chunk.columns))
            msg = f"Rows of a table need a mapping that makes records of them; the columns are {columns}."
            raise InvalidArgumentError(msg)
        rows = chunk.rows
        try:
            bodies = rows if set(map(type, rows)) == {bytes} else [_body(row) for row in rows]
            identities = self._identities(bodies)
        except (ValueError, msgspec.MsgspecError, RecursionError):  # which one, the rows tell one by one
            return self._one_by_one(chunk)
        request = request_body(bodies)
        if identities is None or not _is_good_text(request):
            return self._one_by_one(chunk)
        return Records(chunk.positions, identities, bodies, bodies, chunk.refusals, request)

    def _identities(self, bodies: list[bytes]) -> list[Identity] | None:
        """Return the identities of records whose shape is good and whose containers are known to be.

        ``None`` means no more than that the rows need a closer look.
        """
        if self._familiar is not None:
            try:
                return self._familiar.identities(bodies)
            except msgspec.ValidationError:
                self._familiar = None
        shapes = list(map(_decode_shape, bodies))
        spaces = {shape.space for shape in shapes}
        sources = {data.source for shape in shapes for data in shape.sources}
        if not (spaces <= self._spaces and sources <= self._sources):
            return None
        if len(spaces) == len(sources) == 1 and all(len(shape.sources) == 1 for shape in shapes):
            self._familiar = Familiar(spaces.pop(), sources.pop())
        return [identity_of(shape.space, shape.externalId) for shape in shapes]

    def _one_by_one(self, chunk: Chunk) -> Records:
        records: list[Record] = []
        positions: list[int] = []
        refusals = list(chunk.refusals)
        for position, row in zip(chunk.positions, chunk.rows, strict=True):
            try:
                records.append(to_record(row, self._check))
            except InvalidRecordError as error:
                refusals.append(Refusal(position, row, str(error)))
            else:
                positions.append(position)
        bodies = [record.body for record in records]
        return Records(positions, [record.identity for record in records], bodies, bodies, refusals)

    def _check(self, shape: _Shape) -> None:
        """Check where a record belongs, and remember what is good."""
        for source in (data.source for data in shape.sources):
            if source not in self._problems:
                problem = self._problem_with(source) if isinstance(source, Container) else None
                self._problems[source] = problem
            if problem := self._problems[source]:
                raise InvalidRecordError(problem)
            self._sources.add(source)
        self._spaces.add(shape.space)
        for known in (self._spaces, self._sources, self._problems):
            if len(known) > MOST_KNOWN:
                known.clear()


def request_body(bodies: list[bytes]) -> bytes:
    """Return ``{"items": [...]}`` for records of distinct identities."""
    if len(bodies) <= 1:
        return REQUEST_START + b"".join(bodies) + REQUEST_END
    return b",".join([REQUEST_START + bodies[0], *bodies[1:-1], bodies[-1] + REQUEST_END])


def to_record(row: Row, check: Callable[[_Shape], None] = lambda _: None) -> Record:
    """Check a row and encode it.

    :param row: an API-shaped record, as a mapping or as its JSON.
    :param check: of what the record refers to.
    :raises InvalidRecordError: saying which field is wrong, and how.
    """
    body = _body(row)
    try:
        shape = _decode_shape(body)
    except msgspec.ValidationError as error:
        if (inner := unwrapped(body)) is not None:
            return _to_record_again(inner, check)
        raise InvalidRecordError(_in_words(str(error))) from None
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:  # not JSON, or not UTF-8
        msg = f"not JSON: {error}"
        raise InvalidRecordError(msg) from None
    _check(shape, body)
    check(shape)
    return Record(identity_of(shape.space, shape.externalId), body)


def _to_record_again(row: bytes, check: Callable[[_Shape], None]) -> Record:
    """Check the row of a rejected-records file, which need not be a record."""
    try:
        return to_record(row, check)
    except InvalidRecordError as error:
        msg = f"{error} (a rejected row of a load with a mapping needs that mapping again)"
        raise InvalidRecordError(msg) from None


def _check(shape: _Shape, body: bytes) -> None:
    check_space(shape.space)
    check_external_id(shape.externalId)
    for number, data in enumerate(shape.sources):
        check_space(data.source.space, f"sources[{number}].source.space")
        if not SCHEMA_ID.fullmatch(data.source.externalId):
            msg = f"sources[{number}].source.externalId: {A_SCHEMA_ID}"
            raise InvalidRecordError(msg)
    if not body.isascii():
        try:
            body.decode()  # the properties were passed over above, and one bad byte costs a whole request
        except UnicodeDecodeError as error:
            msg = f"not UTF-8: {error.reason} at byte {error.start}"
            raise InvalidRecordError(msg) from None
    check_size(body)


def check_space(space: str, where: str = "space") -> None:
    """Refuse what is no space's id.

    :raises InvalidRecordError: naming the field.
    """
    if not SPACE.fullmatch(space):
        msg = f"{where}: {A_SPACE}"
        raise InvalidRecordError(msg)
    if space in RESERVED_SPACES:
        msg = f"{where}: {space!r} is reserved by CDF"
        raise InvalidRecordError(msg)


def check_external_id(external_id: str) -> None:
    """Refuse what is no record's external id.

    :raises InvalidRecordError: saying how.
    """
    if not 1 <= len(external_id) <= MAX_EXTERNAL_ID:
        msg = f"externalId: expected 1 to {MAX_EXTERNAL_ID} characters, got {len(external_id)}"
        raise InvalidRecordError(msg)
    if "\0" in external_id:
        msg = "externalId: must not hold a null byte"
        raise InvalidRecordError(msg)


def check_size(body: bytes) -> None:
    """Refuse a record that is too large for any request.

    :raises InvalidRecordError: with its size.
    """
    if len(body) > MAX_RECORD_BYTES:
        msg = f"{len(body):,} bytes of JSON, and CDF takes {MAX_REQUEST_BYTES:,} in a request"
        raise InvalidRecordError(msg)


def unwrapped(body: bytes) -> bytes | None:
    """Return the record in a line of a rejected-records file; ``None`` for anything else."""
    try:
        return bytes(_decode_rejected(body).record)
    except msgspec.DecodeError:
        return None


def _body(row: Row) -> bytes:
    if isinstance(row, bytes):
        return row
    if isinstance(row, Mapping):
        return encode(row)
    msg = f"expected a record (a dict), got {type(row).__name__}"
    raise InvalidRecordError(msg)


def _is_good_text(text: bytes) -> bool:
    """Check what needs no look at single records."""
    return (
        not (BACKSLASH in text and NULL_ESCAPE in text)  # the first is found many times as fast
        and (text.isascii() or _is_utf8(text))
        and len(text) <= MAX_REQUEST_BYTES
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _in_words(message: str) -> str:
    """Turn ``Expected `str`, got `int` - at `$.space``` into ``space: expected `str`, got `int```."""
    what, _, where = message.partition(" - at `$")
    what = what[0].lower() + what[1:]
    return f"{where.rstrip('`').lstrip('.')}: {what}" if where else what


def encode(row: Mapping[str, Any]) -> bytes:
    """Encode a mapping as CDF expects its values.

    A ``datetime`` becomes UTC with milliseconds (one without a time zone is taken as UTC), a ``date``
    ``YYYY-MM-DD``, a ``Decimal`` a number, a ``UUID`` text, numpy's scalars and arrays what they hold.

    :raises InvalidRecordError: for NaN, an infinity, or anything else that JSON does not have.
    """
    return encode_value(row if isinstance(row, dict) else dict(row))


def encode_exactly(row: Mapping[str, Any]) -> bytes:
    """Encode a row so that a mapping makes of it what it makes of the row itself.

    :raises InvalidRecordError: for what JSON does not have.
    """
    try:
        return _exact_encoder.encode(dict(row)).encode()
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidRecordError(str(error)) from None


def encode_value(value: Any) -> bytes:
    """Encode any value as :func:`encode` does those of a record.

    :raises InvalidRecordError: for what JSON does not have.
    """
    try:
        return _to_json(value)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidRecordError(_where(value, error)) from None


def plain(value: object) -> Any:
    """Return the JSON-encodable twin of a value that the encoder does not know.

    :raises TypeError: when there is none.
    """
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, UUID) or type(value).__module__ == "ipaddress":
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


_LONGEST_DECIMAL = 400  # digits; further up, an exponent is shorter
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


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain)


def exact(value: object) -> Any:
    """Return what :func:`plain` does, but numbers and moments as texts with all their digits.

    A moment is UTC with ``Z``, or has no zone where it names none; microseconds are there where they count.

    :raises TypeError: when there is no such twin.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f") if abs(value.adjusted()) < _LONGEST_DECIMAL else str(value)
    if isinstance(value, datetime) and value == value:  # noqa: PLR0124 (NaT)
        utc = value.astimezone(timezone.utc) if value.tzinfo else value
        timespec = "microseconds" if value.microsecond % 1000 else "milliseconds"
        return utc.replace(tzinfo=None).isoformat(timespec=timespec) + ("Z" if value.tzinfo else "")
    return plain(value)


def shown(value: object, show: Callable[[Any], str] = repr) -> str:
    """Return a value as text for people, whatever it is."""
    try:
        return show(value)
    except (ValueError, RecursionError):  # an integer of too many digits, or one that is nested too deeply
        return f"a {type(value).__name__} that cannot be shown"


_exact_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=exact)


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
        except (TypeError, ValueError, ArithmeticError) as inner:
            return _where(child, inner, child_path)
    if isinstance(value, float):
        return f"{path}: {value} is not JSON; send None, or leave the property out"
    return f"{path}: {error}" if path else str(error)
