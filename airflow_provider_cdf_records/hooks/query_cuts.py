"""Cuts between the lowest and the highest value of a column, as parameters that compare with its values."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.records.identifiers import shortened

MAX_WHOLE = 2**63  # of the numbers that every database takes as whole ones
ZONE = "Z+-:0123456789"  # the signs of a time zone, with which a pattern may end
MOMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?P<between>[T ])(?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2})?(?P<fraction>\.[0-9]{1,9})?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def lowest_and_highest(values: list[Any], column: str) -> tuple[Any, Any, str | None]:
    """Return both as one kind of value, and the pattern of texts; ``None`` where there is none.

    :raises InvalidArgumentError: when there are not two.
    :raises SourceError: when nothing can be between them.
    """
    if len(values) != 2:  # noqa: PLR2004
        msg = f"bounds must give two values, the lowest and the highest, got {len(values)}."
        raise InvalidArgumentError(msg)
    (low, form), (high, form_of_high) = map(_read, values)
    if low is None or high is None:
        return None, None, None
    for value in (low, high):
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        if not (is_number or isinstance(value, date)) or (is_number and not math.isfinite(value)):
            msg = (
                f"column {column!r} has {shortened(repr(value))} as its lowest or highest value, which "
                "cannot be cut into ranges: choose a column of finite numbers or times, or give bounds."
            )
            raise SourceError(msg)
    if _kind_of(low) is not _kind_of(high):
        msg = (
            f"bounds must give two values of one kind, got {shortened(repr(low))} and "
            f"{shortened(repr(high))}: let the query cast them to the type of the column."
        )
        raise SourceError(msg)
    if form is None or form_of_high is None:
        return low, high, None
    if form.rstrip(ZONE) != form_of_high.rstrip(ZONE) or (form[-1] in ZONE) != (form_of_high[-1] in ZONE):
        msg = (
            f"column {column!r} holds moments in several forms, such as {values[0]!r} and {values[1]!r}, "
            "which the database compares letter by letter: give as column what makes them one form, such as "
            f"datetime({column}) in SQLite, and bounds for it."
        )
        raise SourceError(msg)
    return low, high, form


def _read(value: Any) -> tuple[Any, str | None]:
    """Return the moment or day of a text, without its time zone, and the pattern; another value as it is.

    Texts compare letter by letter, so what comes between two of them must be written as they are.
    """
    found = MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value, None
    try:
        if found["between"] is None:
            return date.fromisoformat(value), "%Y-%m-%d"
        fraction = (found["fraction"] or ".0")[:7].ljust(7, "0")
        text = f"{found['day']} {found['minute']}{found['second'] or ':00'}{fraction}"
        return datetime.fromisoformat(text), f"%Y-%m-%d{found['between']}%H:%M:%S{found['zone'] or ''}"
    except ValueError:
        return value, None


def _kind_of(value: Any) -> object:
    """Return what a value has in common with those that it can be compared with."""
    if isinstance(value, datetime):
        return "moment" if value.tzinfo is None else "moment of a time zone"
    return "day" if isinstance(value, date) else "number"


def cuts_between(low: Any, high: Any, parts: int, form: str | None = None) -> list[Any]:
    """Return the values between the ranges, as parameters, in their order.

    :param form: the pattern of the texts that the column holds.
    """
    if low is None or parts == 1 or low >= high:
        return []
    numbers = range(1, parts)
    if isinstance(low, datetime):
        step = (high - low) / parts
        between: list[Any] = [low + step * number for number in numbers]
        if form is not None and step >= timedelta(seconds=1):
            between = [cut.replace(microsecond=0) for cut in between]
        elif form is not None:  # all of one length, so that letters sort them as time does
            form = form.replace("%S", "%S.%f")
    elif isinstance(low, date):
        days = (high - low).days
        between = [low + timedelta(days * number // parts) for number in numbers]
    elif isinstance(low, int) and isinstance(high, int):
        between = [low + (high - low + 1) * number // parts for number in numbers]
    else:
        start, span = Fraction(low), Fraction(high) - Fraction(low)
        between = [start + span * number / parts for number in numbers]
        # Where whole numbers cut evenly, they do, since every database compares them alike.
        is_whole = span >= 1000 * parts and max(-start, start + span) < MAX_WHOLE
        between = list(map(math.ceil if is_whole else float, between))
    return [_as_parameter(cut, form) for cut in sorted(set(between)) if low < cut <= high]


def _as_parameter(cut: Any, form: str | None) -> Any:
    """Return plain JSON."""
    if not isinstance(cut, date):
        return cut
    kind = "timestamp" if isinstance(cut, datetime) else "date"
    return {kind: cut.isoformat()} | ({} if form is None else {"format": form})
