"""The identities of API-shaped rows, without a look at anything else in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, Literal

import msgspec

from airflow_provider_cdf_records.records.chunk import Chunk, Identity, Row
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import encode
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import identities_of, identity_of
from airflow_provider_cdf_records.records.partition import RowIdentities
from airflow_provider_cdf_records.records.problems import listed

KEYS = ("space", "externalId")
OF_A_LINE = "record"  # a key that every line of a rejected-records file has


class _Identified(msgspec.Struct, gc=False):
    space: str
    externalId: str
    record: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Identified).decode


@lru_cache(maxsize=100)
def _decoder_in(space: str) -> Callable[[bytes], Any]:
    """Return a decoder of the external ids of records in one space, which takes no other rows."""
    fields: list[Any] = [
        ("space", Literal[space]),
        ("externalId", str),
        (OF_A_LINE, msgspec.UnsetType, msgspec.UNSET),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("OfSpace", fields, gc=False)).decode


def identities_of_records(chunk: Chunk) -> RowIdentities:
    """Return the identities of API-shaped records.

    :raises InvalidArgumentError: when the rows cannot be such records.
    """
    check_api_shaped(chunk)
    return identities_of_rows(chunk.rows)


def check_api_shaped(chunk: Chunk) -> None:
    """Refuse rows that need a mapping, without a look at one of them.

    :raises InvalidArgumentError: saying why.
    """
    if chunk.columns is not None:
        columns = listed(chunk.columns)
        msg = f"Rows of a table need a mapping that makes records of them; the columns are {columns}."
        raise InvalidArgumentError(msg)
    if chunk.nulls:
        msg = "file_options: null_values is for rows with a mapping; in an API-shaped record, null is null."
        raise InvalidArgumentError(msg)


def identities_of_rows(rows: list[Row]) -> RowIdentities:
    """Return the identities of rows that are mappings or JSON, with the keys ``space`` and ``externalId``."""
    if set(map(type, rows)) == {bytes}:
        with suppress(*NOT_JSON):  # else decoding the rows one by one shows which
            space = _decode(rows[0]).space
            with suppress(msgspec.ValidationError):  # records of several spaces, or lines among them
                decode, prefix = _decoder_in(space), identity_of(space, "")
                return RowIdentities([prefix + row.externalId for row in map(decode, rows)])
            decoded = list(map(_decode, rows))
            lines = [index for index, row in enumerate(decoded) if row.record is not msgspec.UNSET]
            return RowIdentities([f"{row.space}/{row.externalId}" for row in decoded], lines)
    if set(map(type, rows)) == {dict}:
        spaces, external_ids = ([row.get(key) for row in rows] for key in KEYS)
        if set(map(type, spaces)) == {str} == set(map(type, external_ids)):
            lines = [index for index, row in enumerate(rows) if OF_A_LINE in row]
            return RowIdentities(identities_of(spaces, external_ids), lines)
    identities = list(map(_identity, rows))
    lines = [
        index
        for index, row in enumerate(rows)
        if identities[index] is None or isinstance(row, bytes) or OF_A_LINE in row
    ]
    return RowIdentities(identities, lines)


def _identity(row: Row) -> Identity | None:
    """Return the identity of a row as it would be stored; ``None`` where the row has none."""
    if isinstance(row, Mapping):
        get = (
            partial(dict.get, row) if isinstance(row, dict) else row.get
        )  # as encoding does, of any subclass
        space, external_id = map(get, KEYS)
        if type(space) is str and type(external_id) is str:
            return identity_of(space, external_id)
    elif not isinstance(row, bytes):
        return None
    try:
        body = row if isinstance(row, bytes) else encode(dict(zip(KEYS, (space, external_id), strict=True)))
        decoded: Any = _decode(body)
    except NOT_JSON:
        return None
    return identity_of(decoded.space, decoded.externalId)
