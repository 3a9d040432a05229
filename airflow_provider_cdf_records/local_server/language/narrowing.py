"""What a filter tells about the times and identities of the records that match it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.language.intervals import epoch_ms

EARLIEST, LATEST = -(2**62), 2**62  # milliseconds; any time beyond counts as one of these
MOST_NAMES = 1000  # that are told one by one
TIMES = (["createdTime"], ["lastUpdatedTime"])

Names = frozenset[str] | None  # None: any


@dataclass(frozen=True)
class Narrowing:
    """Records outside of this do not match.

    :ivar since, until: the first and the last ``lastUpdatedTime``.
    :ivar spaces, external_ids: ``None`` where any may match.
    :ivar exact: whether all records inside match.
    """

    since: int = EARLIEST
    until: int = LATEST
    spaces: Names = None
    external_ids: Names = None
    exact: bool = True


ALL, PERHAPS_ALL = Narrowing(), Narrowing(exact=False)


def narrow(filter: Any, bounds: Mapping[str, int]) -> Narrowing | None:
    """Return what a filter that was compiled, and bounds of ``lastUpdatedTime``, tell about matching records.

    ``None`` where the filter refuses records by their values, so that each must be tested.
    """
    try:
        by_filter = ALL if filter is None else _of(filter)
    except ApiError:
        return None
    return _both(by_filter, _between(bounds))


def _of(filter: Any) -> Narrowing:
    ((operator, argument),) = filter.items()
    if operator == "and":
        return reduce(_both, map(_of, argument), ALL)
    if operator == "or":
        parts = [_of(part) for part in argument]
        return replace(reduce(_either, parts), exact=False) if parts else PERHAPS_ALL
    if operator == "not":
        _of(argument)
        return PERHAPS_ALL
    return LEAVES.get(operator, lambda _: PERHAPS_ALL)(argument)


def _equals(argument: Any) -> Narrowing:
    return _one_of(argument["property"], [argument["value"]])


def _in(argument: Any) -> Narrowing:
    return _one_of(argument["property"], argument["values"])


def _one_of(path: Any, values: list[Any]) -> Narrowing:
    if path == ["space"]:
        return Narrowing(spaces=_names(values))
    if path == ["externalId"]:
        return Narrowing(external_ids=_names(values))
    if path in TIMES:
        times = [_clamped(epoch_ms(value, "value")) for value in values]
        if times and path == ["lastUpdatedTime"]:
            return Narrowing(min(times), max(times), exact=False)
    return PERHAPS_ALL


def _range(argument: Any) -> Narrowing:
    if argument["property"] != ["lastUpdatedTime"]:
        return PERHAPS_ALL
    bounds = {name: argument.get(name) for name in ("gt", "gte", "lt", "lte")}
    return _between({name: epoch_ms(bound, name) for name, bound in bounds.items() if bound is not None})


def _between(bounds: Mapping[str, int]) -> Narrowing:
    since = [bounds[name] + more for name, more in (("gt", 1), ("gte", 0)) if name in bounds]
    until = [bounds[name] - less for name, less in (("lt", 1), ("lte", 0)) if name in bounds]
    return Narrowing(_clamped(max(since, default=EARLIEST)), _clamped(min(until, default=LATEST)))


def _both(one: Narrowing, other: Narrowing) -> Narrowing:
    return Narrowing(
        max(one.since, other.since),
        min(one.until, other.until),
        _common(one.spaces, other.spaces),
        _common(one.external_ids, other.external_ids),
        one.exact and other.exact,
    )


def _either(one: Narrowing, other: Narrowing) -> Narrowing:
    return Narrowing(
        min(one.since, other.since),
        max(one.until, other.until),
        _all_of(one.spaces, other.spaces),
        _all_of(one.external_ids, other.external_ids),
        exact=False,
    )


def _common(one: Names, other: Names) -> Names:
    return other if one is None else one if other is None else one & other


def _all_of(one: Names, other: Names) -> Names:
    names = None if one is None or other is None else one | other
    return None if names is None or len(names) > MOST_NAMES else names


def _clamped(time: int) -> int:
    return min(max(time, EARLIEST), LATEST)


def _names(values: list[Any]) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str) and _is_unicode(value))


def _is_unicode(text: str) -> bool:
    """Tell whether a text has no lone surrogates, which no identity has, and SQLite does not take."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


LEAVES: dict[str, Callable[[Any], Narrowing]] = {
    "equals": _equals,
    "in": _in,
    "range": _range,
    "matchAll": lambda _: ALL,
}
