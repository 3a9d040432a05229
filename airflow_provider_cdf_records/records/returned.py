"""Records as CDF returns them, made such that CDF takes them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

RETURNED_KEYS = ("createdTime", "lastUpdatedTime", "status")  # that CDF adds; no container can have them
MARK, BYTE_OF_MARK = b'"lastUpdatedTime"', b"U"
VIEW_SEPARATOR = "/"  # between a view and its version, where properties are grouped by it


class _Written(msgspec.Struct, gc=False):
    """The part of a record that CDF takes."""

    space: msgspec.Raw
    externalId: msgspec.Raw
    sources: msgspec.Raw


_decode = msgspec.json.Decoder(_Written).decode
_encode = msgspec.json.Encoder().encode


def as_record(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that a query or sync returned in the shape in which it can be written.

    Its times and its status stay, which loads leave out. One that has no properties, such as a deleted one,
    has no ``sources``.
    """
    record = {name: value for name, value in item.items() if name != "properties"}
    sources = [
        {"source": _source(space, name), "properties": properties}
        for space, by_name in (item.get("properties") or {}).items()
        for name, properties in by_name.items()
    ]
    return record | {"sources": sources} if sources else record


def may_be_returned(text: bytes) -> bool:
    """Return whether JSON may hold records that CDF returned; searching for one byte first is much faster."""
    return BYTE_OF_MARK in text and MARK in text


def without_returned_keys(body: bytes) -> bytes:
    """Return the JSON of a record with what CDF takes alone, if it has a time that CDF adds.

    Anything that is not such a record is returned as it is.
    """
    if not may_be_returned(body):
        return body
    try:
        return _encode(_decode(body))
    except msgspec.MsgspecError:
        return body


def _source(space: str, name: str) -> dict[str, str]:
    external_id, separator, version = name.partition(VIEW_SEPARATOR)
    if separator:
        return {"type": "view", "space": space, "externalId": external_id, "version": version}
    return {"type": "container", "space": space, "externalId": name}
