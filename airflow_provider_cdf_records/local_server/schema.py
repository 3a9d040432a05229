"""Spaces and containers: the bit of Data Modeling that records need."""

from __future__ import annotations

import time
from typing import Any

from airflow_provider_cdf_records.local_server import facts
from airflow_provider_cdf_records.local_server.containers import CompiledContainer, read_container
from airflow_provider_cdf_records.local_server.errors import ApiError
from airflow_provider_cdf_records.local_server.reading import a_space, items_of
from airflow_provider_cdf_records.local_server.store import Store


class Schema:
    """The project's spaces and containers; the compiled ones are kept for the checks of records."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._spaces = store.spaces()
        self._definitions = {_key(item): item for item in store.containers()}
        self._compiled = {key: CompiledContainer(item) for key, item in self._definitions.items()}

    def create_spaces(self, body: object) -> dict[str, Any]:
        """``POST /models/spaces``."""
        created = []
        for index, item in enumerate(items_of(body, 100)):
            space = a_space(item.get("space"), f"items[{index}].space")
            created.append(_stamped(item | {"isGlobal": False}, self._spaces.get(space)))
        for definition in created:
            self._store.put_space(definition["space"], definition)
            self._spaces[definition["space"]] = definition
        return {"items": created}

    def list_spaces(self) -> dict[str, Any]:
        """``GET /models/spaces``."""
        return {"items": list(self._spaces.values())}

    def spaces_by_ids(self, body: object) -> dict[str, Any]:
        """``POST /models/spaces/byids``."""
        return {
            "items": [self._spaces[i["space"]] for i in items_of(body, 100) if i.get("space") in self._spaces]
        }

    def create_containers(self, body: object) -> dict[str, Any]:
        """``POST /models/containers``."""
        created = []
        for index, item in enumerate(items_of(body, 100)):
            definition = read_container(item, f"items[{index}]")
            self.check_space(definition["space"], f"items[{index}].space")
            existing = self._definitions.get(_key(definition))
            created.append(_stamped(definition | {"isGlobal": False}, existing))
        for definition in created:
            self._store.put_container(definition)
            self._definitions[_key(definition)] = definition
            self._compiled[_key(definition)] = CompiledContainer(definition)
        return {"items": created}

    def list_containers(self) -> dict[str, Any]:
        """``GET /models/containers``."""
        return {"items": list(self._definitions.values())}

    def containers_by_ids(self, body: object) -> dict[str, Any]:
        """``POST /models/containers/byids``."""
        found = [self._definitions.get((i.get("space"), i.get("externalId"))) for i in items_of(body, 100)]
        return {"items": [definition for definition in found if definition]}

    def check_space(self, space: str, where: str) -> None:
        """Refuse a space that does not exist."""
        if space not in self._spaces:
            raise ApiError(
                facts.UNKNOWN_SCHEMA, f"{where}: space {space!r} does not exist.", missing=[{"space": space}]
            )

    def container(self, space: object, external_id: object, where: str) -> CompiledContainer:
        """Return a container that can hold records."""
        compiled = self._compiled.get((space, external_id))
        if compiled is None:
            raise ApiError(
                facts.UNKNOWN_SCHEMA,
                f"{where}: container {space}/{external_id} does not exist.",
                missing=[{"type": "container", "space": space, "externalId": external_id}],
            )
        if not compiled.for_records:
            raise ApiError(
                facts.UNKNOWN_SCHEMA,
                f"{where}: container {space}/{external_id} is not usedFor 'record' or 'all'.",
            )
        return compiled

    def definition(self, space: str, external_id: str) -> dict[str, Any]:
        """Return a container's definition; empty where there is none."""
        return self._definitions.get((space, external_id), {})


def _key(definition: dict[str, Any]) -> tuple[Any, Any]:
    return definition["space"], definition["externalId"]


def _stamped(definition: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
    now = time.time_ns() // 1_000_000
    created = existing["createdTime"] if existing else now
    return definition | {"createdTime": created, "lastUpdatedTime": now}
