"""Fills the properties of records, one container at a time, from the columns of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any, cast

import msgspec

from airflow_provider_cdf_records.mapping.reading import (
    guessed_type,
    problem_with_use,
    reading_of,
    reading_of_constant,
)
from airflow_provider_cdf_records.mapping.record_bodies import encode
from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.schema import Definition, Schema, is_required
from airflow_provider_cdf_records.mapping.spec import MappingSpec, PropertySpec, SourceSpec
from airflow_provider_cdf_records.mapping.table import Column, Table
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.mapping.types import (
    MOMENTS,
    InvalidValueError,
    Problems,
    PropertyType,
    property_type,
)
from airflow_provider_cdf_records.mapping.zones import ZonePerRow
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import SCHEMA_ID
from airflow_provider_cdf_records.records.problems import listed

FillColumn = Callable[[Table], tuple[Column, Problems]]  # the values of a property, ready to be encoded


class SourceData(msgspec.Struct, gc=False):
    """The properties of a record in one container."""

    source: msgspec.Raw
    properties: Any


class ContainerProperties:
    """Fills the properties of one container of a mapping.

    :raises InvalidArgumentError: when the mapping does not fit the container.
    """

    def __init__(self, spec: SourceSpec, mapping: MappingSpec, schema: Schema) -> None:
        self._id = spec.id
        self._mapping = mapping
        self._mapped_columns = set(mapping.columns)
        problem = schema.problem_with(spec.id)
        if problem is not None:
            msg = f"mapping: {problem}."
            raise InvalidArgumentError(msg)
        self._definitions = schema.properties(spec.id)
        self._takes_other_columns = spec.takes_other_columns
        self._specs = spec.named_properties
        self._check_specs()
        self._fill_columns = {name: self._fill_column_of(name, prop) for name, prop in self._specs.items()}
        self._source = msgspec.Raw(
            encode({"type": "container", "space": spec.space, "externalId": spec.container})
        )
        self._field_names: dict[str, None] = {}
        self._struct: type[Any] | None = None

    def _check_specs(self) -> None:
        """Compare the properties that the mapping names with those of the container."""
        if self._definitions is None:
            return
        for name, prop in self._specs.items():
            if name not in self._definitions:
                known = listed(self._definitions)
                msg = f"mapping: container {self._id} has no property {name!r}; it has {known}."
                raise InvalidArgumentError(msg)
            kind = self._definitions[name]["type"]
            if prop.direct is not None and kind["type"] != "direct":
                msg = f"mapping: {self._id}.{name} is {kind['type']}, but 'direct' is for direct relations."
                raise InvalidArgumentError(msg)
            if prop.delimiter is not None and not kind.get("list"):
                msg = f"mapping: {self._id}.{name} is not a list, but 'delimiter' is for lists."
                raise InvalidArgumentError(msg)
            if problem := problem_with_use(prop, self._mapping, kind["type"], prop.delimiter):
                msg = f"mapping: {self._id}.{name} {problem}."
                raise InvalidArgumentError(msg)
        for name, definition in self._definitions.items():
            if is_required(definition) and name not in self._specs and not self._takes_other_columns:
                msg = (
                    f"mapping: {self._id}.{name} needs a value in every record (it is not nullable), "
                    "and nothing is mapped to it."
                )
                raise InvalidArgumentError(msg)

    def check_other_columns(self, others: Sequence[str], rows: str) -> None:
        """Check the columns of the first rows that the mapping does not name.

        :param rows: which rows have them, in words.
        :raises InvalidArgumentError: when ``'*'`` stands for a column that is not a property, or when a
            required property gets no column.
        """
        if self._definitions is None or not self._takes_other_columns:
            return
        for name in others:
            if name not in self._definitions:
                msg = (
                    f"mapping: column {name!r} is not a property of container {self._id}, which has "
                    f"{listed(self._definitions)}; map what you want by name instead of '*' "
                    f"({rows} have that column)."
                )
                raise InvalidArgumentError(msg)
        for name, definition in self._definitions.items():
            if is_required(definition) and name not in self._specs and name not in others:
                why = (
                    "'*' leaves out a column that is used elsewhere; map it by its name too"
                    if name in self._mapped_columns
                    else f"{rows} have no column of that name"
                )
                msg = f"mapping: {self._id}.{name} needs a value in every record, and {why}."
                raise InvalidArgumentError(msg)

    def fill(self, table: Table, others: Sequence[str], problems: RowProblems) -> list[SourceData]:
        """Return the properties of each row's record in the container.

        :param others: the columns that the mapping does not name.
        :param problems: of the rows; problems with their values are added.
        """
        filled: dict[str, Column] = {}
        unnamed = [name for name in others if name not in self._specs] if self._takes_other_columns else []
        for name in [*self._specs, *unnamed]:
            if name not in self._fill_columns:
                self._fill_columns[name] = self._fill_column_of(name, PropertySpec(column=name))
            column, problems_here = self._fill_columns[name](table)
            problems.add(problems_here)
            if self._can_exist(name):
                filled[name] = column
        struct = self._struct_with(filled)
        columns = [filled.get(name, repeat(msgspec.UNSET)) for name in self._field_names]
        properties = map(struct, *columns) if filled else repeat(struct(), len(table.rows))
        return list(map(SourceData, repeat(self._source), properties))

    def _can_exist(self, name: str) -> bool:
        """Whether the container has the property, or may have it when its definition is not known."""
        if self._definitions is None:
            return SCHEMA_ID.fullmatch(name) is not None
        return name in self._definitions

    def _struct_with(self, names: Iterable[str]) -> type[Any]:
        """Return a struct with all properties so far, so that rows with varying columns can share it."""
        if self._struct is None or not self._field_names.keys() >= set(names):
            self._field_names |= dict.fromkeys(names)
            fields = [(f"p{number}", Any, msgspec.UNSET) for number in range(len(self._field_names))]
            rename = {f"p{number}": name for number, name in enumerate(self._field_names)}
            self._struct = msgspec.defstruct("Properties", fields, rename=rename, gc=False)
        return self._struct

    def _fill_column_of(self, name: str, spec: PropertySpec) -> FillColumn:
        """Return the function that fills a property."""
        target = f"{self._id}.{name}"
        definition = None if self._definitions is None else self._definitions.get(name)
        if not self._can_exist(name):
            return _refuse_values(name, target)
        null = None if self._mapping.nulls == "send" else msgspec.UNSET
        required = definition is not None and is_required(definition)
        type_ = _type_definition(definition, spec)
        is_constant = spec.value is not msgspec.UNSET
        read_as = reading_of_constant if is_constant else reading_of
        reading = read_as(spec, self._mapping, delimiter=spec.delimiter, direct_space=spec.direct)
        kind = property_type(type_, reading.options)
        if is_constant:
            return _repeat_constant(spec.value, kind, target, null=null, required=required)
        read: FillColumn
        if spec.format is not None:
            template = Template(spec.format)

            def read(table: Table) -> tuple[Column, Problems]:
                return template.fill(table, reading.missing)
        else:
            column = str(spec.column)
            target = f"column {column!r} -> {target}"

            def read(table: Table) -> tuple[Column, Problems]:
                return reading.missing.clean(table.column(column, exact=kind.needs_all_digits)), {}

        zones = None
        if reading.zone_column is not None and type_["type"] in MOMENTS:
            zones = ZonePerRow(
                reading.zone_column,
                reading.missing,
                lambda zone: property_type(type_, replace(reading.options, time_zone=zone)),
            )
        return _convert_column(read, kind, target, null=null, required=required, zones=zones)


def _type_definition(definition: Definition | None, spec: PropertySpec) -> Definition:
    """Return the definition of a property's type, as far as the mapping tells where it is not known."""
    if definition is not None:
        return cast("Definition", definition["type"])
    guess = guessed_type(spec) or ("any" if spec.direct is None else "direct")
    return {"type": guess, "list": spec.delimiter is not None}


