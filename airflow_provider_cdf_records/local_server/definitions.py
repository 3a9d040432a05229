"""Create spaces, containers and streams from a file.

.. code-block:: yaml

    spaces: [plant]
    containers:
      - space: plant
        externalId: Alarm
        properties:
          severity: text
          tags: [text]                                  # a list
          state: {type: enum, values: {open: {}, shut: {}}, nullable: false}
    streams:
      - alarms                                          # from a mutable template
      - {externalId: archive, template: BasicArchive}

The API's own form of each is accepted too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.state.project import Project

KINDS = ("spaces", "containers", "streams")
OUTSIDE_TYPE = frozenset({"nullable", "defaultValue", "name", "description", "immutable", "autoIncrement"})


class DefinitionsError(ValueError):
    """The definitions cannot be used; the message says why."""


def load(project: Project, definitions: str | Path | Mapping[str, Any]) -> None:
    """Create what a file, or a mapping of the same form, defines; streams that exist are left alone.

    :raises DefinitionsError: naming the definition that is wrong.
    """
    name, content = "definitions", definitions
    if isinstance(definitions, str | Path):
        name, content = str(definitions), _read(Path(definitions))
    if not isinstance(content, Mapping) or not content.keys() <= set(KINDS):
        raise DefinitionsError(f"{name}: expected an object of {', '.join(KINDS)}.")
    make: dict[str, Callable[[Any], None]] = {
        "spaces": lambda item: _make(project.schema.create_spaces, _space(item)),
        "containers": lambda item: _make(project.schema.create_containers, _container(item)),
        "streams": lambda item: _make_stream(project, _stream(item)),
    }
    for kind in KINDS:
        items = content.get(kind) or []
        if not isinstance(items, list):
            raise DefinitionsError(f"{name}: {kind}: expected a list.")
        for number, item in enumerate(items):
            try:
                make[kind](item)
            except ApiError as error:
                message = error.message.removeprefix("items[0]").lstrip(".: ")
                raise DefinitionsError(f"{name}: {kind}[{number}]: {message}") from None


def _read(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DefinitionsError(f"{path}: {error.strerror}") from None
    if path.suffix == ".json":
        try:
            return msgspec.json.decode(content)
        except (ValueError, msgspec.MsgspecError) as error:
            raise DefinitionsError(f"{path}: not JSON: {error}") from None
    try:
        import yaml  # noqa: PLC0415 (comes with Airflow, without which the server must run)
    except ImportError:
        raise DefinitionsError(
            f"{path}: YAML needs pyyaml: pip install pyyaml. JSON works without it."
        ) from None
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise DefinitionsError(f"{path}: not YAML: {error}") from None


def _make(create: Callable[[Any], Any], item: Any) -> None:
    create({"items": [item]})


def _make_stream(project: Project, item: Any) -> None:
    if not project.streams.has(item.get("externalId") if isinstance(item, dict) else None):
        _make(project.streams.create, item)


def _space(item: Any) -> Any:
    return {"space": item} if isinstance(item, str) else item


def _stream(item: Any) -> Any:
    if isinstance(item, str):
        item = {"externalId": item}
    if isinstance(item, dict) and "settings" not in item:
        template = item.get("template", facts.DEFAULT_TEMPLATE)
        return {"externalId": item.get("externalId"), "settings": {"template": {"name": template}}}
    return item


def _container(item: Any) -> Any:
    if not isinstance(item, dict) or not isinstance(item.get("properties"), dict):
        return item
    properties = {name: _property(definition) for name, definition in item["properties"].items()}
    return {"usedFor": "record"} | item | {"properties": properties}


def _property(definition: Any) -> Any:
    if isinstance(definition, str):
        return {"type": {"type": definition}}
    if isinstance(definition, list) and len(definition) == 1:
        return {"type": {"type": definition[0], "list": True}}
    if isinstance(definition, dict) and isinstance(definition.get("type"), str):
        outside = {name: value for name, value in definition.items() if name in OUTSIDE_TYPE}
        inside = {name: value for name, value in definition.items() if name not in OUTSIDE_TYPE}
        return {"type": inside} | outside
    return definition
