"""Values as the properties of containers take them, converted a column at a time.

Each type has two functions: one that converts a value or says what is wrong with it, and a quick one for a
whole column of good values, which gives up (``None``) on anything unusual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from itertools import repeat
from math import isfinite, nextafter
from types import NoneType
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.encoding import display as shown
from airflow_provider_cdf_records.records.encoding import encode_value
from airflow_provider_cdf_records.records.encoding import to_exact_json_type as exact
from airflow_provider_cdf_records.records.encoding import to_json_type as plain
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError

MAX_TEXT_BYTES = 128_000
MAX_JSON_BYTES = 40_960
MAX_LIST, MAX_DIRECT_LIST = 1000, 100  # items
MAX_FLOAT32 = nextafter((2 - 2**-24) * 2.0**127, 0)  # the largest that is not rounded to infinity
LONGEST_QUOTE = 80  # characters of a value in a message

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NOT_JUST_DIGITS = frozenset(".eE")
TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)? ?"
    r"(Z|[+-][0-9]{2}(?::?[0-5][0-9])?)?)?"
)
TIMESTAMPS_OF_CDF = re.compile(
    r"(?:[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:[0-9]{2})\n)+"
)
BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
BOOLEANS |= {text.upper(): value for text, value in BOOLEANS.items()}
BOOLEANS |= {text.capitalize(): value for text, value in BOOLEANS.items()}
JSON_KINDS = frozenset({str, int, float, bool, list, dict, NoneType})

Kinds = set[type]


class InvalidValueError(ValueError):
    """A value that a property does not take."""


@dataclass(frozen=True)
class PropertyType:
    """Converts values to what a property takes.

    :param name: for messages, such as ``float64`` or ``text[]``.
    :param convert: one value that is not ``None``; raises :class:`InvalidValueError`.
    :param convert_all: values without ``None``, whose types are given too.
    """

    name: str
    convert: Callable[[Any], Any]
    convert_all: Callable[[list[Any], Kinds], list[Any] | None] = lambda _, __: None

    def column(self, values: list[Any], null: Any = None) -> tuple[list[Any], dict[int, str]]:
        """Return the converted values, ``null`` for each ``None``, and by index what is wrong with others."""
        kinds = set(map(type, values))
        if NoneType not in kinds:
            if (converted := self.convert_all(values, kinds)) is not None:
                return converted, {}
        elif len(kinds) > 1:
            there = [value for value in values if value is not None]
            if (converted := self.convert_all(there, kinds - {NoneType})) is not None:
                rest = iter(converted)
                return [null if value is None else next(rest) for value in values], {}
        wrong: dict[int, str] = {}
        result: list[Any] = []
        for index, value in enumerate(values):
            try:
                result.append(null if value is None else self.checked(value))
            except InvalidValueError as error:
                wrong[index] = str(error)
                result.append(null)
        return result, wrong

    def checked(self, value: Any) -> Any:
        """Convert one value.

        :raises InvalidValueError: naming the type and the value.
        """
        try:
            return self.convert(value)
        except (TypeError, ValueError, msgspec.MsgspecError, ArithmeticError, RecursionError) as error:
            ours = isinstance(error, InvalidValueError | InvalidRecordError)
            why = f" ({error})" if ours and str(error) else ""
            msg = f"expected {self.name}, got {quoted(value)}{why}"
            raise InvalidValueError(msg) from None


def quoted(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = shown(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."


def property_type(
    definition: Mapping[str, Any],
    *,
    time_zone: tzinfo = timezone.utc,
    delimiter: str | None = None,
    direct_space: str | None = None,
) -> PropertyType:
    """Return the type of a property, as the container's definition has it.

    :param definition: such as ``{"type": "text", "list": true, "maxTextSize": 100}``.
    :param time_zone: of timestamps that name none.
    :param delimiter: between the items of a list that comes as text.
    :param direct_space: of direct relations that come as an external id alone.
    """
    kind = definition["type"]
    if kind == "timestamp":
        item = PropertyType(kind, lambda value: _timestamp(value, time_zone), _timestamps)
    elif kind == "direct":
        item = _direct(direct_space)
    elif kind == "text":
        item = _text(definition)
    elif kind == "enum":
        item = _enum(definition)
    elif kind in SIMPLE_TYPES:
        item = SIMPLE_TYPES[kind]
    else:  # not known, or a type that CDF got later than this was written
        item = ANY_TYPE
    if not definition.get("list"):
        return item
    most = MAX_DIRECT_LIST if kind == "direct" else MAX_LIST
    return _list_of(item, min(most, definition.get("maxListSize") or most), delimiter)


def _native(value: Any) -> Any:
    """Return JSON's own kind of value for what Python has more kinds of."""
    return value if type(value) in JSON_KINDS else plain(value)


