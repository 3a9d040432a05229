"""Rows to records by a mapping, a chunk at a time and column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.schema import Definition, Schema, is_required
from airflow_provider_cdf_records.mapping.spec import MappingSpec, PropertySpec, SourceSpec
from airflow_provider_cdf_records.mapping.table import Column, Table, as_table
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.mapping.types.values import (
    InvalidValueError,
    PropertyType,
    property_type,
    time_zone_of,
)
from airflow_provider_cdf_records.records.chunk import Chunk, Records, Refusal
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import (
    MAX_EXTERNAL_ID,
    SCHEMA_ID,
    InvalidRecordError,
    check_external_id,
    check_space,
)
from airflow_provider_cdf_records.records.request import MAX_RECORD_BYTES, check_size

Wrong = dict[int, str]  # by index of the row, what is wrong with it
Fill = Callable[[Table], tuple[Column, Wrong]]  # the values of a property, ready to be encoded


class RowMapping:
    """Makes checked records of rows.

    :param schema: what is known of the containers; values are converted to the types of their properties.
    :param check_columns: whether to look if the first rows have what the mapping names; they need not in the
        middle of a source.
    :raises InvalidArgumentError: when the containers do not have what the mapping names, or (once there are
        rows) when the rows do not.
    """

    def __init__(self, spec: MappingSpec, schema: Schema, *, check_columns: bool = True) -> None:
        self._space, self._external_id = Template(spec.space), Template(spec.external_id)
        self._sources = [_Source(source, spec, schema) for source in spec.sources]
        self._columns = spec.columns
        roots = {column.partition(".")[0] for column in spec.columns}
        self._named = {*spec.columns, *roots}
        self._takes_others = any(source.takes_others for source in spec.sources)
        self._optional = spec.optional
        self._values_of = {prop.column for source in spec.sources for prop in source.named.values()}
        self._is_checked = not check_columns

    def __call__(self, chunk: Chunk) -> Records:
        table = as_table(chunk, None if self._takes_others else sorted(self._named))
        if table.rows and not self._is_checked and not chunk.is_retried:
            self._check_columns(table, is_table=chunk.columns is not None)
        wrong: Wrong = {}
        others = self._others(table)
        sources = [source.fill(table, others, wrong) for source in self._sources]
        self._is_checked = self._is_checked or bool(table.rows)
        spaces, external_ids = self._identities(table, wrong)
        return _records(table, spaces, external_ids, sources, wrong)

    def _check_columns(self, table: Table, *, is_table: bool) -> None:
        """Compare the first rows with what the mapping wants of them."""
        names = table.names()
        for column in self._columns:
            if column in self._optional:
                continue
            if column not in names and column.partition(".")[0] not in names:
                hint = ""
                if is_table and len(names) == 1:
                    hint = " Is the delimiter right (file_options)?"
                elif not is_table and column in self._values_of:
                    hint = f" If only some rows have it, map {{'column': {column!r}, 'optional': true}}."
                there = ", ".join(map(repr, names))
                msg = f"mapping: the rows have no column {column!r}; they have {there}.{hint}"
                raise InvalidArgumentError(msg)
        for source in self._sources:
            source.check_others(self._others(table))

    def _others(self, table: Table) -> list[str]:
        return sorted(set(table.names()) - self._named) if self._takes_others else []

    def _identities(self, table: Table, wrong: Wrong) -> tuple[list[str], list[str]]:
        spaces, wrong_spaces = self._space.fill(table)
        external_ids, wrong_ids = self._external_id.fill(table)
        wrong |= {at: f"space: {why}" for at, why in wrong_spaces.items()}
        wrong |= {at: f"external_id: {why}" for at, why in wrong_ids.items()}
        if any(_problem(check_space, space) for space in set(spaces)):
            _tell(check_space, spaces, wrong)
        if not _are_good(external_ids):
            _tell(check_external_id, external_ids, wrong)
        return spaces, external_ids


def _are_good(external_ids: list[str]) -> bool:
    """Check all external ids at once."""
    sizes = set(map(len, external_ids)) or {1}
    return min(sizes) >= 1 and max(sizes) <= MAX_EXTERNAL_ID and "\0" not in "".join(external_ids)


def _tell(check: Callable[[str], None], values: list[str], wrong: Wrong) -> None:
    """Tell what is wrong with each value, where nothing is known to be wrong with its row yet."""
    for at, value in enumerate(values):
        if at not in wrong and (problem := _problem(check, value)):
            wrong[at] = problem


def _problem(check: Callable[[str], None], value: str) -> str | None:
    try:
        check(value)
    except InvalidRecordError as error:
        return str(error)
    return None


class _SourceData(msgspec.Struct, gc=False):
    source: msgspec.Raw
    properties: Any


class _Record(msgspec.Struct, gc=False):
    space: str
    externalId: str
    sources: tuple[_SourceData, ...]


_encode = msgspec.json.Encoder().encode


class _Source:
    """One container of the mapping: fills its properties."""

    def __init__(self, spec: SourceSpec, mapping: MappingSpec, schema: Schema) -> None:
        self._id = spec.id
        self._mapping = mapping
        problem = schema.problem_with(spec.id)
        if problem is not None:
            msg = f"mapping: {problem}."
            raise InvalidArgumentError(msg)
        self._known = schema.properties(spec.id)
        self._takes_others = spec.takes_others
        self._check_named(spec)
        self._named = tuple(spec.named)
        self._fills = {name: self._fill_of(name, prop) for name, prop in spec.named.items()}
        self._json = msgspec.Raw(
            _encode({"type": "container", "space": spec.space, "externalId": spec.container})
        )
        self._names: dict[str, None] = {}  # of the properties of the struct
        self._struct: type[Any] | None = None

    def _check_named(self, spec: SourceSpec) -> None:
        if self._known is None:
            return
        for name, prop in spec.named.items():
            if name not in self._known:
                there = ", ".join(self._known)
                msg = f"mapping: container {self._id} has no property {name!r}; it has {there}."
                raise InvalidArgumentError(msg)
            kind = self._known[name]["type"]
            if prop.direct is not None and kind["type"] != "direct":
                msg = f"mapping: {self._id}.{name} is {kind['type']}, and 'direct' is for direct relations."
                raise InvalidArgumentError(msg)
            if prop.delimiter is not None and not kind.get("list"):
                msg = f"mapping: {self._id}.{name} is no list, and 'delimiter' is for lists."
                raise InvalidArgumentError(msg)
        for name, definition in self._known.items():
            if is_required(definition) and name not in spec.named and not self._takes_others:
                msg = (
                    f"mapping: {self._id}.{name} needs a value in every record (it is not nullable), "
                    "and nothing is mapped to it."
                )
                raise InvalidArgumentError(msg)

    def check_others(self, others: Sequence[str]) -> None:
        """Check the columns that the mapping does not name, as the first rows have them."""
        if self._known is None or not self._takes_others:
            return
        for name in others:
            if name not in self._known:
                msg = (
                    f"mapping: column {name!r} is no property of container {self._id}, which has "
                    f"{', '.join(self._known)}; map what you want by name instead of '*'."
                )
                raise InvalidArgumentError(msg)
        for name, definition in self._known.items():
            if is_required(definition) and name not in self._named and name not in others:
                why = (
                    "the rows have none"
                    if name not in self._mapping.columns
                    else "'*' leaves out a column that is used elsewhere; map it by its name too"
                )
                msg = f"mapping: {self._id}.{name} needs a value in every record, and {why}."
                raise InvalidArgumentError(msg)

    def fill(self, table: Table, others: Sequence[str], wrong: Wrong) -> list[_SourceData]:
        """Return what each row has for the container; ``wrong`` is told of what it should not have."""
        filled: dict[str, Column] = {}
        more = [name for name in others if name not in self._named] if self._takes_others else []
        for name in [*self._named, *more]:
            if name not in self._fills:
                self._fills[name] = self._fill_of(name, PropertySpec(column=name))
            column, wrong_here = self._fills[name](table)
            wrong |= wrong_here
            if self._may_have(name):
                filled[name] = column
        struct = self._struct_with(filled)
        columns = [filled.get(name, repeat(msgspec.UNSET)) for name in self._names]
        properties = map(struct, *columns) if filled else repeat(struct(), len(table.rows))
        return list(map(_SourceData, repeat(self._json), properties))

    def _may_have(self, name: str) -> bool:
        return name in self._known if self._known is not None else SCHEMA_ID.fullmatch(name) is not None

    def _struct_with(self, names: Iterable[str]) -> type[Any]:
        """Return a struct with all properties so far, so that rows of changing columns do not need many."""
        if self._struct is None or not self._names.keys() >= set(names):
            self._names |= dict.fromkeys(names)
            fields = [(f"p{number}", Any, msgspec.UNSET) for number in range(len(self._names))]
            rename = {f"p{number}": name for number, name in enumerate(self._names)}
            self._struct = msgspec.defstruct("Properties", fields, rename=rename, gc=False)
        return self._struct

    def _fill_of(self, name: str, spec: PropertySpec) -> Fill:
        where = f"{self._id}.{name}"
        definition = None if self._known is None else self._known.get(name)
        kind = self._type_of(definition, spec)
        if not self._may_have(name):
            return _nothing(name, where)
        null = None if self._mapping.nulls == "send" else msgspec.UNSET
        required = definition is not None and is_required(definition)
        if spec.value is not msgspec.UNSET:
            return _constant(spec.value, kind, where, null=null, required=required)
        if spec.format is not None:
            template = Template(spec.format)
            return _typed(template.fill, kind, where, null=null, required=required)
        column = str(spec.column)
        where = f"column {column!r} -> {where}"
        return _typed(lambda table: (table.column(column), {}), kind, where, null=null, required=required)

    def _type_of(self, definition: Definition | None, spec: PropertySpec) -> PropertyType:
        kind = {"type": "any" if spec.direct is None else "direct", "list": spec.delimiter is not None}
        return property_type(
            kind if definition is None else definition["type"],
            time_zone=time_zone_of(spec.time_zone or self._mapping.time_zone),
            delimiter=spec.delimiter,
            direct_space=spec.direct,
        )


def _typed(read: Fill, kind: PropertyType, where: str, *, null: Any, required: bool) -> Fill:
    """Return what reads values, converts them, and tells where one is missing."""

    def fill(table: Table) -> tuple[Column, Wrong]:
        column, unreadable = read(table)
        values, wrong = kind.column(column, null)
        if required:
            for at in (at for at, value in enumerate(column) if value is None):
                wrong[at] = f"expected {kind.name}, got nothing, and it is not nullable"
        return values, {at: f"{where}: {why}" for at, why in (wrong | unreadable).items()}

    return fill


def _constant(value: Any, kind: PropertyType, where: str, *, null: Any, required: bool) -> Fill:
    if value is None and required:
        msg = f"mapping: {where} needs a value in every record (it is not nullable)."
        raise InvalidArgumentError(msg)
    try:
        constant = null if value is None else kind.checked(value)
    except InvalidValueError as error:
        msg = f"mapping: {where}: {error}."
        raise InvalidArgumentError(msg) from None
    return lambda table: ([constant] * len(table.rows), {})


def _nothing(column: str, where: str) -> Fill:
    """Return what refuses the rows that have a value for a property that does not exist."""

    def fill(table: Table) -> tuple[Column, Wrong]:
        values = table.column(column)
        there = {
            at: f"column {column!r} -> {where}: there is no such property"
            for at, value in enumerate(values)
            if value is not None
        }
        return values, there

    return fill


def _records(
    table: Table, spaces: list[str], external_ids: list[str], sources: list[list[_SourceData]], wrong: Wrong
) -> Records:
    positions, rows, refusals = table.positions, table.rows, list(table.refusals)
    records = list(map(_Record, spaces, external_ids, zip(*sources, strict=True)))
    bodies: list[bytes] = []
    try:
        bodies = list(map(_encode, records)) if not wrong else []
        if max(map(len, bodies), default=0) > MAX_RECORD_BYTES:
            bodies = []
    except (ValueError, msgspec.MsgspecError, TypeError):
        bodies = []
    if len(bodies) < len(records):
        bodies = [b"" if at in wrong else _body(record, at, wrong) for at, record in enumerate(records)]
        refusals += [Refusal(positions[at], rows[at], why) for at, why in sorted(wrong.items())]
        good = [at not in wrong for at in range(len(rows))]
        positions, rows, spaces, external_ids, bodies = (
            list(compress(column, good)) for column in (positions, rows, spaces, external_ids, bodies)
        )
    identities = [f"{space}/{external_id}" for space, external_id in zip(spaces, external_ids, strict=True)]
    return Records(positions, identities, bodies, rows, refusals)


def _body(record: _Record, at: int, wrong: Wrong) -> bytes:
    try:
        body = _encode(record)
        check_size(body)
    except (ValueError, msgspec.MsgspecError, TypeError) as error:
        wrong[at] = str(error)
        return b""
    return body
