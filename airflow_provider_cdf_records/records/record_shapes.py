"""What the JSON of API-shaped records looks like, as types that ``msgspec`` decodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import msgspec

from airflow_provider_cdf_records.records.chunk import Identity
from airflow_provider_cdf_records.records.identifiers import MAX_EXTERNAL_ID, MAX_SOURCES, identity_of

BACKSLASH, UNICODE_ESCAPE, SPACE = b"\\", b"\\u", b" "
SPACED_MOMENT = re.compile(rb"-[0-9]{2} [0-9]")
MAX_BYTES_PER_CHARACTER = 4  # of UTF-8
MAX_PROPERTIES_DECODERS = 2000
MAX_SMALL_RECORD = 40_960  # bytes, the most that CDF takes of a property of type json


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


class AnyObject(msgspec.Struct, gc=False):
    """Any object; its content is skipped."""


class SourceData(msgspec.Struct, gc=False):
    """The properties of a record in one container or view."""

    source: Source
    properties: AnyObject


ExternalId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_EXTERNAL_ID)]


class Shape(msgspec.Struct, gc=False):
    """Any record."""

    space: str
    externalId: ExternalId
    sources: Annotated[list[SourceData], msgspec.Meta(min_length=1, max_length=MAX_SOURCES)]


decode_shape = msgspec.json.Decoder(Shape).decode


class TextTraits(NamedTuple):
    """What is known of the JSON of records before it is decoded, so that decoding has less to look at.

    :param bytes_per_character: the most that a character of a text takes, as UTF-8.
    :param may_have_spaced_moments: whether it may hold a text like ``2026-01-02 03:04:05``.
    :param is_long: whether a record has more than :data:`MAX_SMALL_RECORD` bytes.
    """

    bytes_per_character: int
    may_have_spaced_moments: bool
    is_long: bool


def traits_of(request: bytes, bodies: list[bytes]) -> TextTraits:
    """Return the traits of records.

    :param request: all of them.
    """
    has_escapes = BACKSLASH in request and UNICODE_ESCAPE in request  # one byte is found many times as fast
    return TextTraits(
        bytes_per_character=MAX_BYTES_PER_CHARACTER if has_escapes or not request.isascii() else 1,
        may_have_spaced_moments=has_escapes
        or (SPACE in request and SPACED_MOMENT.search(request) is not None),
        is_long=len(request) > MAX_SMALL_RECORD and max(map(len, bodies)) > MAX_SMALL_RECORD,
    )


class _RawSourceData(msgspec.Struct, gc=False):
    source: Source
    properties: msgspec.Raw


class _RawShape(msgspec.Struct, gc=False):
    space: str
    externalId: ExternalId
    sources: list[_RawSourceData]


_decode_raw_shape = msgspec.json.Decoder(_RawShape).decode
_decode_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ValueCheck(Protocol):
    """Knows which values the properties of a container take."""

    def properties_type(self, traits: TextTraits, names: Iterable[str] = ()) -> Any:
        """Return a type of ``msgspec`` that decodes properties without any problem, and maybe not all.

        :param names: of the properties of a record; those that have them in this order are decoded fastest.
        """

    def problems(self, properties: Mapping[str, Any], path: str) -> Iterator[str]:
        """Yield what is certainly wrong with the properties of a record.

        :param path: of the properties in the record.
        """


class UniformRecords:
    """Decodes records that all name the same space and the same containers, with values that these take.

    Checking that takes a third of the time of decoding the names.

    :param checks: of the containers in ``sources``; ``None`` for one whose definition is not known.
    """

    def __init__(
        self, space: str, sources: tuple[Source, ...], checks: tuple[ValueCheck | None, ...]
    ) -> None:
        self._space = space
        self._sources = sources
        self._checks = checks
        self._decoders: dict[TextTraits, msgspec.json.Decoder[Any]] = {}
        self._prefix = identity_of(space, "")

    def identities(self, bodies: list[bytes], traits: TextTraits) -> list[Identity]:
        """Return the identities of records.

        :raises ValidationError: of ``msgspec``, when one of them names something else, or has a value that a
            property may not take.
        """
        decoder = self._decoders.get(traits)
        if decoder is None:
            decoder = self._decoders[traits] = msgspec.json.Decoder(self._shape(traits, bodies[0]))
        prefix = self._prefix
        return [prefix + shape.externalId for shape in map(decoder.decode, bodies)]

    def _shape(self, traits: TextTraits, body: bytes) -> Any:
        """Return the type of the records.

        :param body: one of them, whose properties others probably have in the same order.
        """
        raw = {data.source: data.properties for data in _decode_raw_shape(body).sources}
        data = []
        for source, check in zip(self._sources, self._checks, strict=True):
            names = {"type": source.__struct_config__.tag, **msgspec.structs.asdict(source)}
            this_source = msgspec.defstruct(
                "Source", [(name, Literal[value]) for name, value in names.items()], gc=False
            )
            properties: Any = AnyObject
            if check is not None:
                properties = check.properties_type(traits, _decode_names(raw.get(source, b"{}")))
            data.append(
                msgspec.defstruct(
                    "SourceData", [("source", this_source), ("properties", properties)], gc=False
                )
            )
        return msgspec.defstruct(
            "Shape",
            [("space", Literal[self._space]), ("externalId", ExternalId), ("sources", tuple[tuple(data)])],  # type: ignore[misc]
            gc=False,
        )


class DifferentRecords:
    """Decodes records that name many different spaces and containers, with values that these take.

    A record takes a few times as long as one of :class:`UniformRecords`, of which each kind costs as much as
    hundreds of records before the first one is decoded.

    :param checks: of the containers that are known; more may come.
    """

    def __init__(self, checks: Mapping[Source, ValueCheck]) -> None:
        self._checks = checks
        self._decoders: dict[tuple[Source, TextTraits], msgspec.json.Decoder[Any]] = {}

    def identity(self, body: bytes, traits: TextTraits) -> Identity:
        """Return the identity of a record that passed :func:`decode_shape`.

        :raises ValidationError: of ``msgspec``, when it has a value that a property may not take.
        """
        shape = _decode_raw_shape(body)
        for data in shape.sources:
            check = self._checks.get(data.source)
            if check is not None:
                self._decoder(data, check, traits).decode(data.properties)
        return identity_of(shape.space, shape.externalId)

    def _decoder(
        self, data: _RawSourceData, check: ValueCheck, traits: TextTraits
    ) -> msgspec.json.Decoder[Any]:
        decoder = self._decoders.get((data.source, traits))
        if decoder is None:
            if len(self._decoders) >= MAX_PROPERTIES_DECODERS:
                self._decoders.clear()
            names = _decode_names(data.properties)
            decoder = msgspec.json.Decoder(check.properties_type(traits, names))
            self._decoders[data.source, traits] = decoder
        return decoder
