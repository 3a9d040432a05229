"""Read requests of records that are all good, as most are, at a fraction of the cost.

What is read here is what ``Records`` would read, byte for byte. Where this finds anything unusual, it reads
nothing, and the exact checks decide and word what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.typed_values import optional, type_of
from airflow_provider_cdf_records.local_server.checks.values import Check
from airflow_provider_cdf_records.local_server.state.store import NewRecord

MAX_TYPED = 100  # properties; msgspec looks for a field by going through all, so that many take longer
UNREADABLE = (ValueError, msgspec.MsgspecError, RecursionError)

LETTERS = (b"\\u006", b"\\u007")  # how escapes of small letters begin

FindContainer = Callable[[str, str], "QuickContainer | None"]  # space, external id


class _Source(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["container"]
    space: str
    externalId: str


class _Data(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    source: _Source
    properties: msgspec.Raw


class _Item(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    space: str
    externalId: Annotated[str, Meta(min_length=1, max_length=facts.MAX_EXTERNAL_ID)]
    sources: Annotated[list[_Data], Meta(min_length=1, max_length=facts.MAX_SOURCES)]


class _Request(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    items: Annotated[list[_Item], Meta(min_length=1, max_length=facts.MAX_ITEMS)]


_decode = msgspec.json.Decoder(_Request).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class Unusual(ValueError):
    """Something that the exact checks must look at."""


class QuickContainer:
    """Read the properties that a record has in one container.

    :param checks: the exact check of each property.
    :raises Unusual: the container has too many properties.
    """

    def __init__(
        self,
        properties: dict[str, Any],
        checks: dict[str, Check],
        defaults: dict[str, Any],
        required: set[str],
    ) -> None:
        if len(properties) > MAX_TYPED:
            raise Unusual
        self._defaults = defaults
        self._others: list[tuple[str, Check]] = []  # those that need a check besides their type
        fields: list[Any] = []
        for number, name in enumerate(sorted(properties)):  # the order that they are stored in
            field, typed = f"p{number}", type_of(properties[name]["type"])
            if name in required:
                fields.append((field, typed.type, msgspec.field(name=name)))
            else:
                fields.append((field, optional(typed.type), msgspec.field(name=name, default=msgspec.UNSET)))
            if not typed.enough:
                self._others.append((field, checks[name]))
        struct = msgspec.defstruct("Properties", fields, kw_only=True, forbid_unknown_fields=True, gc=False)
        self._decode = msgspec.json.Decoder(struct).decode

    def read(self, raw: msgspec.Raw) -> Any:
        """Return the properties as they are stored, as something that can be encoded.

        :raises UNREADABLE: the exact checks must look at them.
        """
        properties = self._decode(raw)
        for field, check in self._others:
            value = getattr(properties, field)
            if value is not None and value is not msgspec.UNSET and check(value):
                raise Unusual
        if self._defaults:
            given = msgspec.json.decode(raw)
            return self._defaults | {name: value for name, value in given.items() if value is not None}
        return properties


class QuickReader:
    """Read whole requests.

    :param has_space: tells whether there is a space.
    :param container: returns the reader of a container that can hold records, if there is one.
    """

    def __init__(self, has_space: Callable[[str], bool], container: FindContainer) -> None:
        self._has_space = has_space
        self._container = container

    def read(self, body: bytes) -> list[NewRecord] | None:
        """Return the records of a request; ``None`` where the exact checks must look at it."""
        try:
            return self._read(body)
        except UNREADABLE:
            return None

    def _read(self, body: bytes) -> list[NewRecord]:
        records: list[NewRecord] = []
        items = _decode(body).items
        if _has_more_properties(body, items):
            raise Unusual
        for item in items:
            if "\0" in item.externalId or not self._has_space(item.space):
                raise Unusual
            properties: dict[str, dict[str, Any]] = {}
            for data in item.sources:
                space, name = data.source.space, data.source.externalId
                container, in_space = self._container(space, name), properties.setdefault(space, {})
                if container is None or name in in_space:
                    raise Unusual
                in_space[name] = container.read(data.properties)
            records.append((item.space, item.externalId, _encode(properties)))
        return records


def _has_more_properties(body: bytes, items: list[_Item]) -> bool:
    """Tell whether there may be properties that were passed over without a look at them.

    JSON can have one key several times; the last one counts, and the others must be JSON as well.
    """
    looked_at = sum([len(item.sources) for item in items])
    if body.count(b'"properties"') != looked_at:
        return True
    return b"\\" in body and any(letter in body for letter in LETTERS)
