"""Values as database drivers give them, to bytes and back: of the same type, with all that they hold.

Columns whose values are of one type, as most are, are converted as a whole.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from airflow_provider_cdf_records.records.chunk import RowContext
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources.spool.rare_values import (
    from_array,
    from_enum,
    from_named_tuple,
    from_other,
    to_array,
    to_enum,
    to_named_tuple,
    to_other,
)

PLAIN = frozenset({NoneType, bool, int, float, str, bytes})  # as they are in MessagePack
UNKNOWN_LIBRARIES = frozenset({"pandas", "pyarrow", "polars"})  # whose values no driver gives row by row
INTEGERS = range(-(2**63), 2**64)  # that MessagePack has


class UnkeptValueError(ValueError):
    """A value of a type that cannot be kept exactly."""


class Kind(NamedTuple):
    """How values of a type are kept.

    :param types: the types; a value of a subclass that no other kind has becomes one of them.
    :param to_content: returns what to keep: values that :func:`packed` takes.
    :param from_content: makes the value of it again.
    """

    types: tuple[type, ...]
    to_content: Callable[[Any], Any]
    from_content: Callable[[Any], Any]


def _moment_parts(value: datetime) -> Any:
    zone = value.tzinfo
    key = zone.key if isinstance(zone, ZoneInfo) else None
    if getattr(value, "nanosecond", 0) or value != value:  # noqa: PLR0124 (pandas' NaT)
        raise UnkeptValueError
    if key is None and not value.fold:
        return value.isoformat()
    return [value.replace(tzinfo=None).isoformat() if key else value.isoformat(), key, value.fold]


def _to_moment(content: Any) -> datetime:
    if isinstance(content, str):
        return datetime.fromisoformat(content)
    text, key, fold = content
    moment = datetime.fromisoformat(text).replace(fold=fold)
    return moment if key is None else moment.replace(tzinfo=ZoneInfo(key))


def _time_parts(value: time) -> Any:
    zone = value.tzinfo
    offset = value.utcoffset()
    if zone is not None and offset is None:  # of a zone whose offset depends on the day
        raise UnkeptValueError
    return [
        value.replace(tzinfo=None).isoformat(),
        None if offset is None else interval_parts(offset),
        value.fold,
    ]


def _to_time(content: Any) -> time:
    text, offset, fold = content
    zone = None if offset is None else timezone(to_interval(offset))
    return time.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def interval_parts(value: timedelta) -> list[int]:
    """Return an interval as days, seconds and microseconds."""
    return [value.days, value.seconds, value.microseconds]


def to_interval(content: Any) -> timedelta:
    """Return an interval of days, seconds and microseconds."""
    return timedelta(*content)


ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
)
ADDRESS_TYPES = {kind.__name__: kind for kind in ADDRESSES}


def _to_text(content: bytes) -> str:
    return content.decode(errors="surrogatepass")


def _to_dict(content: Any) -> dict[Any, Any]:
    return {key: value for key, value in content}  # noqa: C416 (a list of lists)


# The number of a kind is written to files: new ones come at the end.
KINDS = (
    Kind((int,), lambda value: f"{int.__int__(value):x}", lambda content: int(content, 16)),
    Kind((str,), lambda value: str.encode(value, errors="surrogatepass"), _to_text),
    Kind((Decimal,), Decimal.__str__, Decimal),
    Kind((datetime,), _moment_parts, _to_moment),
    Kind((date,), date.isoformat, date.fromisoformat),
    Kind((time,), _time_parts, _to_time),
    Kind((timedelta,), interval_parts, to_interval),
    Kind((UUID,), lambda value: value.bytes, lambda content: UUID(bytes=content)),
    Kind((bytearray,), bytes, bytearray),
    Kind((memoryview,), memoryview.tobytes, memoryview),
    Kind((tuple,), list, tuple),
    Kind((set,), list, set),
    Kind((frozenset,), list, frozenset),
    Kind((Mapping,), lambda value: [list(pair) for pair in value.items()], _to_dict),
    Kind(
        ADDRESSES,
        lambda value: [type(value).__name__, str(value)],
        lambda content: ADDRESS_TYPES[content[0]](content[1]),
    ),
    Kind((Enum,), to_enum, from_enum),
    Kind((Unreadable,), lambda value: [value.reason, value.raw], lambda content: Unreadable(*content)),
    Kind(
        (RowContext,),
        lambda value: [value.columns, value.nulls, value.number_style],
        lambda content: RowContext(*content),
    ),
    Kind((), to_named_tuple, from_named_tuple),
    Kind((), to_array, from_array),
    Kind((), to_other, from_other),
)
NAMED_TUPLE, ARRAY, OTHER = range(len(KINDS) - 3, len(KINDS))
# What a value of a subclass becomes, the first that fits: a datetime is a date, too.
BASES: tuple[type, ...] = (Enum, datetime, date, time, timedelta, Decimal, str, int, UUID, bytearray)
BASES += (Mapping, tuple, set, frozenset, Unreadable)
PLAIN_BASES: tuple[type, ...] = (float, bytes, list)
NUMBER_OF = {kind: number for number, one in enumerate(KINDS) for kind in one.types}


@lru_cache(maxsize=256)
def _number_of(kind: Any) -> int | None:
    """Return the number of the kind of a type; ``None`` for one of which a plain one is made.

    :raises UnkeptValueError: for a type of which nothing is known but that conversions take it.
    """
    if kind in NUMBER_OF:
        return NUMBER_OF[kind]
    if kind.__module__.partition(".")[0] in UNKNOWN_LIBRARIES:
        raise UnkeptValueError
    if hasattr(kind, "dtype") and hasattr(kind, "tolist"):
        return ARRAY
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return NAMED_TUPLE
    if issubclass(kind, PLAIN_BASES):
        return None
    return next((NUMBER_OF[base] for base in BASES if issubclass(kind, base)), OTHER)


def packed(value: Any) -> Any:
    """Return a value as the encoder takes it, with all that MessagePack does not have marked.

    :raises UnkeptValueError: for a value that cannot be kept exactly.
    """
    kind: Any = type(value)
    if kind is str:
        return value if value.isascii() or _is_text(value) else _marked(NUMBER_OF[str], value)
    if kind is int:
        return value if value in INTEGERS else _marked(NUMBER_OF[int], value)
    if kind in PLAIN:
        return value
    if kind is list:
        return list(map(packed, value))
    if kind is dict and set(map(type, value)) <= {str} and all(map(_is_text, value)):
        return {key: packed(inner) for key, inner in value.items()}
    number = _number_of(kind)
    if number is not None:
        return _marked(number, value)
    return packed(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float.__float__(value)
    return bytes(value) if isinstance(value, bytes) else list(value)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _marked(number: int, value: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(number, encode(packed(KINDS[number].to_content(value))))


def _unmarked(number: int, content: memoryview) -> Any:
    return KINDS[number].from_content(decode(content))


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(ext_hook=_unmarked).decode

AS_A_WHOLE: dict[type, int] = {kind: NUMBER_OF[kind] for kind in (Decimal, datetime, date, UUID, timedelta)}
AS_THEY_ARE = -1


def kept(value: Any) -> Any:
    """Return any value as the encoder takes it: one that fails as one that no conversion takes.

    :raises UnkeptValueError: for a value that cannot be kept exactly.
    """
    try:
        return packed(value)
    except (UnkeptValueError, MemoryError):
        raise
    except Exception:  # too deep a nesting, or whatever the value's class does
        return _marked(OTHER, value)


def packed_column(values: Sequence[Any], *, may_be_plain: bool = True) -> list[Any]:
    """Return a column as the encoder takes it: a number that says how, and the values.

    :param may_be_plain: let plain values pass without a look; the encoder fails for those it does not take.
    :raises UnkeptValueError: for a value that cannot be kept exactly.
    """
    types = set(map(type, values))
    if may_be_plain and types <= PLAIN:
        return [AS_THEY_ARE, values]
    present = types - {NoneType}
    number = AS_A_WHOLE.get(next(iter(present))) if len(present) == 1 else None
    if number is None:
        return [AS_THEY_ARE, list(map(kept, values))]
    to_content = KINDS[number].to_content
    return [number, [None if value is None else to_content(value) for value in values]]


def column_of(packed_values: Sequence[Any]) -> list[Any]:
    """Return the values of a column that was packed and decoded."""
    number, values = packed_values
    if number == AS_THEY_ARE:
        return list(values)
    from_content = KINDS[number].from_content
    return [None if value is None else from_content(value) for value in values]
