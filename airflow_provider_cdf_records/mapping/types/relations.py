"""References: direct relations, and those to time series, files and sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from airflow_provider_cdf_records.mapping.types.json_texts import JsonTexts, written
from airflow_provider_cdf_records.mapping.types.json_value import parsed
from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError, PropertyType, Types
from airflow_provider_cdf_records.mapping.types.text import as_text, texts_or_none


class Relation(msgspec.Struct, gc=False, frozen=True):
    """A direct relation."""

    space: str
    externalId: str


def direct_type(space: str | None) -> PropertyType:
    """Return the type of direct relations.

    :param space: the space of those that come as an external id alone.
    """

    def convert(value: Any) -> Relation:
        value = parsed(value) if space is None else value
        if isinstance(value, Mapping):
            return _relation_of(value)
        if space is None:
            msg = "an external id alone needs a space; set it with 'direct' in the mapping"
            raise InvalidValueError(msg)
        return Relation(space, _external_id(value))

    def write_all(values: list[Any], types: Types) -> JsonTexts | None:
        external_ids = values if types == {str} else texts_or_none(values, types)
        texts = None if external_ids is None else written(external_ids)
        if texts is None or space is None or not all(external_ids or ()):
            return None
        start = f'{{"space":{msgspec.json.encode(space).decode()},"externalId":'
        return JsonTexts(texts.texts, start + texts.before, texts.after + "}")

    return PropertyType("a direct relation {space, externalId}", convert, write_all=write_all)


def reference_type(target: str) -> PropertyType:
    """Return the type of external ids of things that are not in a space."""
    return PropertyType(f"the external id of a {target}", _external_id, _external_ids_or_none)


def _relation_of(value: Mapping[str, Any]) -> Relation:
    if value.keys() != {"space", "externalId"} or not set(map(type, value.values())) <= {str}:
        raise InvalidValueError
    return Relation(_external_id(value["space"]), _external_id(value["externalId"]))


def _external_id(value: Any) -> str:
    text = as_text(value)
    if not text:
        raise InvalidValueError
    return text


def _external_ids_or_none(values: list[Any], types: Types) -> list[Any] | None:
    texts = texts_or_none(values, types)
    return texts if texts is not None and all(texts) else None
