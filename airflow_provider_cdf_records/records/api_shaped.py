"""Checks rows that have the shape of the API's records, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.api_record import Record, body_of, to_record
from airflow_provider_cdf_records.records.chunk import Chunk, Identity, Records, Refusal, Row
from airflow_provider_cdf_records.records.decoding import NOT_JSON
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError
from airflow_provider_cdf_records.records.record_shapes import (
    BACKSLASH,
    Container,
    DifferentRecords,
    Source,
    TextTraits,
    UniformRecords,
    ValueCheck,
    decode_shape,
    traits_of,
)
from airflow_provider_cdf_records.records.request import MAX_REQUEST_BYTES, request_body
from airflow_provider_cdf_records.records.returned import may_be_returned, without_returned_keys
from airflow_provider_cdf_records.records.row_identities import check_api_shaped
from airflow_provider_cdf_records.records.row_keys import with_surplus_named

NULL_ESCAPE = b"\\u0000"  # the one way in which JSON can hold a null character
MAX_REMEMBERED = 10_000  # spaces and containers that passed the checks
MAX_DECODERS = 100  # of records of one space that name the same containers


class ApiShaped:
    """Checks rows that are API-shaped records already, a chunk at a time.

    :param problem_with: called once for each container that the records name; returns why it cannot take
        them, or ``None``.
    :param value_check: called once for each container that can take them; returns what checks the values of
        its properties, or ``None`` where its definition is not known.
    """

    def __init__(
        self,
        problem_with: Callable[[Container], str | None] = lambda _: None,
        value_check: Callable[[Container], ValueCheck | None] = lambda _: None,
    ) -> None:
        self._ask = problem_with
        self._ask_for_check = value_check
        self._problems: dict[Source, str | None] = {}
        self._checks: dict[Source, ValueCheck] = {}
        self._good_spaces: set[str] = set()
        self._good_sources: set[Source] = set()
        self._uniform: UniformRecords | None = None  # of the last records
        self._decoders: dict[tuple[str, tuple[Source, ...]], UniformRecords] = {}
        self._different = DifferentRecords(self._checks)

    def __call__(self, chunk: Chunk) -> Records:
        if not (chunk.rows or chunk.refusals):  # a header
            return Records([], [], [], [])
        check_api_shaped(chunk)
        rows = chunk.rows
        try:
            bodies = rows if set(map(type, rows)) == {bytes} else [body_of(row) for row in rows]
            request = request_body(bodies)
            if may_be_returned(request):
                bodies = list(map(without_returned_keys, bodies))
                request = request_body(bodies)
            identities = self._identities(bodies, request)
        except NOT_JSON:  # decoding the rows one by one shows which
            return self._one_by_one(chunk)
        if identities is None or not _is_good_text(request):
            return self._one_by_one(chunk)
        return Records(chunk.positions, identities, bodies, bodies, chunk.refusals, request)

    def _identities(self, bodies: list[bytes], request: bytes) -> list[Identity] | None:
        """Return the identities of records without problems, whose containers are known to be good.

        ``None``: the rows have to be checked one by one.
        """
        traits = traits_of(request, bodies)
        if self._uniform is not None:
            try:
                return self._uniform.identities(bodies, traits)
            except msgspec.ValidationError:
                self._uniform = None
        shapes = list(map(decode_shape, bodies))
        named = [(shape.space, tuple(data.source for data in shape.sources)) for shape in shapes]
        different = set(named)
        if not all(
            space in self._good_spaces and self._good_sources.issuperset(sources)
            for space, sources in different
        ):
            return None
        if len(different) == 1 and (len(bodies) > 1 or named[0] in self._decoders):
            self._uniform = self._decoder(*named[0])
        try:
            return [self._identity(*names, body, traits) for names, body in zip(named, bodies, strict=True)]
        except msgspec.ValidationError:
            return None

    def _identity(self, space: str, sources: tuple[Source, ...], body: bytes, traits: TextTraits) -> Identity:
        """Return the identity of a record, by a decoder of its own only where there are few."""
        if (space, sources) in self._decoders or len(self._decoders) < MAX_DECODERS:
            return self._decoder(space, sources).identities([body], traits)[0]
        return self._different.identity(body, traits)

    def _decoder(self, space: str, sources: tuple[Source, ...]) -> UniformRecords:
        decoder = self._decoders.get((space, sources))
        if decoder is None:
            if len(self._decoders) >= MAX_DECODERS:
                self._decoders.clear()
            decoder = UniformRecords(space, sources, tuple(map(self._checks.get, sources)))
            self._decoders[space, sources] = decoder
        return decoder

    def _one_by_one(self, chunk: Chunk) -> Records:
        records: list[Record] = []
        positions: list[int] = []
        refusals = list(chunk.refusals)
        for position, row in zip(chunk.positions, chunk.rows, strict=True):
            try:
                record = self._record_of(row)
            except InvalidRecordError as error:
                refusals.append(Refusal(position, with_surplus_named(row), str(error)))
            else:
                records.append(record)
                positions.append(position)
        bodies = [record.body for record in records]
        return Records(positions, [record.identity for record in records], bodies, bodies, refusals)

    def _record_of(self, row: Row) -> Record:
        body = body_of(row)
        request = request_body([body])
        try:
            identities = self._identities([body], request)
        except NOT_JSON:
            identities = None
        if identities is not None and _is_good_text(request):
            return Record(identities[0], body)
        record = to_record(row, self._problem_with, self._value_problems)
        if max(len(self._good_spaces), len(self._problems)) >= MAX_REMEMBERED:
            for remembered in (self._good_spaces, self._good_sources, self._problems, self._checks):
                remembered.clear()
        self._good_spaces.add(record.identity.partition("/")[0])
        return record

    def _problem_with(self, source: Source) -> str | None:
        """Return why a container or view cannot take records, and remember it."""
        if source not in self._problems:
            self._problems[source] = problem = self._ask(source) if isinstance(source, Container) else None
            if problem is None:
                check = self._ask_for_check(source) if isinstance(source, Container) else None
                if check is not None:
                    self._checks[source] = check
                self._good_sources.add(source)
        return self._problems[source]

    def _value_problems(self, source: Source, properties: Mapping[str, Any], path: str) -> Iterable[str]:
        check = self._checks.get(source)
        return () if check is None else check.problems(properties, path)


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
