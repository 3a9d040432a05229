"""Spaces and containers: the part of Data Modeling that records need."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.reading import (
    a_schema_id,
    a_space,
    a_string,
    bad_request,
    items_of,
)
from airflow_provider_cdf_records.local_server.state.containers import (
    CompiledContainer,
    check_change,
    read_container,
)
from airflow_provider_cdf_records.local_server.state.quick_reading import QuickContainer
from airflow_provider_cdf_records.local_server.state.store import Store


class Schema:
    """The project's spaces and containers; containers are compiled once, to check records with."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self.version = 0  # rises with each change of a container
        self._spaces = store.spaces()
        self._definitions = {_key(item): item for item in store.containers()}
        self._compiled = {key: CompiledContainer(item) for key, item in self._definitions.items()}

    def create_spaces(self, body: object) -> dict[str, Any]:
        """``POST /models/spaces``."""
        created = []
        with self._lock:
            for index, item in enumerate(items_of(body, facts.MAX_SCHEMA_ITEMS)):
                space = a_space(item.get("space"), f"items[{index}].space")
                created.append(self._stamped(item | {"isGlobal": False}, self._spaces.get(space)))
            for definition in created:
                self._store.put_space(definition["space"], definition)
                self._spaces[definition["space"]] = definition
        return {"items": created}

    def list_spaces(self, query: Mapping[str, str]) -> dict[str, Any]:
        """``GET /models/spaces``."""
        return _page(list(self._spaces.values()), query)

    def spaces_by_ids(self, body: object) -> dict[str, Any]:
        """``POST /models/spaces/byids``; unknown ones are ignored."""
        wanted = [
            a_string(item.get("space"), f"items[{n}].space")
            for n, item in enumerate(items_of(body, facts.MAX_SCHEMA_ITEMS))
        ]
        return {"items": [self._spaces[space] for space in wanted if space in self._spaces]}

    def create_containers(self, body: object) -> dict[str, Any]:
        """``POST /models/containers``."""
        created = []
        with self._lock:
            for index, item in enumerate(items_of(body, facts.MAX_SCHEMA_ITEMS)):
                definition = read_container(item, f"items[{index}]")
                self.check_space(definition["space"], f"items[{index}].space")
                existing = self._definitions.get(_key(definition))
                if existing:
                    check_change(existing, definition, f"items[{index}]")
                created.append(self._stamped(definition | {"isGlobal": False}, existing))
            for definition in created:
                self._store.put_container(definition)
                self._definitions[_key(definition)] = definition
                self._compiled[_key(definition)] = CompiledContainer(definition)
                self.version += 1
        return {"items": created}

    def list_containers(self, query: Mapping[str, str]) -> dict[str, Any]:
        """``GET /models/containers``, of one space where ``space`` is given."""
        space = query.get("space")
        found = [item for item in self.definitions() if space in (None, item["space"])]
        return _page(found, query)

    def containers_by_ids(self, body: object) -> dict[str, Any]:
        """``POST /models/containers/byids``; unknown ones are ignored."""
        wanted = [
            (
                a_string(item.get("space"), f"items[{n}].space"),
                a_string(item.get("externalId"), f"items[{n}].externalId"),
            )
            for n, item in enumerate(items_of(body, facts.MAX_SCHEMA_ITEMS))
        ]
        return {"items": [self._definitions[key] for key in wanted if key in self._definitions]}

    def has_space(self, space: str) -> bool:
        """Tell whether a space exists."""
        return space in self._spaces

    def check_space(self, space: str, where: str) -> None:
        """Refuse a space that does not exist."""
        if space not in self._spaces:
            raise ApiError(
                facts.UNKNOWN_SCHEMA, f"{where}: space {space!r} does not exist.", missing=[{"space": space}]
            )

    def container(self, source: dict[str, Any], where: str) -> CompiledContainer:
        """Return the container that a source names; refuse one that cannot hold records."""
        space = a_space(source.get("space"), f"{where}.space")
        external_id = a_schema_id(source.get("externalId"), f"{where}.externalId")
        compiled = self._compiled.get((space, external_id))
        if compiled is None:
            raise ApiError(
                facts.UNKNOWN_SCHEMA,
                f"{where}: container {space}/{external_id} does not exist.",
                missing=[{"type": "container", "space": space, "externalId": external_id}],
            )
        if compiled.used_for != facts.FOR_RECORDS:
            raise ApiError(
                facts.UNKNOWN_SCHEMA,
                f"{where}: container {space}/{external_id} is usedFor {compiled.used_for!r}; "
                "records need one that is usedFor 'record'.",
            )
        return compiled

    def quick_container(self, space: str, external_id: str) -> QuickContainer | None:
        """Return what reads most records of a container at less cost, where there is something."""
        compiled = self._compiled.get((space, external_id))
        return compiled.quick if compiled is not None and compiled.used_for == facts.FOR_RECORDS else None

    def property_type(self, space: str, container: str, name: str, where: str) -> str:
        """Return the type of a container's property, such as ``text``."""
        properties = self.definition(space, container).get("properties", {})
        if name not in properties:
            raise ApiError(
                facts.UNKNOWN_SCHEMA, f"{where}: there is no property {name!r} in {space}/{container}."
            )
        return str(properties[name]["type"]["type"])

    def definitions(self) -> list[dict[str, Any]]:
        """Return the definitions of all containers."""
        return list(self._definitions.values())

    def definition(self, space: str, external_id: str) -> dict[str, Any]:
        """Return a container's definition; empty where there is none."""
        return self._definitions.get((space, external_id), {})

    def _stamped(self, definition: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
        now = self._store.clock.now_ms()
        created = existing["createdTime"] if existing else now
        return definition | {"createdTime": created, "lastUpdatedTime": now}


def _page(items: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Return the part of a list that ``limit`` and ``cursor`` ask for; the cursor is an index."""
    try:
        limit, start = int(query.get("limit", facts.DEFAULT_LIMIT)), int(query.get("cursor", 0))
    except ValueError:
        raise bad_request("limit, cursor: expected integers.") from None
    if not 1 <= limit <= facts.MAX_LIMIT or start < 0:
        raise bad_request(f"limit: expected 1 to {facts.MAX_LIMIT}.")
    page: dict[str, Any] = {"items": items[start : start + limit]}
    return page | {"nextCursor": str(start + limit)} if start + limit < len(items) else page


def _key(definition: dict[str, Any]) -> tuple[Any, Any]:
    return definition["space"], definition["externalId"]
