"""Properties of API-shaped records, which go to CDF as they stand: what a container certainly refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.schema import ContainerId, Definition, is_required
from airflow_provider_cdf_records.mapping.types import SentType, sent_type
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.records.record_shapes import TextTraits


class SentProperties:
    """Checks the properties of records in one container.

    :param definitions: of the container's properties, by name.
    """

    def __init__(self, container: ContainerId, definitions: Mapping[str, Definition]) -> None:
        self._container = container
        self._types: dict[str, SentType] = {
            name: sent_type(definition["type"]) for name, definition in definitions.items()
        }
        self._required = [name for name, definition in definitions.items() if is_required(definition)]

    def properties_type(self, traits: TextTraits, names: Iterable[str] = ()) -> Any:
        """Return a type of ``msgspec`` that decodes properties without any problem, and maybe not all.

        :param names: of the properties of a record; those that have them in this order are decoded fastest.
        """
        in_order = {name: self._types[name] for name in names if name in self._types} | self._types
        required = set(self._required)
        fields: list[Any] = []
        renamed: dict[str, str] = {}
        for number, (name, kind) in enumerate(in_order.items()):
            field = f"p{number}"
            renamed[field] = name
            if name in required:
                fields.append((field, kind.decoded(traits)))
            else:
                fields.append((field, kind.decoded_or_null(traits), None))
        return msgspec.defstruct(
            "Properties", fields, rename=renamed, forbid_unknown_fields=True, kw_only=True, gc=False
        )

    def problems(self, properties: Mapping[str, Any], path: str) -> Iterator[str]:
        """Yield what is certainly wrong with the properties of a record.

        :param path: of the properties in the record.
        """
        for name, value in properties.items():
            if name not in self._types:
                known = f"it has {listed(self._types)}"
                yield f"{path}.{shortened(name)}: container {self._container} has no such property; {known}"
            elif value is not None and (problem := self._types[name].problem(value)):
                yield f"{path}.{name}: {problem}"
        for name in self._required:
            if properties.get(name) is None:
                yield (
                    f"{path}.{name}: expected {self._types[name].name}, got nothing, and it is not nullable"
                )
