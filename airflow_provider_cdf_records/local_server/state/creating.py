"""Create what records name and the project does not have, so that nothing must be set up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.reading import a_property_name, a_schema_id, a_space
from airflow_provider_cdf_records.local_server.checks.values import DATE, TIMESTAMP
from airflow_provider_cdf_records.local_server.state.schema import Schema
from airflow_provider_cdf_records.local_server.state.streams import Streams

DIRECT = {"space", "externalId"}


class MissingCreator:
    """Create streams, spaces, containers and properties; a property's type follows from its first values.

    Items that are not shaped like records, and names that nothing can have, are left to the checks that
    follow, which name the item.
    """

    def __init__(self, schema: Schema, streams: Streams) -> None:
        self._schema = schema
        self._streams = streams
        self._lock = threading.Lock()

    def prepare(self, stream_id: str, body: object) -> None:
        """Create what the records of a request name."""
        items = body.get("items") if isinstance(body, dict) else None
        records = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        with self._lock:
            if not self._streams.has(stream_id):
                settings = {"template": {"name": facts.DEFAULT_TEMPLATE}}
                self._streams.create({"items": [{"externalId": stream_id, "settings": settings}]})
            wanted = _properties_of(records)
            named = [record.get("space") for record in records] + [space for space, _ in wanted]
            for space in named:
                if _is_valid(space, a_space) and not self._schema.has_space(space):
                    self._schema.create_spaces({"items": [{"space": space}]})
            for (space, name), values in wanted.items():
                if _is_valid(space, a_space) and _is_valid(name, a_schema_id):
                    self._make_container(space, name, values)

    def _make_container(self, space: str, name: str, values: dict[str, list[Any]]) -> None:
        existing = self._schema.definition(space, name)
        properties = existing.get("properties", {})
        missing = {
            key: {"type": infer_type(held)}
            for key, held in values.items()
            if key not in properties and _is_valid(key, a_property_name)
        }
        if missing:
            definition = existing or {"space": space, "externalId": name, "usedFor": "record"}
            self._schema.create_containers({"items": [definition | {"properties": properties | missing}]})


def _is_valid(name: object, check: Callable[[object, str], str]) -> TypeGuard[str]:
    try:
        check(name, "")
    except ApiError:
        return False
    return True


def infer_type(values: list[Any]) -> dict[str, Any]:
    """Return a type for a property with these values: the type of the first, widened to fit the others."""
    held = [value for value in values if value is not None]
    if held and isinstance(held[0], list):
        inner = [item for value in held if isinstance(value, list) for item in value]
        kind = {"type": "json"} if any(isinstance(item, list) for item in inner) else infer_type(inner)
        return kind if kind == {"type": "json"} else kind | {"list": True}
    match held[0] if held else "":
        case bool():
            return {"type": "boolean"}
        case int() | float():
            return {"type": "float64" if any(isinstance(value, float) for value in held) else "int64"}
        case str():
            return {"type": _text_type([value for value in held if isinstance(value, str)])}
        case dict():
            return {"type": "direct" if all(_is_direct(value) for value in held) else "json"}
        case _:
            return {"type": "json"}


def _text_type(values: list[str]) -> str:
    for kind, pattern in (("timestamp", TIMESTAMP), ("date", DATE)):
        if values and all(pattern.fullmatch(value) for value in values):
            return kind
    return "text"


def _is_direct(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == DIRECT


def _properties_of(records: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, list[Any]]]:
    """Return the values of each property of each container."""
    found: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for source, properties in _sources_of(records):
        match source:
            case {"space": str(space), "externalId": str(name)}:
                values = found.setdefault((space, name), {})
                for key, value in properties.items():
                    values.setdefault(key, []).append(value)
    return found


def _sources_of(records: list[dict[str, Any]]) -> Iterator[tuple[Any, dict[str, Any]]]:
    for record in records:
        sources = record.get("sources")
        for data in sources if isinstance(sources, list) else ():
            if isinstance(data, dict) and isinstance(data.get("properties"), dict):
                yield data.get("source"), data["properties"]
