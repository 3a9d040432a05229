"""How the values of properties are read: the keys of a mapping, and of each property, that say so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from airflow_provider_cdf_records.mapping.types import (
    ANY_NUMBER,
    MOMENTS,
    NUMBERS,
    Fold,
    Missing,
    NoTimeZone,
    NumberText,
    Options,
    check_number_style,
    time_zone_of,
    timestamp_forms,
)
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.number_style import NumberStyle

UTC = "UTC"
# What the keys are for, the types that can use them, and the type of a property that is not known.
USES = {
    ("decimal", "thousands"): ("numbers", NUMBERS, ANY_NUMBER),
    ("true", "false"): ("booleans", ("boolean",), "boolean"),
    ("timestamp", "time_zone", "fold"): ("timestamps and dates", MOMENTS, "timestamp"),
}


class ZoneColumn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The column that holds the time zone of each row: an IANA name, or an offset such as ``+02:00``."""

    column: str


class ReadingSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How values are read, of one property or of all.

    :param null_values: texts that mean that there is no value.
    :param nan: whether NaN, NaT and ``pandas.NA`` mean it too (``"null"``), or are refused.
    :param decimal: in texts of numbers, before the fraction; by default a point.
    :param thousands: in texts of numbers, between groups of three digits; a space stands for any kind of
        space. By default there is none.
    :param true: the texts that mean it, instead of true, 1, yes, t, y and on.
    :param false: the texts that mean it, instead of false, 0, no, f, n and off.
    :param timestamp: a pattern of ``strptime``, ``s``, ``ms``, ``us`` or ``ns`` since the epoch, or a list of
        them, tried in order; by default ISO 8601.
    :param time_zone: of timestamps that name none, by default UTC; or the column that holds it.
    :param fold: what a local time means that exists twice or not at all when clocks change: ``"reject"``, or
        the time by the clock before (``"first"``) or after the change (``"last"``).
    """

    null_values: list[str] | None = None
    nan: Literal["null", "reject"] | None = None
    decimal: str | None = None
    thousands: str | None = None
    true: list[str] | None = None
    false: list[str] | None = None
    timestamp: str | list[str] | None = None
    time_zone: str | ZoneColumn | None = None
    fold: Fold | None = None

    @property
    def number_style(self) -> NumberStyle:
        return NumberStyle(self.decimal, self.thousands)

    @property
    def given(self) -> list[str]:
        """The keys that are there."""
        names = ReadingSpec.__struct_fields__
        return [name for name in names if getattr(self, name) is not None]


@dataclass(frozen=True)
class Reading:
    """How the values of one property are read.

    :param missing: finds the values that mean that there is none.
    :param options: for the property's type.
    :param zone_column: the column that holds the time zone of each row.
    """

    missing: Missing
    options: Options
    zone_column: str | None


def merge(own: ReadingSpec, general: ReadingSpec) -> ReadingSpec:
    """Return keys under which others stand: the own ones count first.

    Separators of numbers belong together: a general one gives way to an own one of the same character.
    """
    merged = {name: getattr(own, name) for name in ReadingSpec.__struct_fields__}
    style = merge_styles(own.number_style, general.number_style)
    inherited = {name: getattr(general, name) for name in ReadingSpec.__struct_fields__} | style._asdict()
    return ReadingSpec(
        **{name: inherited[name] if value is None else value for name, value in merged.items()}
    )


def merge_styles(own: NumberStyle, general: NumberStyle) -> NumberStyle:
    """Return a style in which a general separator gives way to an own one of the same character."""
    decimal, thousands = general
    if own.thousands is not None and decimal == own.thousands:
        decimal = None
    if own.decimal is not None and thousands == own.decimal:
        thousands = None
    return NumberStyle(own.decimal or decimal, own.thousands or thousands)


def reading_of(own: ReadingSpec, general: ReadingSpec, **of_the_type: Any) -> Reading:
    """Return how the values of a property are read.

    :param general: of all properties.
    :param of_the_type: other options of the property's type.
    :raises InvalidArgumentError: naming the key that makes no sense.
    """
    spec = merge(own, general)
    check_number_style(spec.number_style)
    zone = spec.time_zone or UTC
    options = Options(
        time_zone=time_zone_of(UTC if isinstance(zone, ZoneColumn) else zone),
        fold=spec.fold or "reject",
        timestamp_forms=() if spec.timestamp is None else timestamp_forms(spec.timestamp),
        number_text=NumberText(spec.number_style),
        true=None if spec.true is None else tuple(spec.true),
        false=None if spec.false is None else tuple(spec.false),
        **of_the_type,
    )
    missing = Missing(frozenset(spec.null_values or ()), nan=spec.nan == "null")
    return Reading(missing, options, zone.column if isinstance(zone, ZoneColumn) else None)


def reading_of_constant(own: ReadingSpec, general: ReadingSpec, **of_the_type: Any) -> Reading:
    """Return how the value is read that a mapping gives itself: as JSON, in no style of the rows."""
    spec = merge(own, general)
    reading = reading_of(ReadingSpec(time_zone=spec.time_zone, fold=spec.fold), ReadingSpec(), **of_the_type)
    if reading.zone_column is None:
        return reading
    zone = NoTimeZone(f"it names no time zone, and that of the mapping is in column {reading.zone_column!r}")
    return replace(reading, options=replace(reading.options, time_zone=zone))


def check_reading(own: ReadingSpec, general: ReadingSpec | None = None) -> None:
    """Check keys as far as possible without rows and containers.

    :param general: the keys of all properties, where ``own`` are those of one.
    :raises InvalidArgumentError: naming the key that makes no sense.
    """
    for name in ("true", "false", "timestamp"):
        if getattr(own, name) == []:
            msg = f"{name}: must not be empty"
            raise InvalidArgumentError(msg)
    merged = merge(own, general or ReadingSpec())
    meant = {text.strip() for text in merged.true or ()}
    if both := [text for text in merged.false or () if text.strip() in meant]:
        msg = f"{both[0]!r} is in both 'true' and 'false'"
        raise InvalidArgumentError(msg)
    reading_of(own, general or ReadingSpec())


def guessed_type(own: ReadingSpec) -> str | None:
    """Return the type of a property whose definition is not known, as its own keys tell; else ``None``.

    :raises InvalidArgumentError: when they are for several types.
    """
    told = [(name, use) for name in own.given for keys, use in USES.items() if name in keys]
    for name, (what, _, kind) in told:
        other, (others_what, _, others_kind) = told[0]
        if kind != others_kind:
            msg = f"{other!r} is for {others_what}, and {name!r} for {what}"
            raise InvalidArgumentError(msg)
    return told[0][1][2] if told else None


def problem_with_use(own: ReadingSpec, general: ReadingSpec, kind: str, delimiter: str | None) -> str | None:
    """Return why a property's type cannot use the property's own keys; ``None`` if it can.

    :param kind: the name of the type.
    :param delimiter: between the items of a list.
    """
    for keys, (what, types, _) in USES.items():
        for name in own.given:
            if name in keys and kind not in types:
                return f"is {kind}, but {name!r} is for {what}"
    if kind in NUMBERS and delimiter is not None and delimiter in merge(own, general).number_style:
        return f"has the delimiter {delimiter!r}, which is 'decimal' or 'thousands' in its numbers too"
    return None
