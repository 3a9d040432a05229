"""Arrow's columns of moments, dates, times and durations.

pyarrow wraps, rounds or guesses where one of them does not fit into a value of Python, so ranges are checked
first. Moments become texts, which also have a place for nanoseconds, and are made faster than objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_cdf_records.records.unreadable import Unreadable

Values = list[Any]

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
SECONDS_A_DAY = 86_400
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # of the years 1 and 9999, counted from 1970
MAX_DAYS = 999_999_999  # of a duration in Python
OUT_OF_YEARS = "outside of the years 1 to 9999"
# What is cut off the end of a text of that unit, so that it does not depend on the unit of the column.
END_OF_MOMENT = {"us": "000$", "ns": "0{6}$|0{3}$"}
END_OF_TIME = {"ms": r"\.0{3}$", "us": r"\.0{6}$|0{3}$", "ns": r"\.0{9}$|0{6}$|0{3}$"}


def read_timestamps(column: Any) -> Values:
    """Return moments as texts, those with a time zone in UTC with ``Z``.

    There are milliseconds in each text, and microseconds and nanoseconds where there are any.
    """
    unit, end = column.type.unit, "" if column.type.tz is None else "Z"
    column = column.view(pa.timestamp(unit))  # no time zone is looked up: Arrow counts in UTC
    a_day = SECONDS_A_DAY * PER_SECOND[unit]
    column, outside = _within(column, pa.int64(), FIRST_DAY * a_day, (LAST_DAY + 1) * a_day - 1)
    return _with_unreadable(_moment_texts(column, end), outside, f"{unit} since 1970, {OUT_OF_YEARS}")


def _moment_texts(column: Any, end: str) -> Values:
    texts = _in_coarsest_unit(column)
    present = texts.drop_null() if texts.null_count else texts
    if not len(present):
        return [None] * len(column)
    joined = pa.ListArray.from_arrays(pa.array([0, len(present)], pa.int32()), present)
    line = pc.binary_join(joined, f"{end}\n")[0].as_py() + end  # one text is made faster than many
    found: Values = line.replace(" ", "T").split("\n")
    return found if len(found) == len(column) else _spread(found, texts)


def _in_coarsest_unit(column: Any) -> Any:
    """Return texts with milliseconds, or with more digits where a moment has them."""
    with suppress(pa.ArrowInvalid):  # where it would lose digits
        return column.cast(pa.timestamp("ms")).cast(pa.string())
    with suppress(pa.ArrowInvalid):
        column = column.cast(pa.timestamp("us"))
    return pc.replace_substring_regex(column.cast(pa.string()), END_OF_MOMENT[column.type.unit], "")


def _spread(values: Values, column: Any) -> Values:
    """Return the values with ``None`` where the column has none."""
    rest = iter(values)
    return [next(rest) if is_valid else None for is_valid in column.is_valid().to_pylist()]


def read_dates(column: Any) -> Values:
    """Return dates of 32 bits as dates of Python."""
    column, outside = _within(column, pa.int32(), FIRST_DAY, LAST_DAY)
    return _with_unreadable(column.to_pylist(), outside, f"days since 1970, {OUT_OF_YEARS}")


def read_long_dates(column: Any) -> Values:
    """Return dates of 64 bits, which count milliseconds, as dates of Python."""
    numbers = column.view(pa.int64())
    a_day = SECONDS_A_DAY * 1000
    column, outside = _within(column, pa.int64(), FIRST_DAY * a_day, (LAST_DAY + 1) * a_day - 1)
    parts = _indices(pc.not_equal(pc.multiply(pc.divide(numbers, a_day), a_day), numbers))
    values = _with_unreadable(column.to_pylist(), _picked(numbers, parts), "ms since 1970, not a whole day")
    return _with_unreadable(values, outside, f"ms since 1970, {OUT_OF_YEARS}")


def read_times(column: Any) -> Values:
    """Return times of day as texts such as ``12:34:56``; with a fraction where there is one."""
    unit = column.type.unit
    a_day = SECONDS_A_DAY * PER_SECOND[unit]
    column, outside = _within(column, pa.int32() if unit in ("s", "ms") else pa.int64(), 0, a_day - 1)
    texts = column.cast(pa.string())
    if unit in END_OF_TIME:
        texts = pc.replace_substring_regex(texts, END_OF_TIME[unit], "")
    return _with_unreadable(texts.to_pylist(), outside, f"{unit} since midnight, which is not a time of day")


def read_durations(column: Any) -> Values:
    """Return durations as Python has them, which no property takes."""
    numbers, unit = column.view(pa.int64()), column.type.unit
    parts: list[tuple[int, Any]] = []
    if unit == "ns":
        whole = pc.divide(numbers, 1000)
        parts = _picked(numbers, _indices(pc.not_equal(pc.multiply(whole, 1000), numbers)))
        column = whole.view(pa.duration("us"))
    longest = MAX_DAYS * SECONDS_A_DAY * PER_SECOND[unit]
    column, outside = _within(column, pa.int64(), -min(longest, 2**63), min(longest, 2**63 - 1))
    values = _with_unreadable(column.to_pylist(), parts, "ns, not whole microseconds")
    return _with_unreadable(values, outside, f"{unit}, too long a duration")


def _within(column: Any, number: Any, lowest: int, highest: int) -> tuple[Any, Sequence[tuple[int, Any]]]:
    """Return a column with nothing in place of the values outside of a range, and those with their indices.

    :param number: the type of integers that the values are made of.
    """
    numbers = column.view(number)
    bounds = pc.min_max(numbers)
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    if least is None or (lowest <= least and most <= highest):
        return column, ()
    is_outside = None
    for is_beyond, bound in ((pc.less, lowest), (pc.greater, highest)):
        if -(2 ** (number.bit_width - 1)) <= bound < 2 ** (number.bit_width - 1):
            found = is_beyond(numbers, pa.scalar(bound, number))
            is_outside = found if is_outside is None else pc.or_(is_outside, found)
    kept = pc.if_else(is_outside, pa.scalar(None, column.type), column)
    return kept, _picked(numbers, _indices(is_outside))


def _indices(flags: Any) -> list[int]:
    return list(pc.indices_nonzero(flags).to_pylist())


def _picked(numbers: Any, indices: list[int]) -> list[tuple[int, Any]]:
    return [(index, numbers[index].as_py()) for index in indices]


def _with_unreadable(values: Values, unreadable: Sequence[tuple[int, Any]], what: str) -> Values:
    for index, number in unreadable:
        values[index] = Unreadable(f"{number} {what}", number)
    return values


READERS: dict[Callable[[Any], bool], Callable[[Any], Values]] = {
    pa.types.is_timestamp: read_timestamps,
    pa.types.is_date32: read_dates,
    pa.types.is_date64: read_long_dates,
    pa.types.is_time: read_times,
    pa.types.is_duration: read_durations,
}