# Text


def _text(definition: Mapping[str, Any]) -> PropertyType:
    most = min(definition.get("maxTextSize") or MAX_TEXT_BYTES, MAX_TEXT_BYTES)

    def convert(value: Any) -> str:
        text = _as_text(value)
        if len(text) * 4 > most and len(text.encode()) > most:
            msg = f"more than {most:,} bytes of UTF-8"
            raise InvalidValueError(msg)
        return text

    def convert_all(values: list[Any], kinds: Kinds) -> list[Any] | None:
        texts = _texts(values, kinds)
        return texts if texts is not None and max(map(len, texts), default=0) * 4 <= most else None

    return PropertyType("text", convert, convert_all)


def _as_text(value: Any) -> str:
    """Return a text, a number, a truth value or a moment as text, exactly."""
    while type(value) not in JSON_KINDS:  # numpy's become Python's first
        value = exact(value)
    if isinstance(value, str):
        value.encode()  # fails where there is half of a surrogate pair
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return str(value)
    raise InvalidValueError


def _texts(values: list[Any], kinds: Kinds) -> list[Any] | None:
    """Pass texts that can be encoded."""
    if not kinds <= {str}:
        return None
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return None
    return values


ANY_TEXT = PropertyType("text", _as_text, _texts)


def as_texts(values: list[Any]) -> tuple[list[str], dict[int, str]]:
    """Return a column as texts, as they go into an external id; also ``None`` is wrong there."""
    texts, wrong = ANY_TEXT.column(values)
    if NoneType in set(map(type, texts)):
        wrong |= {at: "is empty" for at, value in enumerate(values) if value is None}
        texts = [text or "" for text in texts]
    return texts, wrong


def _enum(definition: Mapping[str, Any]) -> PropertyType:
    keys = frozenset(definition.get("values") or ())

    def convert(value: Any) -> str:
        text = _as_text(value)
        if text not in keys:
            raise InvalidValueError
        return text

    def convert_all(values: list[Any], kinds: Kinds) -> list[Any] | None:
        return values if kinds <= {str} and keys.issuperset(values) else None

    return PropertyType(f"one of {', '.join(sorted(keys))}", convert, convert_all)


def _external_id(value: Any) -> str:
    text = _as_text(value)
    if not text:
        raise InvalidValueError
    return text


def _external_ids(values: list[Any], kinds: Kinds) -> list[Any] | None:
    texts = _texts(values, kinds)
    return texts if texts is not None and all(texts) else None


class Relation(msgspec.Struct, gc=False, frozen=True):
    """A direct relation."""

    space: str
    externalId: str


