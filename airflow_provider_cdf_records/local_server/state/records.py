"""The endpoints that write records: every record is checked, then all are stored or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
from airflow_provider_cdf_records.local_server.state.schema import Schema
from airflow_provider_cdf_records.local_server.state.store import (
    Capacity,
    Identity,
    NewRecord,
    Store,
    StreamFull,
    StreamGone,
)
from airflow_provider_cdf_records.local_server.state.streams import Streams, no_such_stream
from airflow_provider_cdf_records.local_server.state.throughput import Throughput


class Records:
    """Upsert, ingest and delete.

    :param capacity: how much each stream can hold.
    :param missing: creates what records name and does not exist; without it such records are refused.
    """

    def __init__(
        self,
        store: Store,
        schema: Schema,
        streams: Streams,
        capacity: Capacity,
        *,
        throughput: Throughput,
        missing: MissingCreator | None = None,
    ) -> None:
        self._store = store
        self._schema = schema
        self._streams = streams
        self._capacity = capacity
        self._throughput = throughput
        self._missing = missing

    def upsert(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/upsert``: replace whole records by space and external id."""
        self._create_missing(stream_id, body)
        self._check_mutable(stream_id, "upsert")
        records = self._read(body)
        with self._refusing_full_or_deleted(stream_id):
            self._store.upsert(stream_id, records, self._capacity)
        self._count(stream_id, records)
        return {}

    def ingest(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records``: only new records, if the stream is mutable."""
        self._create_missing(stream_id, body)
        mutable = self._streams.is_mutable(self._streams.get(stream_id))
        records = self._read(body, twice_allowed=not mutable)
        existing: list[Identity] = []
        with self._refusing_full_or_deleted(stream_id):
            if mutable:
                existing = self._store.insert(stream_id, records, self._capacity)
            else:
                self._store.append(stream_id, records, self._capacity)
        if existing:
            raise ApiError(
                facts.INGEST_EXISTS,
                f"{len(existing)} of the records exist already; use upsert to replace them.",
                duplicated=[_identifier(identity) for identity in existing],
            )
        self._count(stream_id, records)
        return {}

    def delete(self, stream_id: str, body: object) -> dict[str, Any]:
        """``POST /streams/{id}/records/delete``; unknown records are ignored."""
        self._check_mutable(stream_id, "delete")
        self._store.delete(
            stream_id, [_read_identity(item, f"items[{index}]") for index, item in enumerate(items_of(body))]
        )
        return {}

    def _create_missing(self, stream_id: str, body: object) -> None:
        if self._missing is not None:
            self._missing.prepare(stream_id, body)

    def _check_mutable(self, stream_id: str, operation: str) -> None:
        if not self._streams.is_mutable(self._streams.get(stream_id)):
            raise ApiError(
                facts.UPSERT_ON_IMMUTABLE,
                f"Stream {stream_id!r} is immutable: it does not allow {operation}.",
            )

    def _count(self, stream_id: str, records: list[NewRecord]) -> None:
        self._throughput.add(stream_id, len(records), sum(len(properties) for _, _, properties in records))

    @contextmanager
    def _refusing_full_or_deleted(self, stream_id: str) -> Iterator[None]:
        try:
            yield
        except StreamGone:
            raise no_such_stream(stream_id) from None
        except StreamFull:
            raise ApiError(
                facts.STREAM_FULL,
                f"Stream {stream_id!r} would hold more than {self._capacity.records:,} records "
                f"or {self._capacity.size / 1e9:g} GB.",
            ) from None

    def _read(self, body: object, *, twice_allowed: bool = False) -> list[NewRecord]:
        """Check all records before any is stored."""
        read: dict[Identity, NewRecord] = {}
        records: list[NewRecord] = []
        twice: list[Identity] = []
        for index, item in enumerate(items_of(body)):
            identity = _read_identity(item, f"items[{index}]")
            where = f"items[{index}] ({identity[0]}/{identity[1]})"
            self._schema.check_space(identity[0], f"{where}.space")
            record = (*identity, msgspec.json.encode(self._read_sources(item, where)))
            if identity in read:
                twice.append(identity)
            read[identity] = record
            records.append(record)
        if twice and not twice_allowed:
            raise ApiError(
                facts.TWICE_IN_REQUEST,
                f"{len(twice)} of the records are twice in the request, such as {'/'.join(twice[0])}.",
                duplicated=[_identifier(identity) for identity in twice],
            )
        return records

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


def _read_identity(item: dict[str, Any], where: str) -> Identity:
    return a_space(item.get("space"), f"{where}.space"), a_record_id(
        item.get("externalId"), f"{where}.externalId"
    )


def _identifier(identity: Identity) -> dict[str, str]:
    return {"space": identity[0], "externalId": identity[1]}
