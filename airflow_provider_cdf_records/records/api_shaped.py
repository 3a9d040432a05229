"""Checks rows that have the shape of the API's records, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from airflow_provider_cdf_records.records.chunk import Chunk, Identity, Records, Refusal, Row
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import encode, explain_row
from airflow_provider_cdf_records.records.fields import field_problems, fields_of, identity_problems
from airflow_provider_cdf_records.records.identifiers import (
    EXPECTED_SCHEMA_ID,
    MAX_EXTERNAL_ID,
    MAX_SOURCES,
    SCHEMA_ID,
    InvalidRecordError,
    check_external_id,
    check_space,
    identity_of,
    shortened,
)
from airflow_provider_cdf_records.records.problems import join_problems, problem_of
from airflow_provider_cdf_records.records.request import MAX_REQUEST_BYTES, check_size, request_body
from airflow_provider_cdf_records.records.returned import may_be_returned, without_returned_keys
from airflow_provider_cdf_records.records.row_identities import check_api_shaped
from airflow_provider_cdf_records.records.row_keys import with_names_only, with_surplus_named

BACKSLASH = b"\\"
NULL_ESCAPE = b"\\u0000"  # the one way in which JSON can hold a null character
MAX_REMEMBERED = 10_000  # spaces and containers that passed the checks


class Record(msgspec.Struct, frozen=True):
    """A checked record.

    :param identity: ``space/externalId``.
    :param body: its JSON, as it goes to CDF.
    """

    identity: Identity
    body: bytes


class Container(msgspec.Struct, tag="container", tag_field="type", gc=False, frozen=True):
    """A container that a record names."""

    space: str
    externalId: str


class View(msgspec.Struct, tag="view", tag_field="type", gc=False, frozen=True):
    """A view that a record names."""

    space: str
    externalId: str
    version: str


Source = Container | View


class _Object(msgspec.Struct, gc=False):
    """Any object; CDF checks its content."""


class _SourceData(msgspec.Struct, gc=False):
    source: Source
    properties: _Object


_ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EXTERNAL_ID)]
_SomeSources = Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_SOURCES)]


class _Shape(msgspec.Struct, gc=False):
    space: str
    externalId: _ExternalId
    sources: Annotated[list[_SourceData], msgspec.Meta(min_length=1, max_length=MAX_SOURCES)]


_decode_shape = msgspec.json.Decoder(_Shape).decode


class UniformRecords:
    """Decodes records that all name the same space and the same container.

    Checking that takes a third of the time of decoding the names.
    """

    def __init__(self, space: str, source: Source) -> None:
        names = {"type": source.__struct_config__.tag, **msgspec.structs.asdict(source)}
        one_source = msgspec.defstruct(
            "Source", [(name, Literal[value]) for name, value in names.items()], gc=False
        )
        data = msgspec.defstruct("SourceData", [("source", one_source), ("properties", _Object)], gc=False)
        shape = msgspec.defstruct(
            "Shape",
            [("space", Literal[space]), ("externalId", _ExternalId), ("sources", tuple[data])],  # type: ignore[valid-type]
            gc=False,
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode
        self._prefix = identity_of(space, "")

    def identities(self, bodies: list[bytes]) -> list[Identity]:
        """Return the identities of records.

        :raises ValidationError: of ``msgspec``, when one of them names something else.
        """
        prefix = self._prefix
        return [prefix + shape.externalId for shape in map(self._decode, bodies)]


class ApiShaped:
    """Checks rows that are API-shaped records already, a chunk at a time.

    :param problem_with: called once for each container that the records name; returns why it cannot take
        them, or ``None``.
    """

    def __init__(self, problem_with: Callable[[Container], str | None] = lambda _: None) -> None:
        self._ask = problem_with
        self._problems: dict[Source, str | None] = {}
        self._good_spaces: set[str] = set()
        self._good_sources: set[Source] = set()
        self._uniform: UniformRecords | None = None

    def __call__(self, chunk: Chunk) -> Records:
        if not (chunk.rows or chunk.refusals):  # a header
            return Records([], [], [], [])
        check_api_shaped(chunk)
        rows = chunk.rows
        try:
            bodies = rows if set(map(type, rows)) == {bytes} else [_body(row) for row in rows]
            identities = self._identities(bodies)
        except NOT_JSON:  # decoding the rows one by one shows which
            return self._one_by_one(chunk)
        request = request_body(bodies)
        if may_be_returned(request):
            bodies = list(map(without_returned_keys, bodies))
            request = request_body(bodies)
        if identities is None or not _is_good_text(request):
            return self._one_by_one(chunk)
        return Records(chunk.positions, identities, bodies, bodies, chunk.refusals, request)

    def _identities(self, bodies: list[bytes]) -> list[Identity] | None:
        """Return the identities of records whose shape is right and whose containers are known to be good.

        ``None``: the rows have to be checked one by one.
        """
        if self._uniform is not None:
            try:
                return self._uniform.identities(bodies)
            except msgspec.ValidationError:
                self._uniform = None
        shapes = list(map(_decode_shape, bodies))
        spaces = {shape.space for shape in shapes}
        sources = {data.source for shape in shapes for data in shape.sources}
        if not (spaces <= self._good_spaces and sources <= self._good_sources):
            return None
        if len(spaces) == len(sources) == 1 and all(len(shape.sources) == 1 for shape in shapes):
            self._uniform = UniformRecords(spaces.pop(), sources.pop())
        return [identity_of(shape.space, shape.externalId) for shape in shapes]

    def _one_by_one(self, chunk: Chunk) -> Records:
        records: list[Record] = []
        positions: list[int] = []
        refusals = list(chunk.refusals)
        for position, row in zip(chunk.positions, chunk.rows, strict=True):
            try:
                records.append(to_record(row, self._problem_with))
            except InvalidRecordError as error:
                refusals.append(Refusal(position, with_surplus_named(row), str(error)))
            else:
                positions.append(position)
        bodies = [record.body for record in records]
        self._good_spaces.update(record.identity.partition("/")[0] for record in records)
        for remembered in (self._good_spaces, self._good_sources, self._problems):
            if len(remembered) > MAX_REMEMBERED:
                remembered.clear()
        return Records(positions, [record.identity for record in records], bodies, bodies, refusals)

    def _problem_with(self, source: Source) -> str | None:
        """Return why a container or view cannot take records, and remember it."""
        if source not in self._problems:
            self._problems[source] = self._ask(source) if isinstance(source, Container) else None
            if self._problems[source] is None:
                self._good_sources.add(source)
        return self._problems[source]


def to_record(row: Row, problem_with: Callable[[Source], str | None] = lambda _: None) -> Record:
    """Check a row and encode it.

    :param row: an API-shaped record, as a mapping or as its JSON.
    :param problem_with: returns why a container or view cannot take the record.
    :raises InvalidRecordError: saying which fields are wrong, and how.
    """
    body = _body(row)
    try:
        shape = _decode_shape(body)
        _check_record(shape, body)
    except NOT_JSON as error:
        problems = list(_all_problems(body, problem_with)) or [explain_row(body, error)]
    else:
        problems = [problem for data in shape.sources if (problem := problem_with(data.source))]
    if problems:
        raise InvalidRecordError(join_problems(problems))
    return Record(identity_of(shape.space, shape.externalId), body)


def _body(row: Row) -> bytes:
    if isinstance(row, bytes):
        return without_returned_keys(row)
    if isinstance(row, Mapping):
        return without_returned_keys(encode(with_names_only(row)))
    msg = f"expected a record (a dict), got {type(row).__name__}"
    raise InvalidRecordError(msg)


def _check_record(shape: _Shape, body: bytes) -> None:
    check_space(shape.space)
    check_external_id(shape.externalId)
    for number, data in enumerate(shape.sources):
        _check_source(data.source, f"sources[{number}].source")
    _check_utf8(body)
    check_size(body)


def _check_source(source: Source, path: str) -> None:
    check_space(source.space, f"{path}.space")
    if not SCHEMA_ID.fullmatch(source.externalId):
        msg = f"{path}.externalId: {EXPECTED_SCHEMA_ID}, got {shortened(source.externalId)!r}"
        raise InvalidRecordError(msg)


def _check_utf8(body: bytes) -> None:
    """Refuse bytes that are not UTF-8: the properties are not decoded, and CDF refuses the whole request."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        msg = f"not UTF-8: {error.reason} at byte {error.start}"
        raise InvalidRecordError(msg) from None