def _direct(space: str | None) -> PropertyType:
    def convert(value: Any) -> Relation:
        value = parsed(value) if space is None else value
        if isinstance(value, Mapping):
            if value.keys() != {"space", "externalId"} or not set(map(type, value.values())) <= {str}:
                raise InvalidValueError
            return Relation(_external_id(value["space"]), _external_id(value["externalId"]))
        if space is None:
            msg = "an external id alone needs a space; set it with 'direct' in the mapping"
            raise InvalidValueError(msg)
        return Relation(space, _external_id(value))

    def convert_all(values: list[Any], kinds: Kinds) -> list[Any] | None:
        if space is None or _external_ids(values, kinds) is None:
            return None
        return list(map(Relation, repeat(space), values))

    return PropertyType("a direct relation {space, externalId}", convert, convert_all)


# Numbers and truth values


def _number(value: Any) -> int | float:
    value = _native(value)
    if isinstance(value, str):
        text = value.strip()
        if not NUMBER.fullmatch(text):
            raise InvalidValueError
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidValueError
    return value


def _float(name: str, most: float | None) -> PropertyType:
    def convert(value: Any) -> int | float:
        number = _number(value)
        if most is not None and abs(number) > most:
            msg = f"out of the range of {name}"
            raise InvalidValueError(msg)
        return number

    def convert_all(values: list[Any], kinds: Kinds) -> list[Any] | None:
        try:
            if kinds <= {str}:
                values = msgspec.convert(values, list[float], strict=False)
            elif not kinds <= {float, int}:
                return None
            good = all(map(isfinite, values)) and (most is None or max(map(abs, values), default=0) <= most)
        except (msgspec.ValidationError, OverflowError):
            return None
        return values if good else None

    return PropertyType(name, convert, convert_all)


def _integer(name: str, bits: int) -> PropertyType:
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def convert(value: Any) -> int:
        if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
            value = Decimal(value.strip())  # unlike a float, exact
        if isinstance(value, Decimal) and value.is_finite() and value != value.to_integral_value():
            raise InvalidValueError
        number = _number(value)
        if number != int(number):
            raise InvalidValueError
        if not lowest <= number <= highest:
            msg = f"out of the range of {name}"
            raise InvalidValueError(msg)
        return int(number)

    def convert_all(values: list[Any], kinds: Kinds) -> list[Any] | None:
        if kinds <= {str}:
            if not NOT_JUST_DIGITS.isdisjoint("".join(values)):
                return None  # 1e-999 would be taken for 0
            try:
                values = msgspec.convert(values, list[int], strict=False)
            except msgspec.ValidationError:
                return None
        elif not kinds <= {int}:
            return None
        return values if not values or (lowest <= min(values) and max(values) <= highest) else None

    return PropertyType(name, convert, convert_all)


def _boolean(value: Any) -> bool:
    value = _native(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if not isinstance(value, str) or value.strip() not in BOOLEANS:
        raise InvalidValueError
    return BOOLEANS[value.strip()]


def _booleans(values: list[Any], kinds: Kinds) -> list[Any] | None:
    if kinds <= {bool}:
        return values
    try:
        return [BOOLEANS[value] for value in values] if kinds <= {str} else None
    except KeyError:
        return None


# Time


def _timestamp(value: Any, zone: tzinfo) -> str:
    if isinstance(value, str):
        value = _moment(value.strip())
    elif type(value) not in JSON_KINDS and not isinstance(value, date):
        value = _moment(str(plain(value)))  # numpy's
    elif not isinstance(value, datetime):
        if not isinstance(value, date):
            raise InvalidValueError
        value = datetime.combine(value, time())
    if value != value:  # noqa: PLR0124 (pandas' NaT)
        raise InvalidValueError
    return str(plain(value if value.tzinfo else value.replace(tzinfo=zone)))


def _moment(text: str, hint: str = "write it as 2026-01-02T03:04:05Z") -> datetime:
    found = TIMESTAMP.fullmatch(text)
    if found is None:
        raise InvalidValueError(hint)
    *numbers, fraction, offset = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(year, month, day, hour, minute, second, microsecond, _offset(offset))


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text == "Z":
        return timezone.utc
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "").ljust(4, "0")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _timestamps(values: list[Any], kinds: Kinds) -> list[Any] | None:
    """Pass timestamps that are written as CDF has them, and that name real moments."""
    if not kinds <= {str} or not TIMESTAMPS_OF_CDF.fullmatch("\n".join(values) + "\n"):
        return None
    try:
        msgspec.convert(values, list[datetime])
    except msgspec.ValidationError:
        return None
    return values


