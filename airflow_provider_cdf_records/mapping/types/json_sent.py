"""JSON that goes to CDF as it stands: which values each type of property certainly refuses.

Nothing is converted here. What is not known of CDF passes, such as fractions finer than milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from airflow_provider_cdf_records.mapping.types.json_value import MAX_JSON_BYTES
from airflow_provider_cdf_records.mapping.types.numbers import MAX_FLOAT32
from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError, PropertyType
from airflow_provider_cdf_records.mapping.types.registry import Definition, max_items, property_type
from airflow_provider_cdf_records.mapping.types.text import max_text_bytes
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.record_shapes import TextTraits

TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?:[01][0-9]|2[0-4]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
# Of days that exist, but no 29th of February.
USUAL_TIMESTAMP = (
    r"^(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?\Z"
)
FLOAT = re.compile(
    rb'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)'
)  # or a text
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})")

# Every value of JSON but null, and those of them that are always short.
ANYTHING = bool | int | float | str | list[Any] | dict[str, Any]
ANYTHING_SHORT = bool | int | float


@dataclass(frozen=True)
class SentType:
    """The values that a property takes as they stand.

    :param name: for messages.
    :param check: raises :class:`InvalidValueError` for a value that CDF certainly refuses.
    :param decoded: returns a type of ``msgspec`` whose values all pass the check, which may also refuse
        unusual ones that do. ``None`` is none of them.
    """

    name: str
    check: Callable[[Any], object]
    decoded: Callable[[TextTraits], Any]

    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value that is not ``None``, if anything."""
        try:
            self.check(value)
        except InvalidValueError as error:
            why = f" ({error})" if str(error) else ""
            return f"expected {self.name}, got {shortened(display(value))}{why}"
        return None

    def decoded_or_null(self, traits: TextTraits) -> Any:
        """Return a type as ``decoded`` does that takes null too."""
        decoded = self.decoded(traits)
        return msgspec.Raw if decoded is ANYTHING else decoded | None


def sent_type(definition: Definition) -> SentType:
    """Return the type of a property by its definition in the container; an unknown one takes any value."""
    kind = property_type(definition)
    item_definition = {**definition, "list": False}
    make = MAKE_TYPE.get(definition["type"], _any)
    item = make(item_definition, property_type(item_definition))
    return _list_of(item, kind.name, max_items(definition)) if definition.get("list") else item


def _list_of(item: SentType, name: str, most: int) -> SentType:
    def check(value: Any) -> None:
        if type(value) is not list:
            msg = "must be an array"
            raise InvalidValueError(msg)
        if len(value) > most:
            msg = f"must have at most {most:,} items, got {len(value):,}"
            raise InvalidValueError(msg)
        if None in value:
            msg = "null is not allowed in a list"
            raise InvalidValueError(msg)
        for part in value:
            if problem := item.problem(part):
                raise InvalidValueError(problem)

    def decoded(traits: TextTraits) -> Any:
        return Annotated[list[item.decoded(traits)], msgspec.Meta(max_length=max(0, most))]  # type: ignore[misc]

    return SentType(name, check, decoded)


def _of(*types: type) -> Callable[[Any], None]:
    """Return a check that refuses values of other types."""

    def check(value: Any) -> None:
        if type(value) not in types:
            raise InvalidValueError

    return check