def _all_problems(body: bytes, problem_with: Callable[[Source], str | None]) -> Iterator[str]:
    """Yield what is wrong with each part of a record; nothing where it cannot be decoded."""
    fields = fields_of(body)
    if fields is None:
        return
    yield from identity_problems(fields)
    wrong = list(field_problems(fields, "sources", _SomeSources))
    yield from wrong
    for number, data in enumerate([] if wrong else fields["sources"]):
        path = f"sources[{number}]"
        wrong_data = list(field_problems({path: data}, path, dict[str, Any]))
        yield from wrong_data
        if not wrong_data:
            yield from _source_problems(data, f"{path}.source", problem_with)
            yield from field_problems(data, "properties", _Object, path=f"{path}.properties")
    if too_large := problem_of(check_size, body):
        yield too_large


def _source_problems(
    data: Mapping[str, Any], path: str, problem_with: Callable[[Source], str | None]
) -> Iterator[str]:
    def check(source: Source) -> None:
        _check_source(source, path)
        if problem := problem_with(source):
            raise InvalidRecordError(problem)

    yield from field_problems(data, "source", Source, check, path=path)


def _is_good_text(request: bytes) -> bool:
    """Return whether all records are text without null characters, and small enough."""
    return (
        not (BACKSLASH in request and NULL_ESCAPE in request)  # searching for one byte is many times as fast
        and (request.isascii() or _is_utf8(request))
        and len(request) <= MAX_REQUEST_BYTES
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
