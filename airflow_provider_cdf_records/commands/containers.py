"""What is known of containers: from a file that defines them, or from CDF."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.commands.opening import open_path
from airflow_provider_cdf_records.load.preflight import schema_of
from airflow_provider_cdf_records.mapping import MappingSpec, Schema, is_definition

OUTSIDE_TYPE = frozenset({"nullable", "defaultValue", "name", "description", "immutable", "autoIncrement"})


def schema_in(path: str) -> Schema:
    """Return what a file defines, YAML or JSON, in the form that the local server takes.

    :raises UsageError: when it cannot be read, or defines no containers.
    """
    content = _content(path)
    containers = content.get("containers") if isinstance(content, Mapping) else None
    if not isinstance(containers, list) or not containers:
        msg = f"--containers {path} must be an object with a list 'containers'."
        raise UsageError(msg)
    definitions = [_container(item) for item in containers]
    for number, definition in enumerate(definitions):
        if not is_definition(definition):
            what = "space, externalId and properties with types"
            msg = f"--containers {path}: containers[{number}] must have {what}."
            raise UsageError(msg)
    return Schema(definitions, complete=True)


def schema_in_cdf(conn_id: str, spec: MappingSpec) -> Schema:
    """Return the containers of a mapping as CDF defines them.

    :param conn_id: an Airflow connection.
    """
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415 (needs Airflow)

    with CdfRecordsHook(conn_id).get_conn() as client:
        return schema_of(client, [source.id for source in spec.sources])


def _content(path: str) -> Any:
    try:
        with open_path(path).open("rb") as file:
            text = file.read()
    except OSError as error:
        msg = f"--containers {path} cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    if path.endswith(".json"):
        try:
            return json.loads(text)
        except ValueError as error:
            msg = f"--containers {path} is not JSON: {error}"
            raise UsageError(msg) from None
    import yaml  # noqa: PLC0415

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"--containers {path} is not YAML: {error}"
        raise UsageError(msg) from None


def _container(item: Any) -> Any:
    """Return a definition in the API's own form."""
    if not isinstance(item, Mapping) or not isinstance(item.get("properties"), Mapping):
        return item
    properties = {name: _property(definition) for name, definition in item["properties"].items()}
    return {"usedFor": "record", **item, "properties": properties}


def _property(definition: Any) -> Any:
    if isinstance(definition, str):
        return {"type": {"type": definition}}
    if isinstance(definition, list) and len(definition) == 1:
        return {"type": {"type": definition[0], "list": True}}
    if isinstance(definition, Mapping) and isinstance(definition.get("type"), str):
        outside = {name: value for name, value in definition.items() if name in OUTSIDE_TYPE}
        inside = {name: value for name, value in definition.items() if name not in OUTSIDE_TYPE}
        return {"type": inside, **outside}
    return definition
