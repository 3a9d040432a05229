"""Finds the few values that do not fit what nearly all others of a column are."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_cdf_records.commands.columns import NULL_TEXTS, Column
from airflow_provider_cdf_records.commands.moments import is_moment, suggests_time
from airflow_provider_cdf_records.commands.numbers import is_number

LEAST_SHARE = 0.95  # of the values, which fit
LEAST_FITTING = 20


def without_odd_values(column: Column) -> Column:
    """Return a column of the values that fit, with the others as ``odd``, where those are few."""
    texts = column.kept
    if texts is None or column.kinds or column.numbers.styles or column.moments.kind is not None:
        return column
    known = [(position, text.strip()) for position, text in texts if text.strip() not in NULL_TEXTS | {""}]

    def fits_time(text: str) -> bool:
        return is_moment(text, suggests=suggests_time(column.name))

    for fits in (is_number, fits_time):
        odd = _odd(known, fits)
        if odd:
            found = Column(column.name)
            numbers = {position for position, _ in odd}
            found.add([text for position, text in texts if position not in numbers])
            found.add([None] * column.nulls)
            found.rows = column.rows
            found.odd = odd
            return found
    return column


def _odd(texts: list[tuple[int, str]], fits: Callable[[str], bool]) -> list[tuple[int, str]]:
    """Return the few texts that do not fit; none where they are many."""
    most = len(texts) - max(LEAST_FITTING, LEAST_SHARE * len(texts))
    odd: list[tuple[int, str]] = []
    for text in texts:
        if not fits(text[1]):
            odd.append(text)
            if len(odd) > most:
                return []
    return odd