def _convert_column(
    read: FillColumn, kind: PropertyType, target: str, *, null: Any, required: bool, zones: ZonePerRow | None
) -> FillColumn:
    """Return a function that reads values, converts them, and reports missing ones of a required property.

    :param zones: converts moments whose time zones are in a column.
    """

    def fill(table: Table) -> tuple[Column, Problems]:
        column, unreadable = read(table)
        if zones is None:
            values, problems = kind.column(column, null)
        else:
            values, problems = zones.convert(table, column, null)
        if required:
            for index in (index for index, value in enumerate(column) if value is None):
                problems[index] = f"expected {kind.name}, got nothing, and it is not nullable"
        return values, {index: f"{target}: {why}" for index, why in (problems | unreadable).items()}

    return fill


def _repeat_constant(value: Any, kind: PropertyType, target: str, *, null: Any, required: bool) -> FillColumn:
    """Return a function that gives each row the same value."""
    if value is None and required:
        msg = f"mapping: {target} needs a value in every record (it is not nullable)."
        raise InvalidArgumentError(msg)
    try:
        constant = null if value is None else kind.convert(value)
    except InvalidValueError as error:
        msg = f"mapping: {target}: {error}."
        raise InvalidArgumentError(msg) from None
    return lambda table: ([constant] * len(table.rows), {})


def _refuse_values(column: str, target: str) -> FillColumn:
    """Return a function that refuses rows with a value for a property that does not exist."""

    def fill(table: Table) -> tuple[Column, Problems]:
        values = table.column(column)
        return values, {
            index: f"column {column!r} -> {target}: there is no such property"
            for index, value in enumerate(values)
            if value is not None
        }

    return fill
