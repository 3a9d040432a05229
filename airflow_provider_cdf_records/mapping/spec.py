"""The definition of a mapping: plain JSON that says how a row becomes a record."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from airflow_provider_cdf_records.mapping.reading import (
    ReadingSpec,
    ZoneColumn,
    check_reading,
    guessed_type,
    merge_styles,
)
from airflow_provider_cdf_records.mapping.schema import ContainerId
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.records.encoding import explain_decode_error
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import (
    EXPECTED_SCHEMA_ID,
    MAX_SOURCES,
    SCHEMA_ID,
    InvalidRecordError,
    check_space,
)
from airflow_provider_cdf_records.records.number_style import NumberStyle

ALL_OTHERS = "*"
FOR_CONSTANTS = ("time_zone", "fold")
IN_A_PROPERTY = "[...]"  # how the errors of msgspec name a key of a dict
CHOICES = {
    "nulls": "'drop' or 'send'",
    "properties": "an object or '*'",
    "nan": "'null' or 'reject'",
    "fold": "'first', 'last' or 'reject'",
}


class PropertySpec(ReadingSpec):
    """Where the value of a property comes from: a column, a format string, or a constant; and how it is read.

    :param direct: the space of a direct relation, whose external id is in the column.
    :param delimiter: between the items of a list that comes as text.
    :param optional: whether the first rows may lack the column.
    """

    column: str | None = None
    format: str | None = None
    value: Any = msgspec.UNSET
    direct: str | None = None
    delimiter: str | None = None
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
    def named_properties(self) -> dict[str, PropertySpec]:
        """The properties that the mapping names."""
        given = {} if isinstance(self.properties, str) else self.properties
        return {
            name: PropertySpec(column=spec) if isinstance(spec, str) else spec
            for name, spec in given.items()
            if name != ALL_OTHERS
        }

    @property
    def takes_other_columns(self) -> bool:
        """Whether each column that the mapping does not name fills the property of the same name."""
        return ALL_OTHERS in self.properties


class MappingSpec(ReadingSpec):
    """How a row becomes a record; ``space`` and ``external_id`` are format strings over its columns.

    How values are read holds for all properties, as far as their types can use it and they do not say
    otherwise; ``null_values`` and ``nan`` hold for ``space`` and ``external_id`` too.
    """

    space: str
    external_id: str
    sources: list[SourceSpec]
    nulls: Literal["drop", "send"] = "drop"

    @property
    def digest(self) -> str:
        """A hash of the mapping."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    @property
    def columns(self) -> list[str]:
        """The columns that the mapping names."""
        formats = [prop.format for prop in self._properties if prop.format is not None]
        in_formats = [name for text in formats for name in Template(text).columns]
        zones = [
            spec.time_zone.column
            for spec in (self, *self._properties)
            if isinstance(spec.time_zone, ZoneColumn)
        ]
        return list(dict.fromkeys([*self.identity_columns, *in_formats, *self.property_columns, *zones]))

    @property
    def identity_columns(self) -> list[str]:
        """The columns that ``space`` and ``external_id`` name."""
        templates = (Template(self.space), Template(self.external_id))
        return list(dict.fromkeys(name for template in templates for name in template.columns))

    @property
    def property_columns(self) -> list[str]:
        """The columns whose values become properties as they are."""
        return [prop.column for prop in self._properties if prop.column is not None]

    @property
    def optional_columns(self) -> set[str]:
        """The columns that the first rows may lack."""
        optional = {prop.column for prop in self._properties if prop.column is not None and prop.optional}
        return optional - {prop.column for prop in self._properties if not prop.optional}

    def with_number_style(self, style: NumberStyle) -> MappingSpec:
        """Return the mapping for a file whose numbers have a style; the mapping's own keys count first.

        :raises InvalidArgumentError: when a property cannot be read in it.
        """
        decimal, thousands = merge_styles(self.number_style, style)
        spec = msgspec.structs.replace(self, decimal=decimal, thousands=thousands)
        _check_whole(spec)
        return spec

    @property
    def _properties(self) -> list[PropertySpec]:
        return [prop for source in self.sources for prop in source.named_properties.values()]


def read_mapping(definition: object) -> MappingSpec:
    """Check a mapping as far as possible without rows and containers.

    :raises InvalidArgumentError: naming the part that is wrong.
    """
    try:
        spec = msgspec.convert(definition, MappingSpec)
        msgspec.json.encode(spec)  # finds what is no text
    except msgspec.ValidationError as error:
        msg = f"mapping: {_explained(error, definition)}"
        raise InvalidArgumentError(msg) from None
    except UnicodeEncodeError as error:
        msg = f"mapping: {error.object!r} holds half of a surrogate pair, which is no text"
        raise InvalidArgumentError(msg) from None
    _check_whole(spec)
    return spec


def _check_whole(spec: MappingSpec) -> None:
    try:
        _check(spec)
    except (InvalidRecordError, InvalidArgumentError) as error:
        msg = f"mapping: {error}"
        raise InvalidArgumentError(msg) from None


