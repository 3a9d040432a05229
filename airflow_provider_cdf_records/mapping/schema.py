"""Definitions of the containers that records go into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

Definition = Mapping[str, Any]  # of a container or property, as Data Modeling returns it
NOT_FOR_RECORDS = ("node", "edge", "all")  # values of usedFor; "all" means nodes and edges


@dataclass(frozen=True)
class ContainerId:
    """The identifier of a container."""

    space: str
    external_id: str

    def __str__(self) -> str:
        return f"{self.space}/{self.external_id}"


class Schema:
    """What is known of containers: without definitions, every container and property may exist.

    :param definitions: of the containers that were asked for and exist.
    :param complete: whether a container without a definition does not exist.
    """

    def __init__(self, definitions: Iterable[Definition] = (), *, complete: bool = False) -> None:
        self._definitions = {
            ContainerId(definition["space"], definition["externalId"]): definition
            for definition in definitions
        }
        self._complete = complete

    def problem_with(self, container: ContainerId) -> str | None:
        """Return why a container cannot take records; ``None`` if it can, or if that is not known."""
        definition = self._definitions.get(container)
        if definition is None:
            if not self._complete:
                return None
            return f"container {container} does not exist, or this connection may not see it"
        used_for = definition.get("usedFor")
        if used_for in NOT_FOR_RECORDS:
            return (
                f"container {container} must have usedFor 'record' to take records, got {used_for!r}; "
                "use another container, or create one for records"
            )
        return None

    def properties(self, container: ContainerId) -> Mapping[str, Definition] | None:
        """Return the properties of a container by name; ``None`` where they are not known."""
        definition = self._definitions.get(container)
        return None if definition is None else definition.get("properties", {})


class _Type(msgspec.Struct):
    type: str
    list: bool = False
    maxListSize: int | None = None
    maxTextSize: int | None = None
    values: Mapping[str, Any] | None = None


class _Property(msgspec.Struct):
    type: _Type
    nullable: bool = True


class _Container(msgspec.Struct):
    space: str
    externalId: str
    properties: Mapping[str, _Property]
    usedFor: str | None = None


def is_definition(answer: object) -> bool:
    """Return whether an answer defines a container in the known form, as far as it is used here."""
    try:
        msgspec.convert(answer, _Container)
    except msgspec.ValidationError:
        return False
    return True


def is_required(definition: Definition) -> bool:
    """Return whether a property must have a value in every record."""
    is_filled = definition.get("defaultValue") is not None or definition.get("autoIncrement") is True
    return not definition.get("nullable", True) and not is_filled
