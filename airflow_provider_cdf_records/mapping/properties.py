"""Fills the properties of records, one container at a time, from the columns of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec

from airflow_provider_cdf_records.mapping.reading import (
    guessed_type,
    problem_with_use,
    reading_of,
    reading_of_constant,
)
from airflow_provider_cdf_records.mapping.record_bodies import Filled, FilledColumn, encode
from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.schema import Definition, Schema, is_required
from airflow_provider_cdf_records.mapping.spec import MappingSpec, PropertySpec, SourceSpec
from airflow_provider_cdf_records.mapping.table import Column, Table
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.mapping.types import (
    MOMENTS,
    InvalidValueError,
    JsonTexts,
    Problems,
    PropertyType,
    property_type,
    written_but,
)
from airflow_provider_cdf_records.mapping.zones import ZonePerRow
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import SCHEMA_ID
from airflow_provider_cdf_records.records.problems import listed

ReadColumn = Callable[[Table], tuple[Column, Problems]]
FillColumn = Callable[[Table], tuple[FilledColumn, Problems]]  # the values of a property


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
        source = {"type": "container", "space": spec.space, "externalId": spec.container}
        self._source = encode(source).decode()
        self._order: dict[str, None] = {}  # of the properties so far, so that all records have the same one

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

    def fill(self, table: Table, others: Sequence[str], problems: RowProblems) -> Filled:
        """Return the properties of the rows' records in the container.

        :param others: the columns that the mapping does not name.
        :param problems: of the rows; problems with their values are added.
        """
        filled: dict[str, FilledColumn] = {}
        unnamed = [name for name in others if name not in self._specs] if self._takes_other_columns else []
        for name in [*self._specs, *unnamed]:
            if name not in self._fill_columns:
                self._fill_columns[name] = self._fill_column_of(name, PropertySpec(column=name))
            column, problems_here = self._fill_columns[name](table)
            problems.add(problems_here)
            if self._can_exist(name):
                filled[name] = column
        self._order |= dict.fromkeys(filled)
        return Filled(self._source, {name: filled[name] for name in self._order if name in filled})

    def _can_exist(self, name: str) -> bool:
        """Whether the container has the property, or may have it when its definition is not known."""
        if self._definitions is None:
            return SCHEMA_ID.fullmatch(name) is not None
        return name in self._definitions

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
        read: ReadColumn
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
    read: ReadColumn, kind: PropertyType, target: str, *, null: Any, required: bool, zones: ZonePerRow | None
) -> FillColumn:
    """Return a function that reads values, converts them, and reports missing ones of a required property.

    :param zones: converts moments whose time zones are in a column.
    """

    def fill(table: Table) -> tuple[FilledColumn, Problems]:
        column, problems = read(table)
        filled: FilledColumn | None = kind.json_texts(column) if zones is None else None
        if filled is None:
            if zones is None:
                values, wrong = kind.column(column, null)
            else:
                values, wrong = zones.convert(table, column, null)
            problems = wrong | problems
            filled = written_but(null, values) or values
        if required and not (isinstance(filled, JsonTexts) and not filled.missing):
            missing = [index for index, value in enumerate(column) if value is None]
            why = f"expected {kind.name}, got nothing, and it is not nullable"
            problems = problems | {index: why for index in missing if index not in problems}
        if null is None and isinstance(filled, JsonTexts):
            filled = filled.with_nulls()
        return filled, {index: f"{target}: {why}" for index, why in problems.items()}

    return fill


def _repeat_constant(value: Any, kind: PropertyType, target: str, *, null: Any, required: bool) -> FillColumn:
    """Return a function that gives each row the same value."""
    if value is None and required:
        msg = f"mapping: {target} needs a value in every record (it is not nullable)."
        raise InvalidArgumentError(msg)
    try:
        converted = null if value is None else kind.convert(value)
    except InvalidValueError as error:
        msg = f"mapping: {target}: {error}."
        raise InvalidArgumentError(msg) from None
    text = None if converted is msgspec.UNSET else encode(converted).decode()

    def repeat(table: Table) -> tuple[FilledColumn, Problems]:
        count = len(table.rows)
        return JsonTexts([text] * count, missing=range(count) if text is None else ()), {}

    return repeat


def _refuse_values(column: str, target: str) -> FillColumn:
    """Return a function that refuses rows with a value for a property that does not exist."""

    def fill(table: Table) -> tuple[FilledColumn, Problems]:
        values = table.column(column)
        return values, {
            index: f"column {column!r} -> {target}: there is no such property"
            for index, value in enumerate(values)
            if value is not None
        }

    return fill
