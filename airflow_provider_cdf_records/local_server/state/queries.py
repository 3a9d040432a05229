"""The endpoints that read a stream: filter, aggregate and sync."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.checks.reading import a_limit, an_object, bad_request
from airflow_provider_cdf_records.local_server.language.accumulators import results
from airflow_provider_cdf_records.local_server.language.aggregates import AggregateReader
from airflow_provider_cdf_records.local_server.language.filters import (
    BOUNDS,
    TOP_LEVEL,
    Fields,
    Matches,
    compile_filter,
)
from airflow_provider_cdf_records.local_server.language.intervals import epoch_ms
from airflow_provider_cdf_records.local_server.language.narrowing import Narrowing, narrow
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


@dataclass(frozen=True)
class Wanted:
    """The records that a query is about.

    :ivar narrowing: ``None`` where each record of the stream must be tested.
    """

    stream_id: str
    matches: Matches
    bounds: dict[str, int]
    narrowing: Narrowing | None


class Queries:
    """Reads streams.

    :param narrow: read through the indexes where that gives the same as testing each record.
    """

    def __init__(self, store: Store, schema: Schema, streams: Streams, *, narrow: bool = True) -> None:
        self._store = store
        self._schema = schema
        self._streams = streams
        self._narrow = narrow and store.can_narrow

    def all(self, stream_id: str) -> list[Fields]:
        """Return all records of a stream, also those that queries do not see yet."""
        self._streams.get(stream_id)
        return [fields_of(record) for record in self._store.all_records(stream_id)]

    def filter(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/filter``: one page."""
        query = _read_query(body)
        limit, select = a_limit(query), read_sources(query, self._schema.container)
        wanted, sort = self._read_wanted(stream_id, query), query.get("sort")
        if not sort:
            found = self._matching(wanted)
        elif wanted.narrowing is None or not _is_by_time(sort):
            found = iter(sorted_by(list(self._matching(wanted)), sort))
        else:
            found = self._matching_by_time(wanted, sort)
        page = list(islice(found, limit))
        items = [fields | {"properties": select(fields["properties"])} for fields in page]
        return {"items": items} | self._typing(query, properties_in(items))

    def aggregate(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/aggregate``."""
        query = _read_query(body)
        reader = AggregateReader(self._schema.property_type)
        accumulators = reader.read(query.get("aggregates")).start()
        wanted = self._read_wanted(stream_id, query)
        if wanted.narrowing is not None and wanted.narrowing.exact and _only_counts(query["aggregates"]):
            count = self._store.count(stream_id, wanted.narrowing)
            return {"aggregates": {name: {"count": count} for name in accumulators}} | self._typing(
                query, set()
            )
        for fields in self._matching(wanted):
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
            fields = fields_of(record)
            if matches(fields):  # a tombstone has no properties, but an identity and times
                if len(page) == limit:
                    has_next = True
                    break
                page.append(change(fields, select, deleted=bool(record.deleted)))
            seq = record.seq
        answer = {"items": page, "nextCursor": cursor_at(stream_id, seq), "hasNext": has_next}
        return answer | self._typing(query, properties_in(page))

    def _read_wanted(self, stream_id: str, query: dict[str, Any]) -> Wanted:
        stream = self._streams.get(stream_id)
        matches, bounds = _read_filter(query), _read_time_bounds(query)
        if not self._streams.is_mutable(stream) and not LOWER & bounds.keys():
            raise bad_request("lastUpdatedTime: immutable streams need a lower bound, gt or gte.")
        narrowing = narrow(query.get("filter"), bounds) if self._narrow else None
        return Wanted(stream_id, matches, bounds, narrowing)

    def _matching(self, wanted: Wanted, *, newest_first: bool = False) -> Iterator[Fields]:
        if wanted.narrowing is None:
            records = self._store.records(wanted.stream_id)
        else:
            records = self._store.narrowed(wanted.stream_id, wanted.narrowing, newest_first=newest_first)
        for record in records:
            if all(BOUNDS[name](record.updated, bound) for name, bound in wanted.bounds.items()):
                fields = fields_of(record)
                if wanted.matches(fields):
                    yield fields

    def _matching_by_time(self, wanted: Wanted, sort: list[Any]) -> Iterator[Fields]:
        """Yield the records in the order of ``sort``, which begins with ``lastUpdatedTime``, one by one."""
        newest_first = sort[0].get("direction") == "descending"
        found = self._matching(wanted, newest_first=newest_first)
        for _, group in groupby(found, itemgetter("lastUpdatedTime")):
            together = list(group)  # written by one request, so not many
            yield from sorted_by(together[::-1] if newest_first else together, sort)

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


def _is_by_time(sort: Any) -> bool:
    """Tell whether records are sorted by ``lastUpdatedTime``, and then by what all records have.

    :raises ApiError: they cannot be sorted so.
    """
    sorted_by([], sort)
    paths = [order["property"] for order in sort]
    return paths[0] == ["lastUpdatedTime"] and all(len(path) == 1 and path[0] in TOP_LEVEL for path in paths)


def _only_counts(aggregates: dict[str, Any]) -> bool:
    """Tell whether aggregates, which were read, are only numbers of records."""
    return all("count" in one and "property" not in one["count"] for one in aggregates.values())


def fields_of(record: StoredRecord) -> Fields:
    """Return a record as it is answered, with all properties."""
    return {
        "space": record.space,
        "externalId": record.external_id,
        "createdTime": record.created,
        "lastUpdatedTime": record.updated,
        "properties": msgspec.json.decode(record.properties) if record.properties else {},
    }
