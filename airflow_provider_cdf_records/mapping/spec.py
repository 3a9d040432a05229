"""How records are made of rows: a description in plain JSON, checked before there is any row."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from airflow_provider_cdf_records.mapping.schema import ContainerId
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.mapping.types.values import time_zone_of
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import (
    EXPECTED_SCHEMA_ID,
    SCHEMA_ID,
    InvalidRecordError,
    check_space,
)

ALL_OTHERS = "*"


class PropertySpec(msgspec.Struct, forbid_unknown_fields=True):
    """Where the value of a property comes from: a column, a format string, or a constant.

    :param direct: the space of a direct relation that the column's external id points into.
    :param delimiter: between the items of a list that comes as text.
    :param time_zone: of timestamps that name none; by default the mapping's.
    :param optional: whether there may be no such column in the first rows.
    """

    column: str | None = None
    format: str | None = None
    value: Any = msgspec.UNSET
    direct: str | None = None
    delimiter: str | None = None
    time_zone: str | None = None
    optional: bool = False


class SourceSpec(msgspec.Struct, forbid_unknown_fields=True):
    """A container of each record, and where its properties come from."""

    space: str
    container: str
    properties: dict[str, str | PropertySpec] | Literal["*"]

    @property
    def id(self) -> ContainerId:
        return ContainerId(self.space, self.container)

    @property
    def named(self) -> dict[str, PropertySpec]:
        """The properties that the mapping names."""
        given = {} if isinstance(self.properties, str) else self.properties
        return {
            name: PropertySpec(column=spec) if isinstance(spec, str) else spec
            for name, spec in given.items()
            if name != ALL_OTHERS
        }

    @property
    def takes_others(self) -> bool:
        """Whether all other columns are properties of their own names."""
        return ALL_OTHERS in self.properties


class MappingSpec(msgspec.Struct, forbid_unknown_fields=True):
    """How a record is made of a row. ``space`` and ``external_id`` are format strings over its columns."""

    space: str
    external_id: str
    sources: list[SourceSpec]
    nulls: Literal["drop", "send"] = "drop"
    time_zone: str = "UTC"

    @property
    def digest(self) -> str:
        """What tells this mapping from another."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    @property
    def optional(self) -> set[str]:
        """The columns that the first rows need not have."""
        named = [prop for source in self.sources for prop in source.named.values() if prop.column is not None]
        return {str(prop.column) for prop in named if prop.optional} - {
            str(prop.column) for prop in named if not prop.optional
        }

    @property
    def columns(self) -> list[str]:
        """The columns that the mapping names."""
        templates = [Template(self.space), Template(self.external_id)]
        columns: list[str] = []
        for prop in (prop for source in self.sources for prop in source.named.values()):
            if prop.format is not None:
                templates.append(Template(prop.format))
            if prop.column is not None:
                columns.append(prop.column)
        return list(dict.fromkeys([*(name for template in templates for name in template.columns), *columns]))


def read_mapping(definition: object) -> MappingSpec:
    """Check a mapping as far as it can be without a row.

    :raises InvalidArgumentError: naming the part that is wrong.
    """
    try:
        spec = msgspec.convert(definition, MappingSpec)
        _check(spec)
    except (msgspec.ValidationError, InvalidRecordError, InvalidArgumentError) as error:
        what, _, where = str(error).partition(" - at `$")
        if "unknown field" in what:
            there = (
                PropertySpec if "properties" in where else SourceSpec if "sources" in where else MappingSpec
            )
            what += f"; there are {', '.join(there.__struct_fields__)}"
        msg = f"mapping{where.rstrip('`')}: {what[0].lower()}{what[1:]}"
        raise InvalidArgumentError(msg) from None
    return spec


def _check(spec: MappingSpec) -> None:
    space = _template(spec.space, "space")
    _template(spec.external_id, "external_id")
    if not space.columns:
        check_space(space.text)
    time_zone_of(spec.time_zone)
    if not spec.sources:
        msg = "sources: at least one container is needed"
        raise InvalidArgumentError(msg)
    if len({source.id for source in spec.sources}) < len(spec.sources):
        msg = "sources: a container is there twice"
        raise InvalidArgumentError(msg)
    for number, source in enumerate(spec.sources):
        where = f"sources[{number}]"
        check_space(source.space, f"{where}.space")
        _check_id(source.container, f"{where}.container")
        if (
            isinstance(source.properties, dict)
            and source.properties.get(ALL_OTHERS, ALL_OTHERS) != ALL_OTHERS
        ):
            msg = f"{where}.properties: '*' stands for all other columns, and takes no more than '*'"
            raise InvalidArgumentError(msg)
        for name, prop in source.named.items():
            _check_id(name, f"{where}.properties")
            _check_property(prop, f"{where}.properties.{name}")


def _check_id(name: str, where: str) -> None:
    if not SCHEMA_ID.fullmatch(name):
        msg = f"{where}: {EXPECTED_SCHEMA_ID}, got {name!r}"
        raise InvalidArgumentError(msg)


def _template(text: str, where: str) -> Template:
    try:
        return Template(text)
    except InvalidArgumentError as error:
        msg = f"{where}: {error}"
        raise InvalidArgumentError(msg) from None


def _check_property(spec: PropertySpec, where: str) -> None:
    given = [spec.column is not None, spec.format is not None, spec.value is not msgspec.UNSET]
    if sum(given) != 1:
        msg = f"{where}: needs one of 'column', 'format' and 'value'"
        raise InvalidArgumentError(msg)
    if spec.format is not None:
        _template(spec.format, f"{where}.format")
    if spec.time_zone is not None:
        time_zone_of(spec.time_zone)
    if spec.direct is not None:
        check_space(spec.direct, f"{where}.direct")
    if spec.delimiter == "":
        msg = f"{where}.delimiter: is empty"
        raise InvalidArgumentError(msg)
