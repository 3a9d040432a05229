"""The endpoints that write records: every record is checked, then all are stored or none.

CDF's writes are no transactions: where that is asked for, a refused request stores its good records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.reading import (
    a_list,
    a_record_id,
    a_space,
    an_object,
    bad_request,
    items_of,
)
from airflow_provider_cdf_records.local_server.state.creating import MissingCreator
from airflow_provider_cdf_records.local_server.state.quick_reading import QuickReader
from airflow_provider_cdf_records.local_server.state.schema import Schema
from airflow_provider_cdf_records.local_server.state.store import (
    Capacity,
    Identity,
    NewRecord,
    Store,
    StoredStream,
    StreamFull,
    StreamGone,
)
from airflow_provider_cdf_records.local_server.state.streams import Streams, no_such_stream
from airflow_provider_cdf_records.local_server.state.throughput import Throughput

Item = TypeVar("Item")


@dataclass(frozen=True)
class GoodRecords:
    """The records of a request's body, which were checked one by one."""

    records: list[NewRecord]


class Records:
    """Upsert, ingest and delete.

    :param missing: creates what records name and does not exist; without it such records are refused.
    :param partly: store the good records of a request that is refused for others.
    """

    def __init__(
        self,
        store: Store,
        schema: Schema,
        streams: Streams,
        *,
        throughput: Throughput,
        missing: MissingCreator | None = None,
        partly: bool = False,
    ) -> None:
        self._store = store
        self._schema = schema
        self._streams = streams
        self._throughput = throughput
        self._missing = missing
        self._partly = partly
        self._quick = QuickReader(schema.has_space, schema.quick_container)

    def read_quickly(self, body: bytes) -> GoodRecords | None:
        """Return the records of a body that are all good for certain, to be written instead of it."""
        records = self._quick.read(body)
        return None if records is None else GoodRecords(records)

    def upsert(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/upsert``: replace whole records by space and external id."""
        self._create_missing(stream_id, body)
        capacity = self._streams.capacity(self._mutable(stream_id, "upsert"))
        records, refusal = self._read_records(body)
        with _refusing_full_or_deleted(stream_id, capacity):
            self._store.upsert(stream_id, records, capacity)
        return self._accept(stream_id, records, refusal)

    def ingest(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records``: only new records, if the stream is mutable."""
        self._create_missing(stream_id, body)
        stream = self._streams.get(stream_id)
        mutable, capacity = self._streams.is_mutable(stream), self._streams.capacity(stream)
        records, refusal = self._read_records(body, twice_allowed=not mutable)
        existing: list[Identity] = []
        with _refusing_full_or_deleted(stream_id, capacity):
            if mutable:
                existing = self._store.insert(stream_id, records, capacity, partly=self._partly)
            else:
                self._store.append(stream_id, records, capacity)
        if existing:
            refusal = refusal or ApiError(
                facts.INGEST_EXISTS,
                f"{len(existing)} of the records exist already; use upsert to replace them.",
                duplicated=[_identifier(identity) for identity in existing],
            )
            records = [record for record in records if record[:2] not in existing]
        return self._accept(stream_id, records, refusal)

    def delete(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/delete``; unknown records are ignored."""
        self._mutable(stream_id, "delete")
        identities, refusal = self._read_each(body, _read_identity)
        self._store.delete(stream_id, identities)
        if refusal:
            raise refusal
        return {}

    def _create_missing(self, stream_id: str, body: object) -> None:
        if self._missing is not None:
            self._missing.prepare(stream_id, body)

    def _mutable(self, stream_id: str, operation: str) -> StoredStream:
        """Return a stream; refuse one whose records cannot change."""
        stream = self._streams.get(stream_id)
        if not self._streams.is_mutable(stream):
            raise ApiError(
                facts.UPSERT_ON_IMMUTABLE,
                f"Stream {stream_id!r} is immutable: it does not allow {operation}.",
            )
        return stream

    def _accept(self, stream_id: str, stored: list[NewRecord], refusal: ApiError | None) -> dict[str, Any]:
        """Answer a request whose records were stored but for those that it is refused for."""
        if self._partly or not refusal:
            size = sum(len(properties) for _, _, properties in stored)
            self._throughput.add(stream_id, len(stored), size)
        if refusal:
            raise refusal
        return {}

    def _read_records(
        self, body: object, *, twice_allowed: bool = False
    ) -> tuple[list[NewRecord], ApiError | None]:
        """Check all records before any is stored; return those to store, and why the request is refused."""
        if isinstance(body, GoodRecords):
            records, refusal = body.records, None
            if len({record[:2] for record in records}) == len(records):
                return records, None
        else:
            records, refusal = self._read_each(body, self._read_record)
        times = Counter(record[:2] for record in records)
        twice = [identity for identity, count in times.items() if count > 1]
        if not twice or twice_allowed:
            return records, refusal
        refusal = refusal or ApiError(
            facts.TWICE_IN_REQUEST,
            f"{len(twice)} of the records are twice in the request, such as {'/'.join(twice[0])}.",
            duplicated=[_identifier(identity) for identity in twice],
        )
        if not self._partly:
            raise refusal
        return [record for record in records if times[record[:2]] == 1], refusal

    def _read_each(
        self, body: object, read: Callable[[dict[str, Any], str], Item]
    ) -> tuple[list[Item], ApiError | None]:
        """Read each item; return those that are good, and what is wrong with the first that is not.

        :raises ApiError: an item is wrong, and the good ones must not be stored without it.
        """
        good: list[Item] = []
        refusal: ApiError | None = None
        for index, item in enumerate(items_of(body)):
            try:
                good.append(read(item, f"items[{index}]"))
            except ApiError as error:
                if not self._partly:
                    raise
                refusal = refusal or error
        return good, refusal

    def _read_record(self, item: dict[str, Any], where: str) -> NewRecord:
        space, external_id = _read_identity(item, where)
        where = f"{where} ({space}/{external_id})"
        self._schema.check_space(space, f"{where}.space")
        sources = self._read_sources(item, where)
        # In one order, so that exact copies are the same bytes.
        return space, external_id, msgspec.json.encode(sources, order="deterministic")

    def _read_sources(self, item: dict[str, Any], where: str) -> dict[str, dict[str, dict[str, Any]]]:
        sources = a_list(item.get("sources"), f"{where}.sources")
        if not 1 <= len(sources) <= facts.MAX_SOURCES:
            raise bad_request(f"{where}.sources: expected 1 to {facts.MAX_SOURCES}, got {len(sources)}.")
        properties: dict[str, dict[str, dict[str, Any]]] = {}
        for number, data in enumerate(sources):
            place = f"{where}.sources[{number}]"
            source = an_object(an_object(data, place).get("source"), f"{place}.source")
            if source.get("type") != "container":
                raise bad_request(
                    f"{place}.source.type: expected 'container', got {source.get('type')!r} "
                    "(this local server keeps no views)."
                )
            container = self._schema.container(source, f"{place}.source")
            space, name = container.space, container.external_id
            given = an_object(data.get("properties"), f"{place}.properties")
            if name in properties.setdefault(space, {}):
                raise bad_request(f"{place}.source: container {space}/{name} is there twice.")
            properties[space][name] = container.read(given, f"{place}.properties")
        return properties


@contextmanager
def _refusing_full_or_deleted(stream_id: str, capacity: Capacity) -> Iterator[None]:
    try:
        yield
    except StreamGone:
        raise no_such_stream(stream_id) from None
    except StreamFull:
        raise ApiError(
            facts.STREAM_FULL,
            f"Stream {stream_id!r} would hold more than {capacity.records:,} records "
            f"or {capacity.size / 1e9:g} GB.",
        ) from None


def _read_identity(item: dict[str, Any], where: str) -> Identity:
    return a_space(item.get("space"), f"{where}.space"), a_record_id(
        item.get("externalId"), f"{where}.externalId"
    )


def _identifier(identity: Identity) -> dict[str, str]:
    return {"space": identity[0], "externalId": identity[1]}
