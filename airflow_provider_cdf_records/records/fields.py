"""Checks the fields of a row one by one, so that each wrong one is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.encoding import explain_decode_error
from airflow_provider_cdf_records.records.identifiers import (
    InvalidRecordError,
    check_external_id,
    check_space,
)

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def fields_of(body: bytes) -> dict[str, Any] | None:
    """Return the fields of a JSON object; ``None`` for anything else."""
    try:
        return _decode_object(body)
    except NOT_JSON:
        return None


def identity_problems(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the space and the external id of a row."""
    yield from field_problems(fields, "space", str, check_space)
    yield from field_problems(fields, "externalId", str, check_external_id)


def field_problems(
    fields: Mapping[str, Any],
    name: str,
    kind: Any,
    check: Callable[[Any], object] = lambda _: None,
    *,
    path: str = "",
) -> Iterator[str]:
    """Yield what is wrong with a field, if anything.

    :param kind: the type that ``msgspec`` converts it to.
    :param check: raises ``InvalidRecordError`` for a value of that type that is wrong.
    :param path: of the field in the row, where that is not its name.
    """
    path = path or name
    if name not in fields:
        yield f"{path}: is missing"
        return
    try:
        check(msgspec.convert(fields[name], kind))
    except InvalidRecordError as error:
        yield str(error)
    except msgspec.ValidationError as error:
        yield explain_decode_error(error, path)
