"""The part of a query that shapes its answer: the order of records, which properties, their types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, Protocol

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.reading import a_list, a_string, an_object, bad_request
from airflow_provider_cdf_records.local_server.language.filters import Fields, comparison_of, property_reader

Properties = dict[str, Any]  # {space: {container: {property: value}}}
Select = Callable[[Properties], Properties]


class Container(Protocol):
    """The part of a container's definition that a query needs."""

    space: str
    external_id: str
    properties: dict[str, Any]


FindContainer = Callable[[dict[str, Any], str], Container]  # source, where
Definition = Callable[[str, str], dict[str, Any]]  # space and external id: a container's definition, or {}


def read_sources(query: dict[str, Any], find_container: FindContainer) -> Select:
    """Return a function that keeps the properties which ``sources`` names; without ``sources``, all.

    :param find_container: returns the container that a source names, or refuses it.
    """
    sources = query.get("sources")
    if sources is None:
        return lambda properties: properties
    selected: dict[tuple[str, str], list[str] | None] = {}
    for index, entry in enumerate(a_list(sources, "sources")):
        where = f"sources[{index}]"
        source = an_object(an_object(entry, where).get("source"), f"{where}.source")
        container = find_container(source, f"{where}.source")
        names = [
            a_string(name, f"{where}.properties")
            for name in a_list(entry.get("properties"), f"{where}.properties")
        ]
        for name in names:
            if name != "*" and name not in container.properties:
                raise bad_request(f"{where}.properties: {name!r} is not a property of the container.")
        selected[container.space, container.external_id] = None if "*" in names else names

    def select(properties: Properties) -> Properties:
        chosen: Properties = {}
        for (space, container), names in selected.items():
            held = properties.get(space, {}).get(container)
            if held is not None:
                kept = held if names is None else {name: held[name] for name in names if name in held}
                chosen.setdefault(space, {})[container] = kept
        return chosen

    return select


def typing_of(properties: Iterable[tuple[str, str, str]], definition_of: Definition) -> dict[str, Any]:
    """Return the definitions of properties, each given as space, container, name."""
    typing: dict[str, Any] = {}
    for space, container, name in sorted(properties):
        definition = definition_of(space, container).get("properties", {})
        if name in definition:
            typing.setdefault(space, {}).setdefault(container, {})[name] = definition[name]
    return typing


def properties_in(items: Iterable[Fields]) -> set[tuple[str, str, str]]:
    """Return space, container and name of each property that any of the records has."""
    return {
        (space, container, name)
        for item in items
        for space, containers in item.get("properties", {}).items()
        for container, held in containers.items()
        for name in held
    }


def sorted_by(found: list[Fields], sort: object) -> list[Fields]:
    """Return records in the order that ``sort`` asks for; those without a value come last."""
    orders = a_list(sort, "sort")
    if len(orders) > facts.MAX_SORT:
        raise bad_request(f"sort: expected at most {facts.MAX_SORT}, got {len(orders)}.")
    for index, entry in reversed(list(enumerate(orders))):
        where = f"sort[{index}]"
        order = an_object(entry, where)
        read = property_reader(order.get("property"), where)
        direction = order.get("direction", "ascending")
        if direction not in ("ascending", "descending"):
            raise bad_request(f"{where}.direction: {direction!r} is neither 'ascending' nor 'descending'.")
        compared = comparison_of(order.get("property"), where)
        keyed = [(compared(read(fields)), fields) for fields in found]
        try:
            with_value = sorted(
                (pair for pair in keyed if pair[0] is not None),
                key=itemgetter(0),
                reverse=direction == "descending",
            )
        except TypeError:
            raise bad_request(f"{where}: the property cannot be sorted by.") from None
        found = [fields for _, fields in with_value] + [fields for key, fields in keyed if key is None]
    return found
