"""Checks one row that has the shape of the API's records, and says all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

from airflow_provider_cdf_records.records.chunk import Identity, Row
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import encode, explain_row
from airflow_provider_cdf_records.records.fields import field_problems, fields_of, identity_problems
from airflow_provider_cdf_records.records.identifiers import (
    EXPECTED_SCHEMA_ID,
    MAX_SOURCES,
    SCHEMA_ID,
    InvalidRecordError,
    check_external_id,
    check_space,
    identity_of,
    shortened,
)
from airflow_provider_cdf_records.records.problems import join_problems, problem_of
from airflow_provider_cdf_records.records.record_shapes import (
    AnyObject,
    Container,
    Shape,
    Source,
    decode_shape,
)
from airflow_provider_cdf_records.records.request import check_size
from airflow_provider_cdf_records.records.returned import without_returned_keys
from airflow_provider_cdf_records.records.row_keys import with_names_only

_SomeSources = Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_SOURCES)]
# Yields what is wrong with the properties of a container: the container, the properties, and their path.
ValueProblems = Callable[[Source, Mapping[str, Any], str], Iterable[str]]


class Record(msgspec.Struct, frozen=True):
    """A checked record.

    :param identity: ``space/externalId``.
    :param body: its JSON, as it goes to CDF.
    """

    identity: Identity
    body: bytes


def to_record(
    row: Row,
    problem_with: Callable[[Source], str | None] = lambda _: None,
    value_problems: ValueProblems = lambda *_: (),
) -> Record:
    """Check a row and encode it.

    :param row: an API-shaped record, as a mapping or as its JSON.
    :param problem_with: returns why a container or view cannot take the record.
    :param value_problems: yields what is wrong with the properties of one that can.
    :raises InvalidRecordError: saying which fields are wrong, and how.
    """
    body = body_of(row)
    try:
        shape = decode_shape(body)
        _check_record(shape, body)
    except NOT_JSON as error:
        problems = list(_all_problems(body, problem_with, value_problems)) or [explain_row(body, error)]
    else:
        problems = list(_problems_in_sources(shape, body, problem_with, value_problems))
    if problems:
        raise InvalidRecordError(join_problems(problems))
    return Record(identity_of(shape.space, shape.externalId), body)


def containers_named_by(rows: Iterable[Row]) -> Iterator[Container]:
    """Yield the containers that rows name whose shape is right."""
    for row in rows:
        try:
            body = body_of(row)
            shape = decode_shape(body)
            _check_record(shape, body)
        except (*NOT_JSON, InvalidRecordError):
            continue
        for data in shape.sources:
            if isinstance(data.source, Container):
                yield data.source


def body_of(row: Row) -> bytes:
    """Return the JSON of a row.

    :raises InvalidRecordError: when it has none.
    """
    if isinstance(row, bytes):
        return without_returned_keys(row)
    if isinstance(row, Mapping):
        return without_returned_keys(encode(with_names_only(row)))
    msg = f"expected a record (a dict), got {type(row).__name__}"
    raise InvalidRecordError(msg)


def _check_record(shape: Shape, body: bytes) -> None:
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


def _problems_in_sources(
    shape: Shape,
    body: bytes,
    problem_with: Callable[[Source], str | None],
    value_problems: ValueProblems,
) -> Iterator[str]:
    """Yield what is wrong with the sources of a record whose shape is right."""
    fields = fields_of(body)
    for number, data in enumerate(shape.sources):
        if problem := problem_with(data.source):
            yield problem
        elif fields is not None:
            properties = fields["sources"][number]["properties"]
            yield from value_problems(data.source, properties, f"sources[{number}].properties")


def _all_problems(
    body: bytes, problem_with: Callable[[Source], str | None], value_problems: ValueProblems
) -> Iterator[str]:
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
            of_source = list(_source_problems(data, f"{path}.source", problem_with))
            of_properties = list(field_problems(data, "properties", AnyObject, path=f"{path}.properties"))
            yield from (*of_source, *of_properties)
            if not (of_source or of_properties):
                source = msgspec.convert(data["source"], Source)
                yield from value_problems(source, data["properties"], f"{path}.properties")
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