def _text(definition: Definition, kind: PropertyType) -> SentType:
    most = max(0, max_text_bytes(definition))

    def check(value: Any) -> None:
        if type(value) is not str:
            raise InvalidValueError
        kind.convert_value(value)

    def decoded(traits: TextTraits) -> Any:
        return Annotated[str, msgspec.Meta(max_length=most // traits.bytes_per_character)]

    return SentType(kind.name, check, decoded)


def _boolean(_: Definition, kind: PropertyType) -> SentType:
    return SentType(kind.name, _of(bool), lambda _: bool)


def _integer(bits: int) -> Callable[[Definition, PropertyType], SentType]:
    highest = 2 ** (bits - 1) - 1

    def make(_: Definition, kind: PropertyType) -> SentType:
        def check(value: Any) -> None:
            if type(value) is float and value.is_integer():
                value = int(value)  # whether CDF takes 1.0 is not known
            if type(value) is not int:
                raise InvalidValueError
            kind.convert_value(value)

        return SentType(kind.name, check, lambda _: Annotated[int, msgspec.Meta(ge=-highest - 1, le=highest)])

    return make


def _float(largest: float | None) -> Callable[[Definition, PropertyType], SentType]:
    decoded = float if largest is None else Annotated[float, msgspec.Meta(ge=-largest, le=largest)]

    def make(_: Definition, kind: PropertyType) -> SentType:
        def check(value: Any) -> None:
            if type(value) not in (int, float):
                raise InvalidValueError
            try:
                kind.convert_value(value)
            except OverflowError:
                raise InvalidValueError from None

        return SentType(kind.name, check, lambda _: decoded)

    return make


def _timestamp(_: Definition, kind: PropertyType) -> SentType:
    def decoded(traits: TextTraits) -> Any:  # without a space in it, msgspec's moments have the right form
        usual = Annotated[str, msgspec.Meta(pattern=USUAL_TIMESTAMP)]
        return usual if traits.may_have_spaced_moments else datetime

    return SentType(kind.name, _check_day(TIMESTAMP, "write it as 2026-01-02T03:04:05Z"), decoded)


def _date(_: Definition, kind: PropertyType) -> SentType:
    return SentType(kind.name, _check_day(DATE, ""), lambda _: date)


def _check_day(form: re.Pattern[str], hint: str) -> Callable[[Any], None]:
    """Return a check of texts in a form, whose first group is a day."""

    def check(value: Any) -> None:
        found = form.fullmatch(value) if type(value) is str else None
        if found is None:
            raise InvalidValueError(hint)
        try:
            date.fromisoformat(found[1])
        except ValueError as error:
            raise InvalidValueError(str(error)) from None

    return check


def _json(_: Definition, kind: PropertyType) -> SentType:
    def check(value: Any) -> None:
        body = msgspec.json.encode(value)
        size = len(body)
        if size > MAX_JSON_BYTES and len(FLOAT.sub(_shortest, body)) > MAX_JSON_BYTES:
            msg = f"must be at most {MAX_JSON_BYTES:,} bytes of JSON, got {size:,}"
            raise InvalidValueError(msg)

    return SentType(kind.name, check, lambda traits: ANYTHING_SHORT if traits.is_long else ANYTHING)


def _shortest(found: re.Match[bytes]) -> bytes:
    """Return a number in the shortest form in which it may have been sent, such as 1e5; a text as it is."""
    text = found[0]
    if text.startswith(b'"'):
        return text
    sign, digits, exponent = Decimal(text.decode()).normalize().as_tuple()
    short = f"{'-' * sign}{''.join(map(str, digits))}e{exponent}".encode()
    return min(text.removesuffix(b".0"), short, key=len)


def _any(_: Definition, kind: PropertyType) -> SentType:
    return SentType(kind.name, lambda _: None, lambda _: ANYTHING)


class SentRelation(msgspec.Struct, gc=False):
    """A direct relation."""

    space: str
    externalId: str


def _direct(_: Definition, kind: PropertyType) -> SentType:
    def check(value: Any) -> None:
        if type(value) is not dict or type(value.get("space")) is not str:
            raise InvalidValueError
        if type(value.get("externalId")) is not str:
            raise InvalidValueError

    return SentType(kind.name, check, lambda _: SentRelation)


def _enum(definition: Definition, kind: PropertyType) -> SentType:
    keys = definition.get("values")
    if not keys or definition.get("unknownValue"):  # then others may pass
        return SentType(kind.name, _of(str), lambda _: str)

    def check(value: Any) -> None:
        if type(value) is not str or value not in keys:
            raise InvalidValueError

    return SentType(kind.name, check, lambda _: Literal[tuple(keys)])


def _reference(_: Definition, kind: PropertyType) -> SentType:
    return SentType(kind.name, _of(str), lambda _: str)


MAKE_TYPE: Mapping[str, Callable[[Definition, PropertyType], SentType]] = {
    "boolean": _boolean,
    "int32": _integer(32),
    "int64": _integer(64),
    "float32": _float(MAX_FLOAT32),
    "float64": _float(None),
    "text": _text,
    "enum": _enum,
    "timestamp": _timestamp,
    "date": _date,
    "json": _json,
    "direct": _direct,
    **dict.fromkeys(("timeseries", "file", "sequence"), _reference),
}
