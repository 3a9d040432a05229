"""Reads the identities of records to delete: only the space and external id of each row count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Records, Refusal, Row, Rows
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import encode, explain_line
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.fields import fields_of, identity_problems
from airflow_provider_cdf_records.records.identifiers import (
    InvalidRecordError,
    are_external_ids,
    check_external_id,
    check_space,
    identity_of,
)
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows
from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.records.partition import RowIdentities
from airflow_provider_cdf_records.records.problems import join_problems, listed
from airflow_provider_cdf_records.records.row_identities import KEYS, identities_of_rows


class RecordId(msgspec.Struct, gc=False):
    """The id of a record, as CDF expects it in a request to delete it."""

    space: str
    externalId: str


_decode = msgspec.json.Decoder(RecordId).decode
_encode = msgspec.json.Encoder().encode


def records_to_delete(chunk: Chunk) -> Records:
    """Take the space and the external id of each row, and check them.

    A row is a mapping or its JSON, with the keys ``space`` and ``externalId``, or a row of a table with these
    columns. Everything else in it is ignored, so that it may be an API-shaped record, or a line of a
    rejected-records file.

    :raises InvalidArgumentError: when the rows are those of a table without these columns.
    """
    if not (chunk.rows or chunk.refusals):  # a header
        return Records([], [], [], [])
    rows = _identified(chunk)
    try:
        ids = _decode_all(rows)
        bodies = list(map(_encode, ids))
    except NOT_JSON:  # decoding the rows one by one shows which
        return _one_by_one(chunk, rows)
    if not _are_valid(ids):
        return _one_by_one(chunk, rows)
    identities = [identity_of(id_.space, id_.externalId) for id_ in ids]
    return Records(chunk.positions, identities, bodies, chunk.as_read(), chunk.refusals)


def identities_to_delete(chunk: Chunk) -> RowIdentities:
    """Return the identities of rows to delete."""
    return RowIdentities(identities_of_rows(_identified(chunk)).identities)


def _identified(chunk: Chunk) -> list[Row]:
    """Return the rows of a chunk as mappings or JSON, with the keys of an identity."""
    if chunk.columns is not None:
        return _mappings(chunk.rows, chunk.columns, chunk.nulls)
    if chunk.nulls:
        named = map(as_mapping, chunk.as_read())
        return [row if mapping is None else mapping for row, mapping in zip(chunk.rows, named, strict=True)]
    rows: list[Row] = chunk.rows
    return rows


def _mappings(rows: Rows, columns: Columns, nulls: frozenset[str]) -> list[Row]:
    """Return the rows of a table as mappings with only the space and the external id."""
    if not set(KEYS) <= set(columns):
        msg = (
            "Rows of a table need the columns 'space' and 'externalId', or a mapping that makes records of "
            f"them; the columns are {listed(columns)}."
        )
        raise InvalidArgumentError(msg)
    if twice := [key for key in KEYS if columns.count(key) > 1]:
        msg = f"The rows have column {twice[0]!r} more than once; it needs a name of its own."
        raise InvalidArgumentError(msg)
    spaces, external_ids = (_values(rows, columns.index(key), nulls) for key in KEYS)
    return [dict(zip(KEYS, pair, strict=True)) for pair in zip(spaces, external_ids, strict=True)]


def _values(rows: Rows, number: int, nulls: frozenset[str]) -> list[Any]:
    """Return the values of a column."""
    values = rows.columns[number] if isinstance(rows, ColumnRows) else [row[number] for row in rows]
    return [None if isinstance(value, str) and value in nulls else value for value in values]


def _decode_all(rows: list[Row]) -> list[RecordId]:
    kinds = set(map(type, rows))
    if kinds == {bytes}:
        return list(map(_decode, rows))
    if kinds == {dict}:
        return msgspec.convert(rows, list[RecordId])
    return [_decode(_to_json(row)) for row in rows]


def _are_valid(ids: list[RecordId]) -> bool:
    try:
        for space in {id_.space for id_ in ids}:
            check_space(space)
    except InvalidRecordError:
        return False
    return are_external_ids([id_.externalId for id_ in ids])


def _one_by_one(chunk: Chunk, rows: list[Row]) -> Records:
    positions, identities, bodies, good_rows, refusals = [], [], [], [], list(chunk.refusals)
    for position, row, as_read in zip(chunk.positions, rows, chunk.as_read(), strict=True):
        try:
            record_id = _record_id(row)
        except InvalidRecordError as error:
            refusals.append(Refusal(position, as_read, str(error)))
        else:
            positions.append(position)
            identities.append(identity_of(record_id.space, record_id.externalId))
            bodies.append(_encode(record_id))
            good_rows.append(as_read)
    return Records(positions, identities, bodies, good_rows, refusals)


def _record_id(row: Row) -> RecordId:
    body = _to_json(row)
    try:
        record_id = _decode(body)
        check_space(record_id.space)
        check_external_id(record_id.externalId)
    except NOT_JSON as error:
        fields = fields_of(body)
        problems = [] if fields is None else list(identity_problems(fields))
        raise InvalidRecordError(join_problems(problems or [explain_line(body, error)])) from None
    return record_id


def _to_json(row: Row) -> bytes:
    if isinstance(row, bytes):
        return row
    if isinstance(row, Mapping):
        return encode({key: row[key] for key in KEYS if key in row})
    msg = f"expected a record's space and externalId (a dict), got {type(row).__name__}"
    raise InvalidRecordError(msg)
