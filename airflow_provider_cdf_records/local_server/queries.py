"""What can be read of a stream: filter, aggregate and sync."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.filters import (
    BOUNDS,
    Fields,
    Matches,
    comparable,
    compile_filter,
    property_reader,
)
from airflow_provider_cdf_records.local_server.reading import (
    a_limit,
    a_list,
    a_string,
    an_object,
    bad_request,
)
from airflow_provider_cdf_records.local_server.schema import Schema
from airflow_provider_cdf_records.local_server.store import Store, StoredRecord
from airflow_provider_cdf_records.local_server.streams import Streams
from airflow_provider_cdf_records.local_server.values import instant

AGO = re.compile(r"(\d{1,6})([smhdw])-ago")
UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

Select = Callable[[dict[str, Any]], dict[str, Any]]


class Queries:
    """Reads streams.

    :param visibility_delay: seconds that a change stays invisible after it was accepted.
    """

    def __init__(self, store: Store, schema: Schema, streams: Streams, visibility_delay: float) -> None:
        self._store = store
        self._schema = schema
        self._streams = streams
        self._delay_ms = int(visibility_delay * 1000)

    def filter(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/filter``: one page."""
        query = an_object(body, "body")
        limit, select = a_limit(query), self._selection(query)
        found = self._matching(stream_id, query)
        if query.get("sort"):
            page = _sorted(list(found), query["sort"])[:limit]
        else:
            page = list(islice(found, limit))
        answer: dict[str, Any] = {
            "items": [fields | {"properties": select(fields["properties"])} for fields in page]
        }
        if query.get("includeTyping"):
            answer["typing"] = self._typing(answer["items"])
        return answer

    def aggregate(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/aggregate``: ``count``, of records or of those with a property."""
        query = an_object(body, "body")
        wanted = an_object(query.get("aggregates"), "aggregates")
        if not wanted:
            raise bad_request("aggregates: expected at least one.")
        counted = {name: _counted(aggregate, f"aggregates.{name}") for name, aggregate in wanted.items()}
        counts = dict.fromkeys(counted, 0)
        for fields in self._matching(stream_id, query):
            for name, counts_in in counted.items():
                counts[name] += counts_in(fields)
        return {"aggregates": {name: {"count": count} for name, count in counts.items()}}

    def sync(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/sync``: a page of the changes since a cursor, oldest first."""
        query = an_object(body, "body")
        self._streams.get(stream_id)
        limit, select, matches = a_limit(query), self._selection(query), _compiled_filter(query)
        position = self._start(stream_id, query)
        page: list[dict[str, Any]] = []
        has_next = False
        for record in self._store.records(stream_id, after=position, upto=self._visible(), deleted=True):
            fields = _fields(record)
            if record.deleted or matches(fields):
                if len(page) == limit:
                    has_next = True
                    break
                page.append(_change(record, fields, select))
            position = record.seq
        return {"items": page, "nextCursor": _cursor(stream_id, position), "hasNext": has_next}

    def _start(self, stream_id: str, query: dict[str, Any]) -> int:
        cursor, start = query.get("cursor"), query.get("initializeCursor")
        if (cursor is None) == (start is None):
            raise bad_request("expected either cursor or initializeCursor.")
        if cursor is not None:
            return _position(stream_id, cursor)
        ago = AGO.fullmatch(start) if isinstance(start, str) else None
        if ago is None:
            raise bad_request(f"initializeCursor: expected a duration such as '7d-ago', got {start!r}.")
        since = time.time_ns() // 1_000_000 - int(ago[1]) * UNIT_MS[ago[2]]
        return self._store.seq_before(stream_id, since)

    def _matching(self, stream_id: str, query: dict[str, Any]) -> Iterator[Fields]:
        stream = self._streams.get(stream_id)
        matches, bounds = _compiled_filter(query), _time_bounds(query)
        if not self._streams.is_mutable(stream) and not {"gt", "gte"} & bounds.keys():
            raise bad_request("lastUpdatedTime: immutable streams need a lower bound, gt or gte.")
        for record in self._store.records(stream_id, upto=self._visible()):
            if all(BOUNDS[name](record.updated, bound) for name, bound in bounds.items()):
                fields = _fields(record)
                if matches(fields):
                    yield fields

    def _visible(self) -> int | None:
        return time.time_ns() // 1_000_000 - self._delay_ms if self._delay_ms else None

    def _selection(self, query: dict[str, Any]) -> Select:
        sources = query.get("sources")
        if sources is None:
            return lambda properties: properties
        selected: dict[tuple[str, str], list[str] | None] = {}
        for index, entry in enumerate(a_list(sources, "sources")):
            where = f"sources[{index}]"
            source = an_object(an_object(entry, where).get("source"), f"{where}.source")
            container = self._schema.container(source, f"{where}.source")
            names = [
                a_string(name, f"{where}.properties")
                for name in a_list(entry.get("properties"), f"{where}.properties")
            ]
            for name in names:
                if name != "*" and name not in container.properties:
                    raise bad_request(f"{where}.properties: {name!r} is not a property of the container.")
            selected[container.space, container.external_id] = None if "*" in names else names

        def select(properties: dict[str, Any]) -> dict[str, Any]:
            chosen: dict[str, Any] = {}
            for (space, container), names in selected.items():
                held = properties.get(space, {}).get(container)
                if held is not None:
                    kept = held if names is None else {name: held[name] for name in names if name in held}
                    chosen.setdefault(space, {})[container] = kept
            return chosen

        return select

    def _typing(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        keys = {
            (space, name) for item in items for space, held in item["properties"].items() for name in held
        }
        typing: dict[str, Any] = {}
        for space, name in sorted(keys):
            typing.setdefault(space, {})[name] = self._schema.definition(space, name)["properties"]
        return typing


def _compiled_filter(query: dict[str, Any]) -> Matches:
    expression = query.get("filter")
    return (lambda _: True) if expression is None else compile_filter(expression)


def _time_bounds(query: dict[str, Any]) -> dict[str, int]:
    given = query.get("lastUpdatedTime")
    bounds = {} if given is None else an_object(given, "lastUpdatedTime")
    return {
        name: _milliseconds(bound, f"lastUpdatedTime.{name}")
        for name, bound in bounds.items()
        if bound is not None
    }


def _milliseconds(bound: Any, where: str) -> int:
    if where.rpartition(".")[2] not in BOUNDS:
        raise bad_request(f"{where}: expected one of {', '.join(BOUNDS)}.")
    if isinstance(bound, int) and not isinstance(bound, bool):
        return bound
    moment = instant(bound) if isinstance(bound, str) else None
    if moment is None:
        raise bad_request(f"{where}: expected epoch milliseconds or an ISO 8601 time, got {bound!r}.")
    return round(moment.timestamp() * 1000)


def _fields(record: StoredRecord) -> Fields:
    return {
        "space": record.space,
        "externalId": record.external_id,
        "createdTime": record.created,
        "lastUpdatedTime": record.updated,
        "properties": msgspec.json.decode(record.properties) if record.properties else {},
    }


def _change(record: StoredRecord, fields: Fields, select: Select) -> dict[str, Any]:
    if record.deleted:
        return {name: value for name, value in fields.items() if name != "properties"} | {"status": "deleted"}
    status = "created" if record.created == record.updated else "updated"
    return fields | {"properties": select(fields["properties"]), "status": status}


def _sorted(found: list[Fields], sort: object) -> list[Fields]:
    for index, entry in reversed(list(enumerate(a_list(sort, "sort")))):
        where = f"sort[{index}]"
        order = an_object(entry, where)
        read = property_reader(order.get("property"), where)
        direction = order.get("direction", "ascending")
        if direction not in ("ascending", "descending"):
            raise bad_request(f"{where}.direction: {direction!r} is neither 'ascending' nor 'descending'.")
        keyed = [(comparable(read(fields)), fields) for fields in found]
        try:
            with_value = sorted(
                (pair for pair in keyed if pair[0] is not None),
                key=itemgetter(0),
                reverse=direction == "descending",
            )
        except TypeError:
            raise bad_request(f"{where}: the property cannot be sorted by.") from None
        found = [fields for _, fields in with_value] + [fields for key, fields in keyed if key is None]
    return found


def _counted(aggregate: object, where: str) -> Callable[[Fields], bool]:
    kinds = an_object(aggregate, where)
    if list(kinds) != ["count"]:
        raise bad_request(
            f"{where}: this local server only counts; expected {{'count': ...}}, got {list(kinds)}."
        )
    count = an_object(kinds["count"], f"{where}.count")
    if "property" not in count:
        return lambda _: True
    read = property_reader(count["property"], f"{where}.count")
    return lambda fields: read(fields) is not None


def _cursor(stream_id: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{stream_id}:{position}".encode()).decode()


def _position(stream_id: str, cursor: object) -> int:
    try:
        of_stream, _, position = base64.urlsafe_b64decode(str(cursor)).decode().rpartition(":")
        if of_stream == stream_id:
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise bad_request("cursor: not a cursor of this stream.")
