"""Definitions of containers: checked when they arrive, and compiled to check records with."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.reading import (
    a_property_name,
    a_schema_id,
    a_space,
    an_integer,
    an_object,
    bad_request,
)
from airflow_provider_cdf_records.local_server.checks.values import Check, compile_check
from airflow_provider_cdf_records.local_server.state.quick_reading import QuickContainer


def read_container(item: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a container's definition with its defaults filled in.

    :raises ApiError: naming the property that is wrong.
    """
    used_for = item.get("usedFor", "node")
    if used_for not in facts.USED_FOR:
        raise bad_request(f"{where}.usedFor: {used_for!r} is not one of {', '.join(facts.USED_FOR)}.")
    properties = an_object(item.get("properties"), f"{where}.properties")
    if not properties:
        raise bad_request(f"{where}.properties: a container needs at least one property.")
    if used_for == facts.FOR_RECORDS and len(properties) > facts.MAX_PROPERTIES:
        raise bad_request(
            f"{where}.properties: a container for records can have {facts.MAX_PROPERTIES}, "
            f"got {len(properties)}."
        )
    return item | {
        "space": a_space(item.get("space"), f"{where}.space"),
        "externalId": a_schema_id(item.get("externalId"), f"{where}.externalId"),
        "usedFor": used_for,
        "properties": {
            name: _read_property(name, definition, f"{where}.properties.{name}")
            for name, definition in properties.items()
        },
    }


def check_change(old: dict[str, Any], new: dict[str, Any], where: str) -> None:
    """Refuse to change the type of an existing property: records may hold values of it."""
    for name, definition in new["properties"].items():
        before = old["properties"].get(name, definition)["type"]
        if any(before.get(part) != definition["type"].get(part) for part in ("type", "list")):
            raise ApiError(
                facts.TYPE_CHANGED,
                f"{where}.properties.{name}: is of type {before['type']}, which cannot be changed.",
            )


def _read_property(name: str, definition: object, where: str) -> dict[str, Any]:
    a_property_name(name, where)
    definition = an_object(definition, where)
    kind = an_object(definition.get("type"), f"{where}.type")
    for size, most in (("maxTextSize", facts.MAX_TEXT_BYTES), ("maxListSize", facts.LARGEST_LIST)):
        if kind.get(size) is not None:
            an_integer(kind[size], 1, most, f"{where}.type.{size}")
    check = compile_check(kind, f"{where}.type")
    default = definition.get("defaultValue")
    if default is not None and (wrong := check(default)):
        raise bad_request(f"{where}.defaultValue: {wrong}.")
    filled = {"list": False} | kind
    if kind["type"] == "text":
        filled = {"collation": "ucs_basic"} | filled
    return {
        "nullable": True,
        "autoIncrement": False,
        "immutable": False,
        "constraintState": {},
        **definition,
        "type": filled,
    }


class CompiledContainer:
    """Check the properties that a record has in one container."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.space: str = definition["space"]
        self.external_id: str = definition["externalId"]
        self.used_for: str = definition["usedFor"]
        self.properties: dict[str, Any] = definition["properties"]
        self._checks: dict[str, Check] = {
            name: compile_check(prop["type"], name) for name, prop in self.properties.items()
        }
        self._defaults = {
            name: prop["defaultValue"]
            for name, prop in self.properties.items()
            if prop.get("defaultValue") is not None
        }
        self._required = [
            name
            for name, prop in self.properties.items()
            if not prop["nullable"] and name not in self._defaults
        ]

    @cached_property
    def quick(self) -> QuickContainer | None:
        """Return what reads most records at less cost; ``None`` where the container is too unusual."""
        try:
            return QuickContainer(self.properties, self._checks, self._defaults, set(self._required))
        except (TypeError, ValueError):
            return None

    def read(self, properties: dict[str, Any], where: str) -> dict[str, Any]:
        """Return the properties as they are stored, with defaults for those that are missing.

        :raises ApiError: naming the property, and what is wrong with it.
        """
        for name, value in properties.items():
            check = self._checks.get(name)
            if check is None:
                a_property_name(name, f"{where}.{name}")
                raise ApiError(
                    facts.UNKNOWN_SCHEMA,
                    f"{where}.{name}: container {self.space}/{self.external_id} has no such property.",
                )
            if value is not None and (wrong := check(value)):
                raise ApiError(facts.WRONG_VALUE, f"{where}.{name}: {wrong}.")
        for name in self._required:
            if properties.get(name) is None:
                raise ApiError(facts.WRONG_VALUE, f"{where}.{name}: a value is required.")
        if self._defaults:
            return self._defaults | {name: value for name, value in properties.items() if value is not None}
        return properties