def _explained(error: msgspec.ValidationError, definition: Any) -> str:
    """Return what is wrong with the shape of a mapping, and where."""
    text = explain_decode_error(error).replace(" | null`", "`")
    what, _, path = str(error).partition(" - at `$")
    path = path.strip(".`")
    if what.startswith("Object contains unknown field"):
        struct: type[msgspec.Struct]
        if path.endswith("time_zone"):
            struct = ZoneColumn
        else:
            struct = PropertySpec if IN_A_PROPERTY in path else SourceSpec if path else MappingSpec
        text += f"; the known fields are {', '.join(struct.__struct_fields__)}"
    elif what.startswith("Invalid enum value"):
        got = what.removeprefix("Invalid enum value ")
        text = f"{path}: must be {CHOICES[path.rpartition('.')[2]]}, got {got}"
    if IN_A_PROPERTY in path:
        text = text.replace(IN_A_PROPERTY, f".{_wrong_property(path, definition)}", 1)
    return text


def _wrong_property(path: str, definition: Any) -> str:
    """Return the name of the property that is wrong, which the error of ``msgspec`` leaves out."""
    number = int(path.removeprefix("sources[").partition("]")[0])
    for name, prop in definition["sources"][number]["properties"].items():
        try:
            msgspec.convert(prop, str | PropertySpec)
        except msgspec.ValidationError:
            return str(name)
    return "..."


def _check(spec: MappingSpec) -> None:
    space = _template(spec.space, "space")
    _template(spec.external_id, "external_id")
    if not space.columns:
        check_space(space.text)
    check_reading(spec)
    if not 1 <= len(spec.sources) <= MAX_SOURCES:
        msg = f"sources: must have 1 to {MAX_SOURCES} containers, got {len(spec.sources)}"
        raise InvalidArgumentError(msg)
    seen: set[ContainerId] = set()
    for number, source in enumerate(spec.sources):
        if source.id in seen:
            msg = f"sources[{number}]: container {source.id} is listed twice"
            raise InvalidArgumentError(msg)
        seen.add(source.id)
        _check_source(source, spec, f"sources[{number}]")


def _check_source(source: SourceSpec, mapping: MappingSpec, path: str) -> None:
    check_space(source.space, f"{path}.space")
    _check_schema_id(source.container, f"{path}.container")
    given = {} if isinstance(source.properties, str) else source.properties
    if given.get(ALL_OTHERS, ALL_OTHERS) != ALL_OTHERS:
        msg = f"{path}.properties: '*' stands for all other columns, and must be mapped to '*'"
        raise InvalidArgumentError(msg)
    for name, prop in source.named_properties.items():
        _check_schema_id(name, f"{path}.properties")
        _check_property(prop, mapping, f"{path}.properties.{name}")


def _check_property(spec: PropertySpec, mapping: MappingSpec, path: str) -> None:
    has = {
        "column": spec.column is not None,
        "format": spec.format is not None,
        "value": spec.value is not msgspec.UNSET,
    }
    given = [name for name, is_given in has.items() if is_given]
    if len(given) != 1:
        got = " and ".join(map(repr, given)) or "none"
        msg = f"{path}: must have exactly one of 'column', 'format' and 'value', got {got}"
        raise InvalidArgumentError(msg)
    if spec.format is not None:
        _template(spec.format, f"{path}.format")
    _check_reading_of(spec, mapping, path)
    if spec.direct is not None:
        check_space(spec.direct, f"{path}.direct")
    if spec.delimiter == "":
        msg = f"{path}.delimiter: must not be empty"
        raise InvalidArgumentError(msg)


def _check_reading_of(spec: PropertySpec, mapping: MappingSpec, path: str) -> None:
    try:
        check_reading(spec, mapping)
        guessed_type(spec)
    except InvalidArgumentError as error:
        text = str(error)
        msg = f"{path}.{text}" if text.partition(":")[0] in spec.__struct_fields__ else f"{path}: {text}"
        raise InvalidArgumentError(msg) from None
    if spec.value is not msgspec.UNSET and (
        of_rows := [name for name in spec.given if name not in FOR_CONSTANTS]
    ):
        msg = f"{path}: {of_rows[0]!r} says how columns are read, and has no use beside 'value'"
        raise InvalidArgumentError(msg)
    if spec.delimiter is not None and spec.delimiter in spec.number_style:
        msg = f"{path}.delimiter: must differ from 'decimal' and 'thousands', got {spec.delimiter!r}"
        raise InvalidArgumentError(msg)


def _check_schema_id(name: str, path: str) -> None:
    if not SCHEMA_ID.fullmatch(name):
        msg = f"{path}: {EXPECTED_SCHEMA_ID}, got {name!r}"
        raise InvalidArgumentError(msg)


def _template(text: str, path: str) -> Template:
    try:
        return Template(text)
    except InvalidArgumentError as error:
        msg = f"{path}: {error}"
        raise InvalidArgumentError(msg) from None
