"""Compile CDF's filter language to functions that test a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.reading import a_list, a_string, an_object, bad_request
from airflow_provider_cdf_records.local_server.checks.values import TIMESTAMP, instant
from airflow_provider_cdf_records.local_server.language.intervals import epoch_ms

# A record as it is answered: space, externalId, createdTime, lastUpdatedTime, properties.
Fields = dict[str, Any]
Matches = Callable[[Fields], bool]
Comparable = Callable[[Any], Any]  # from a value to what it is compared by

TOP_LEVEL = frozenset({"space", "externalId", "createdTime", "lastUpdatedTime"})
BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def compile_filter(expression: object, where: str = "filter", depth: int = 0) -> Matches:
    """Return a function that tells whether a record matches.

    :raises ApiError: naming the part of the expression that is wrong.
    """
    if depth > facts.MAX_FILTER_DEPTH:
        raise bad_request(f"{where}: nested more than {facts.MAX_FILTER_DEPTH} deep.")
    one = an_object(expression, where)
    if len(one) != 1:
        raise bad_request(f"{where}: expected one operator, got {len(one)}.")
    ((operator, argument),) = one.items()
    where = f"{where}.{operator}"
    if operator in ("and", "or"):
        parts = [
            compile_filter(part, f"{where}[{index}]", depth + 1)
            for index, part in enumerate(a_list(argument, where))
        ]
        together = all if operator == "and" else any
        return lambda fields: together(part(fields) for part in parts)
    if operator == "not":
        inner = compile_filter(argument, where, depth + 1)
        return lambda fields: not inner(fields)
    if operator not in LEAVES:
        known = ", ".join(["and", "or", "not", *LEAVES])
        raise bad_request(f"{where}: not a filter of records; known are {known}.")
    return LEAVES[operator](argument if operator == "hasData" else an_object(argument, where), where)


def property_reader(path: object, where: str) -> Callable[[Fields], Any]:
    """Return a function that reads ``[space, container, property]``, or a top-level one, ``["space"]``."""
    parts = a_list(path, f"{where}.property")
    if not all(isinstance(part, str) for part in parts):
        raise bad_request(f"{where}.property: expected strings.")
    if len(parts) == 1 and parts[0] in TOP_LEVEL:
        return lambda fields: fields[parts[0]]
    if len(parts) != 3:  # noqa: PLR2004 (space, container, property)
        raise bad_request(
            f"{where}.property: expected [space, container, property], or one of {sorted(TOP_LEVEL)}."
        )
    space, container, name = parts
    return lambda fields: fields["properties"].get(space, {}).get(container, {}).get(name)


def comparable(value: Any) -> Any:
    """Return what a value is compared by: a timestamp by its moment, any other value by itself."""
    if isinstance(value, str) and TIMESTAMP.fullmatch(value):
        return instant(value) or value
    return value


def comparison_of(path: object, where: str) -> Comparable:
    """Return what values of a property are compared by.

    Identifiers are texts even where they look like times, and the times of a record are also given as text.
    """
    if path in (["space"], ["externalId"]):
        return lambda value: value
    if path in (["createdTime"], ["lastUpdatedTime"]):
        return lambda value: epoch_ms(value, where)
    return comparable


def _same(value: Any, wanted: Any, compared: Comparable = comparable) -> bool:
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return bool(compared(value) == compared(wanted))


def _any_item(value: Any, test: Callable[[Any], bool]) -> bool:
    """Test a value; a list passes when one of its items does."""
    return any(map(test, value)) if isinstance(value, list) else test(value)


def _needed(argument: Fields, name: str, where: str) -> Any:
    if name not in argument:
        raise bad_request(f"{where}.{name}: is missing.")
    return argument[name]


def _equals(argument: Fields, where: str) -> Matches:
    read, wanted = property_reader(argument.get("property"), where), _needed(argument, "value", where)
    compared = comparison_of(argument.get("property"), where)

    def matches(fields: Fields) -> bool:
        value = read(fields)
        return _same(value, wanted, compared) or _any_item(value, lambda item: _same(item, wanted, compared))

    return matches


def _in(argument: Fields, where: str) -> Matches:
    read = property_reader(argument.get("property"), where)
    wanted = a_list(_needed(argument, "values", where), f"{where}.values")
    if len(wanted) > facts.MAX_IN_VALUES:
        raise bad_request(f"{where}.values: expected at most {facts.MAX_IN_VALUES}, got {len(wanted)}.")
    compared = comparison_of(argument.get("property"), where)
    return lambda fields: _any_item(
        read(fields), lambda item: any(_same(item, one, compared) for one in wanted)
    )


def _range(argument: Fields, where: str) -> Matches:
    read = property_reader(argument.get("property"), where)
    compared = comparison_of(argument.get("property"), where)
    bounds = [(BOUNDS[name], compared(argument[name])) for name in BOUNDS if argument.get(name) is not None]
    if not bounds:
        raise bad_request(f"{where}: expected at least one of {', '.join(BOUNDS)}.")

    def within(item: Any) -> bool:
        try:
            return item is not None and all(test(compared(item), bound) for test, bound in bounds)
        except TypeError:
            return False

    return lambda fields: _any_item(read(fields), within)


def _prefix(argument: Fields, where: str) -> Matches:
    read, prefix = property_reader(argument.get("property"), where), _needed(argument, "value", where)
    if not isinstance(prefix, str):
        raise bad_request(f"{where}.value: expected a string.")
    return lambda fields: _any_item(
        read(fields), lambda item: isinstance(item, str) and item.startswith(prefix)
    )


def _exists(argument: Fields, where: str) -> Matches:
    read = property_reader(argument.get("property"), where)
    return lambda fields: read(fields) is not None


def _contains(together: Callable[[Any], bool]) -> Callable[[Fields, str], Matches]:
    def compile_contains(argument: Fields, where: str) -> Matches:
        read = property_reader(argument.get("property"), where)
        wanted = a_list(_needed(argument, "values", where), f"{where}.values")

        def matches(fields: Fields) -> bool:
            held = read(fields)
            held = held if isinstance(held, list) else [held]
            return together(any(_same(item, one) for item in held) for one in wanted)

        return matches

    return compile_contains


def _has_data(argument: Any, where: str) -> Matches:
    sources = [an_object(source, f"{where}[{index}]") for index, source in enumerate(a_list(argument, where))]
    keys = [
        (a_string(source.get("space"), where), a_string(source.get("externalId"), where))
        for source in sources
    ]
    return lambda fields: all(fields["properties"].get(space, {}).get(name) for space, name in keys)


def _match_all(_: Fields, __: str) -> Matches:
    return lambda _: True


LEAVES: dict[str, Callable[[Any, str], Matches]] = {
    "equals": _equals,
    "in": _in,
    "range": _range,
    "prefix": _prefix,
    "exists": _exists,
    "hasData": _has_data,
    "containsAny": _contains(any),
    "containsAll": _contains(all),
    "matchAll": _match_all,
}
