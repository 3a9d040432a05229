"""The endpoints that read a stream: filter, aggregate and sync."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.checks.reading import a_limit, an_object, bad_request
from airflow_provider_cdf_records.local_server.language.accumulators import results
from airflow_provider_cdf_records.local_server.language.aggregates import AggregateReader
from airflow_provider_cdf_records.local_server.language.filters import BOUNDS, Fields, Matches, compile_filter
from airflow_provider_cdf_records.local_server.language.intervals import epoch_ms
from airflow_provider_cdf_records.local_server.language.selection import (
    properties_in,
    read_sources,
    sorted_by,
    typing_of,
)
from airflow_provider_cdf_records.local_server.language.sync import change, cursor_at, start_of
from airflow_provider_cdf_records.local_server.state.schema import Schema
from airflow_provider_cdf_records.local_server.state.store import Store, StoredRecord
from airflow_provider_cdf_records.local_server.state.streams import Streams

LOWER, UPPER = {"gt", "gte"}, {"lt", "lte"}


class Queries:
    """Reads streams."""

    def __init__(self, store: Store, schema: Schema, streams: Streams) -> None:
        self._store = store
        self._schema = schema
        self._streams = streams

    def all(self, stream_id: str) -> list[Fields]:
        """Return all records of a stream, also those that queries do not see yet."""
        self._streams.get(stream_id)
        return [_fields(record) for record in self._store.all_records(stream_id)]

    def filter(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/filter``: one page."""
        query = _read_query(body)
        limit, select = a_limit(query), read_sources(query, self._schema.container)
        found = self._matching(stream_id, query)
        if query.get("sort"):
            page = sorted_by(list(found), query["sort"])[:limit]
        else:
            page = list(islice(found, limit))
        items = [fields | {"properties": select(fields["properties"])} for fields in page]
        return {"items": items} | self._typing(query, properties_in(items))

    def aggregate(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/aggregate``."""
        query = _read_query(body)
        reader = AggregateReader(self._schema.property_type)
        accumulators = reader.read(query.get("aggregates")).start()
        for fields in self._matching(stream_id, query):
            for accumulator in accumulators.values():
                accumulator.add(fields)
        return {"aggregates": results(accumulators)} | self._typing(query, reader.properties)

    def sync(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/sync``: a page of the changes since a cursor, oldest first."""
        query = _read_query(body)
        self._streams.get(stream_id)
        limit, select, matches = (
            a_limit(query),
            read_sources(query, self._schema.container),
            _read_filter(query),
        )
        seq = start_of(stream_id, query, lambda ago_ms: self._seq_ago(stream_id, ago_ms))
        page: list[dict[str, Any]] = []
        has_next = False
        for record in self._store.changes(stream_id, seq):
            fields = _fields(record)
            if matches(fields):  # a tombstone has no properties, but an identity and times
                if len(page) == limit:
                    has_next = True
                    break
                page.append(change(fields, select, deleted=bool(record.deleted)))
            seq = record.seq
        answer = {"items": page, "nextCursor": cursor_at(stream_id, seq), "hasNext": has_next}
        return answer | self._typing(query, properties_in(page))

    def _matching(self, stream_id: str, query: dict[str, Any]) -> Iterator[Fields]:
        stream = self._streams.get(stream_id)
        matches, bounds = _read_filter(query), _read_time_bounds(query)
        if not self._streams.is_mutable(stream) and not LOWER & bounds.keys():
            raise bad_request("lastUpdatedTime: immutable streams need a lower bound, gt or gte.")
        for record in self._store.records(stream_id):
            if all(BOUNDS[name](record.updated, bound) for name, bound in bounds.items()):
                fields = _fields(record)
                if matches(fields):
                    yield fields

    def _seq_ago(self, stream_id: str, milliseconds: int) -> int:
        return self._store.seq_before(stream_id, self._store.clock.now_ms() - milliseconds)

    def _typing(self, query: dict[str, Any], properties: set[tuple[str, str, str]]) -> dict[str, Any]:
        return (
            {"typing": typing_of(properties, self._schema.definition)} if query.get("includeTyping") else {}
        )


def _read_query(body: object) -> dict[str, Any]:
    query = an_object(body, "body")
    if query.get("targetUnits") is not None:
        raise bad_request("targetUnits: this local server converts no units.")
    return query


def _read_filter(query: dict[str, Any]) -> Matches:
    expression = query.get("filter")
    return (lambda _: True) if expression is None else compile_filter(expression)


def _read_time_bounds(query: dict[str, Any]) -> dict[str, int]:
    given = query.get("lastUpdatedTime")
    bounds = {} if given is None else an_object(given, "lastUpdatedTime")
    read: dict[str, int] = {}
    for name, bound in bounds.items():
        if name not in BOUNDS:
            raise bad_request(f"lastUpdatedTime.{name}: expected one of {', '.join(BOUNDS)}.")
        if bound is not None:
            read[name] = epoch_ms(bound, f"lastUpdatedTime.{name}")
    if read.keys() >= LOWER or read.keys() >= UPPER:
        raise bad_request("lastUpdatedTime: two lower or two upper bounds.")
    return read


def _fields(record: StoredRecord) -> Fields:
    return {
        "space": record.space,
        "externalId": record.external_id,
        "createdTime": record.created,
        "lastUpdatedTime": record.updated,
        "properties": msgspec.json.decode(record.properties) if record.properties else {},
    }
