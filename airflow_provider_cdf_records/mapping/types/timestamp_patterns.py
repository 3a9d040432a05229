"""Moments in the forms that a mapping names: patterns of ``strptime``, and numbers since the epoch."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from math import isfinite
from typing import Any

from airflow_provider_cdf_records.mapping.types.local_time import offset_of
from airflow_provider_cdf_records.mapping.types.number_text import NumberText
from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
          "november", "december")  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_DAY = -1  # of the week
NOON = 12
CENTURY_CHANGE = 69  # years below it are of this century, as in POSIX

DIGITS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3, "G": 4, "V": 2, "U": 2,
          "W": 2, "u": 1, "w": 1}  # fmt: skip
WORDS = {
    "f": "[0-9]{1,9}",
    "B": "|".join(MONTHS),
    "b": "|".join(name[:3] for name in MONTHS),
    "A": "|".join(DAYS),
    "a": "|".join(name[:3] for name in DAYS),
    "p": "am|pm",
    "z": "Z|[+-][0-9]{2}(?::?[0-5][0-9])?",
    "Z": "UTC|GMT|Z",
}
NEEDS = {"M": "HI", "S": "M", "f": "S", "p": "I", "I": "p"}  # a part without the greater one makes no sense
WEEKS = "UWV"
DAYS_OF_A_WEEK = "uwaA"
SAME = ("YyG", "mbBjUWV", "djUWV", "uwaA", "HI", "zZ")  # directives that say the same

OF_AN_EPOCH = timezone(timedelta(0), "since 1970")  # marks a moment that names no day, unlike a text
EPOCH = datetime(1970, 1, 1, tzinfo=OF_AN_EPOCH)
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}  # nanoseconds
MICROSECOND = 1000
MOST_DIGITS = 40  # of a number since the epoch: those of any year, and of any fraction


class TimestampPattern:
    """A pattern of ``strptime``, read strictly; names of months and days are English in any locale.

    Numbers may lack leading zeros, unless one follows another without anything between them. A year of
    two digits is one of 1969 to 2068.

    :raises InvalidArgumentError: for a pattern by which no moment could be told.
    """

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        parts = re.findall(r"%.?|\s+|[^%\s]+", pattern, re.DOTALL)
        self._directives = [part[1:] for part in parts if part[0] == "%" and part != "%%"]
        self._check()
        around = zip(["", *parts], parts, [*parts[1:], ""], strict=False)
        self._match = re.compile("".join(_expression(*neighbours) for neighbours in around)).fullmatch

    def _check(self) -> None:
        found = self._directives
        for name in found:
            if name not in DIGITS and name not in WORDS:
                known = ", ".join(f"%{known}" for known in (*DIGITS, *WORDS))
                self._refuse(f"%{name} is not known; the known ones are {known}")
        for group in SAME:
            if len(twice := [name for name in found if name in group]) > 1:
                self._refuse(f"%{twice[0]} and %{twice[1]} say the same")
        if len(set(found)) < len(found):
            self._refuse("a directive is there twice")
        has_week = not set(WEEKS).isdisjoint(found)
        if has_week and (("G" in found) != ("V" in found) or set(DAYS_OF_A_WEEK).isdisjoint(found)):
            self._refuse("a week needs its year (%G for %V, or else %Y) and a day of the week, such as %u")
        has_day = has_week or "j" in found or ("d" in found and not {"m", "b", "B"}.isdisjoint(found))
        if not has_day or {"Y", "y", "G"}.isdisjoint(found) or ("G" in found and not has_week):
            self._refuse("it must have year, month and day")
        for name, others in NEEDS.items():
            if name in found and not any(other in found for other in others):
                self._refuse(f"%{name} needs {' or '.join(f'%{other}' for other in others)}")

    def _refuse(self, why: str) -> None:
        expected = (
            f"timestamp: must be a pattern of strptime such as '%d.%m.%Y %H:%M', or one of {', '.join(UNITS)}"
        )
        msg = f"{expected}, got {shortened(self.text)!r}: {why}"
        raise InvalidArgumentError(msg)

    def parse(self, text: str) -> datetime | None:
        """Return the moment, with a time zone where the text names one; ``None`` if it is of another form.

        :raises InvalidValueError: when it has this form, and there is no such moment.
        """
        found = self._match(text)
        if found is None:
            return None
        parts = found.groupdict()
        zone = timezone.utc if "Z" in parts else offset_of(parts["z"]) if "z" in parts else None
        if zone is None and "z" in parts:
            msg = f"offset {parts['z']} is out of range"
            raise InvalidValueError(msg)
        try:
            return _day(parts).replace(
                hour=_hour(parts),
                minute=int(parts.get("M", 0)),
                second=int(parts.get("S", 0)),
                microsecond=int(parts.get("f", "0")[:6].ljust(6, "0")),
                tzinfo=zone,
            )
        except (ValueError, OverflowError) as error:
            raise InvalidValueError(str(error)) from None


def _expression(before: str, part: str, after: str) -> str:
    """Return the regular expression of a part of a pattern between two others."""
    if part == "%%":
        return "%"
    if part[0] != "%":
        return r"\s+" if part.isspace() else re.escape(part)
    name = part[1:]
    if name in WORDS:
        return f"(?P<{name}>{WORDS[name]})" if name in "zZ" else f"(?P<{name}>(?i:{WORDS[name]}))"
    least = DIGITS[name] if name in "YyG" or _is_digit(before, -1) or _is_digit(after, 0) else 1
    return f"(?P<{name}>[0-9]{{{least},{DIGITS[name]}}})"


def _is_digit(part: str, place: int) -> bool:
    """Whether a part of a pattern begins (``place`` 0) or ends (-1) with a digit."""
    is_number = part[:1] == "%" and (part[1:] in DIGITS or part[1:] == "f")
    return is_number or (part[:1] != "%" and part[place : place + 1 or None].isdigit())


def _day(parts: dict[str, str]) -> datetime:
    weekday = _day_of_week(parts)
    if "G" in parts:
        return datetime.fromisocalendar(int(parts["G"]), int(parts["V"]), weekday + 1)
    if "Y" in parts:
        year = int(parts["Y"])
    else:
        year = int(parts["y"])
        year += 2000 if year < CENTURY_CHANGE else 1900
    if week := parts.get("U") or parts.get("W"):
        return _day_in_week(year, "U" if "U" in parts else "W", week, weekday)
    if "j" in parts:
        day = datetime(year, 1, 1) + timedelta(days=int(parts["j"]) - 1)
        if day.year != year or not int(parts["j"]):
            msg = "day of the year is out of range"
            raise InvalidValueError(msg)
    else:
        month = parts.get("m") or _place_in(MONTHS, parts.get("b") or parts["B"]) + 1
        day = datetime(year, int(month), int(parts["d"]))
    if weekday not in (NO_DAY, day.weekday()):
        msg = f"that day is a {DAYS[day.weekday()].capitalize()}"
        raise InvalidValueError(msg)
    return day


def _day_of_week(parts: dict[str, str]) -> int:
    """Return the day of the week; Monday is 0."""
    if name := parts.get("a") or parts.get("A"):
        return _place_in(DAYS, name)
    number = parts.get("u") or parts.get("w")
    if number is None:
        return NO_DAY
    last = len(DAYS) if "u" in parts else len(DAYS) - 1
    if not last - len(DAYS) < int(number) <= last:
        msg = "day of the week is out of range"
        raise InvalidValueError(msg)
    return (int(number) - 1) % len(DAYS)


def _day_in_week(year: int, directive: str, week: str, weekday: int) -> datetime:
    """Return a day of a week that is counted from the first Sunday (``U``) or Monday (``W``) of a year."""
    text = f"{year:04d} {week} {(weekday + 1) % len(DAYS)}"
    try:
        day = datetime.strptime(text, f"%Y %{directive} %w")
    except ValueError:
        day = None
    if day is None or day.year != year:
        msg = "that year has no such day"
        raise InvalidValueError(msg)
    return day


def _hour(parts: dict[str, str]) -> int:
    if "I" not in parts:
        return int(parts.get("H", 0))
    hour = int(parts["I"])
    if not 1 <= hour <= NOON:
        msg = "an hour with AM or PM is from 1 to 12"
        raise InvalidValueError(msg)
    return hour % NOON + (NOON if parts["p"].lower() == "pm" else 0)


def _place_in(names: tuple[str, ...], start: str) -> int:
    return next(number for number, name in enumerate(names) if name.startswith(start.lower()))


def since_epoch(value: Any, unit: str, text: NumberText) -> datetime | None:
    """Return the moment that a number since the epoch stands for; ``None`` for what is no number.

    Whatever is finer than a microsecond is cut off.

    :param text: reads numbers that come as text.
    :raises InvalidValueError: for one out of range.
    """
    if isinstance(value, str):
        try:
            value = Decimal(text.plain(value))
        except InvalidValueError:
            return None
    elif isinstance(value, float):
        if not isfinite(value):
            return None
        value = Decimal(float.__repr__(value))  # as it was written, not as it is stored
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        if isinstance(value, Decimal):
            if not value.is_finite():
                return None
            whole, fraction = _split(value)
        else:
            whole, fraction = int(value), Decimal(0)
        nanoseconds = whole * UNITS[unit] + int(fraction * UNITS[unit] // 1)
        return EPOCH + timedelta(microseconds=nanoseconds // MICROSECOND)
    except (OverflowError, ArithmeticError):
        msg = f"out of the range of timestamps as {unit} since 1970"
        raise InvalidValueError(msg) from None


def _split(value: Decimal) -> tuple[int, Decimal]:
    """Return the whole part, rounded down, and the rest."""
    if value.adjusted() > MOST_DIGITS:
        raise OverflowError
    whole = int(value.to_integral_value("ROUND_FLOOR"))
    return whole, value - whole