def _date(value: Any) -> str:
    if type(value) not in JSON_KINDS and not isinstance(value, date):
        value = plain(value)  # numpy's
    if isinstance(value, str):
        value = _moment(value.strip(), "write it as 2026-01-02")
    if not isinstance(value, date):
        raise InvalidValueError
    if isinstance(value, datetime):
        if value.time() != time():
            msg = "it has a time of day"
            raise InvalidValueError(msg)
        value = value.date()
    return str(value.isoformat())


# JSON and lists


def _json(value: Any) -> Any:
    encoded = encode_value(parsed(value))
    size = len(msgspec.json.encode(msgspec.json.decode(encoded)))
    if size > MAX_JSON_BYTES:
        msg = f"{size:,} bytes of JSON, and {MAX_JSON_BYTES:,} are allowed"
        raise InvalidValueError(msg)
    return msgspec.Raw(encoded)


def parsed(value: Any) -> Any:
    """Return what a text that holds a JSON object or array holds; other values as they are."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return msgspec.json.decode(value)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return value
    return value


def _list_of(item: PropertyType, most: int, delimiter: str | None) -> PropertyType:
    def convert(value: Any) -> list[Any]:
        items = _items(value, delimiter)
        if len(items) > most:
            msg = f"{len(items):,} items, and {most:,} are allowed"
            raise InvalidValueError(msg)
        if any(part is None for part in items):
            msg = "null is not allowed in a list"
            raise InvalidValueError(msg)
        return [item.checked(part) for part in items]

    return PropertyType(f"{item.name}[]", convert)


def _items(value: Any, delimiter: str | None) -> Sequence[Any]:
    if isinstance(value, str):
        items = parsed(value)
        if delimiter is not None and not isinstance(items, list):
            return [part.strip() for part in value.split(delimiter)] if value.strip() else []
        value = items
    elif type(value) not in JSON_KINDS and not isinstance(value, tuple):
        value = plain(value)
    if not isinstance(value, list | tuple):
        hint = "; for delimited text, set 'delimiter' in the mapping" if isinstance(value, str) else ""
        msg = f"an array is wanted{hint}"
        raise InvalidValueError(msg)
    return value


def _anything(value: Any) -> Any:
    return msgspec.Raw(encode_value(value))


def _all_plain(values: list[Any], kinds: Kinds) -> list[Any] | None:
    if kinds <= {str}:
        return _texts(values, kinds)
    if kinds <= {int, bool}:
        return values
    if kinds <= {int, bool, float} and all(isfinite(value) for value in values if type(value) is float):
        return values
    return None


ANY_TYPE = PropertyType("a JSON value", _anything, _all_plain)
SIMPLE_TYPES = {
    "boolean": PropertyType("boolean", _boolean, _booleans),
    "int32": _integer("int32", 32),
    "int64": _integer("int64", 64),
    "float32": _float("float32", MAX_FLOAT32),
    "float64": _float("float64", None),
    "date": PropertyType("a date YYYY-MM-DD", _date),
    "json": PropertyType("json", _json),
    "timeseries": PropertyType("the external id of a time series", _external_id, _external_ids),
    "file": PropertyType("the external id of a file", _external_id, _external_ids),
    "sequence": PropertyType("the external id of a sequence", _external_id, _external_ids),
}


def time_zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    :raises InvalidArgumentError: when there is none of that name.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 (only mappings need it)

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        msg = f"time_zone {name!r} is not known; use an IANA name such as 'Europe/Oslo'."
        raise InvalidArgumentError(msg) from None
