"""The containers that records go into, as far as the loader needs to know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Definition = Mapping[str, Any]  # a container, as Data Modeling answers it
FOR_RECORDS = ("record", "all")


@dataclass(frozen=True)
class ContainerId:
    """What names a container."""

    space: str
    external_id: str

    def __str__(self) -> str:
        return f"{self.space}/{self.external_id}"


class Schema:
    """Definitions of containers; empty where it is not to be looked at.

    :param definitions: of all the containers that were asked for, as far as they exist.
    :param complete: whether a container without a definition is one that does not exist.
    """

    def __init__(self, definitions: Iterable[Definition] = (), *, complete: bool = False) -> None:
        self._definitions = {
            ContainerId(definition["space"], definition["externalId"]): definition
            for definition in definitions
        }
        self._complete = complete

    def problem_with(self, container: ContainerId) -> str | None:
        """Return why a container cannot take records, if it cannot."""
        definition = self._definitions.get(container)
        if definition is None:
            return (
                f"container {container} does not exist, or this connection may not see it"
                if self._complete
                else None
            )
        used_for = definition.get("usedFor", "node")
        if used_for not in FOR_RECORDS:
            return (
                f"container {container} is for {used_for!r}; records need one with usedFor 'record' or 'all'"
            )
        return None

    def properties(self, container: ContainerId) -> Mapping[str, Definition] | None:
        """Return the properties of a container by name; ``None`` where they are not known."""
        definition = self._definitions.get(container)
        return None if definition is None else definition.get("properties", {})


def is_required(definition: Definition) -> bool:
    """Whether a property must have a value in every record."""
    return not definition.get("nullable", True) and definition.get("defaultValue") is None
