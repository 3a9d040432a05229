"""Collects what is wrong with a row, and puts it into one message."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice

from airflow_provider_cdf_records.records.identifiers import InvalidRecordError, shortened

MAX_TOLD = 10  # problems of a row that its message tells
MAX_LISTED = 50  # names in a message


def join_problems(problems: Iterable[str]) -> str:
    """Return the first problems of a row as one message, and how many more there are."""
    distinct: Collection[str] = dict.fromkeys(problems)
    told = "; ".join(islice(distinct, MAX_TOLD))
    more = len(distinct) - MAX_TOLD
    return f"{told}; and {more:,} more" if more > 0 else told


def listed(names: Iterable[str], to_text: Callable[[str], str] = repr) -> str:
    """Return names for a message: the first ones, each shortened, and how many more there are."""
    every = list(names)
    more = len(every) - MAX_LISTED
    first = map(shortened, every[:MAX_LISTED])
    told = ", ".join(map(to_text, first)) or "none"
    return f"{told} and {more:,} more" if more > 0 else told


def problem_of(check: Callable[..., object], *arguments: object) -> str | None:
    """Return why a check refuses its arguments; ``None`` when it does not.

    :param check: raises ``InvalidRecordError``.
    """
    try:
        check(*arguments)
    except InvalidRecordError as error:
        return str(error)
    return None
