"""Encodes the records that a mapping has made, and refuses the rows that have problems."""

from __future__ import annotations

from itertools import compress
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.table import Table
from airflow_provider_cdf_records.records.chunk import Records, Refusal
from airflow_provider_cdf_records.records.encoding import CANNOT_ENCODE
from airflow_provider_cdf_records.records.request import MAX_RECORD_BYTES, check_size

encode = msgspec.json.Encoder().encode


def encode_records(
    table: Table,
    spaces: list[str],
    external_ids: list[str],
    records: list[Any],
    problems: RowProblems,
) -> Records:
    """Return the records, encoded.

    :param records: one for each row of the table, which ``msgspec`` can encode.
    :param problems: of the rows; those that have any are refused.
    """
    positions, rows, refusals = table.positions, table.rows, list(table.refusals)
    bodies = None if problems else _encode_all(records)
    if bodies is None:
        bodies = [
            b"" if index in problems else _encode_one(record, index, problems)
            for index, record in enumerate(records)
        ]
        refusals += [
            Refusal(positions[index], rows[index], why) for index, why in problems.messages().items()
        ]
        is_good = [index not in problems for index in range(len(rows))]
        positions, rows, spaces, external_ids, bodies = (
            list(compress(column, is_good)) for column in (positions, rows, spaces, external_ids, bodies)
        )
    identities = [f"{space}/{external_id}" for space, external_id in zip(spaces, external_ids, strict=True)]
    return Records(positions, identities, bodies, rows, refusals)


def _encode_all(records: list[Any]) -> list[bytes] | None:
    """Return the bodies; ``None`` if a record cannot be encoded, or is too large."""
    try:
        bodies = list(map(encode, records))
    except CANNOT_ENCODE:
        return None
    return bodies if max(map(len, bodies), default=0) <= MAX_RECORD_BYTES else None


def _encode_one(record: Any, index: int, problems: RowProblems) -> bytes:
    try:
        body = encode(record)
        check_size(body)
    except CANNOT_ENCODE as error:
        problems.add({index: str(error)})
        return b""
    return body
