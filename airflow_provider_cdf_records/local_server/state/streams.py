"""Streams, created from templates, which decide whether their records can change."""

from __future__ import annotations

import threading
from typing import Any, NoReturn

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.reading import (
    a_stream_id,
    a_string,
    an_object,
    bad_request,
    items_of,
)
from airflow_provider_cdf_records.local_server.state.store import Capacity, Store, StoredStream


class Streams:
    """The project's streams.

    :param capacity: how much each of them can hold.
    """

    def __init__(self, store: Store, capacity: Capacity) -> None:
        self._store = store
        self._capacity = capacity
        self._lock = threading.Lock()
        self._streams = store.streams()

    def create(self, body: object) -> dict[str, Any]:
        """``POST /streams``, one at a time."""
        (item,) = items_of(body, 1)
        stream_id = a_stream_id(item.get("externalId"), "items[0].externalId")
        settings = an_object(item.get("settings"), "items[0].settings")
        template = a_string(
            an_object(settings.get("template"), "items[0].settings.template").get("name"),
            "items[0].settings.template.name",
        )
        if template not in facts.TEMPLATES:
            raise bad_request(
                f"items[0].settings.template.name: {template!r} is not one of {', '.join(facts.TEMPLATES)}."
            )
        with self._lock:
            if existing := self._streams.get(stream_id):
                reserved = "was deleted, and its id stays reserved" if existing.deleted else "exists already"
                raise ApiError(
                    facts.STREAM_EXISTS,
                    f"Stream {stream_id!r} {reserved}.",
                    duplicated=[{"externalId": stream_id}],
                )
            stream = self._store.put_stream(stream_id, template)
            self._streams = self._streams | {stream_id: stream}  # others may be reading the old dict
        return {"items": [self._described(stream)]}

    def list(self) -> dict[str, Any]:
        """``GET /streams``."""
        return {"items": [self._described(s) for s in self._streams.values() if not s.deleted]}

    def retrieve(self, stream_id: str, *, statistics: bool) -> dict[str, Any]:
        """``GET /streams/{id}``."""
        return self._described(self.get(stream_id), statistics=statistics)

    def delete(self, body: object) -> dict[str, Any]:
        """``POST /streams/delete``, one at a time: its records are deleted, its id stays reserved.

        An unknown stream is ignored.
        """
        (item,) = items_of(body, 1)
        stream_id = a_stream_id(item.get("externalId"), "items[0].externalId")
        with self._lock:
            stream = self._streams.get(stream_id)
            if stream and not stream.deleted:
                self._store.delete_stream(stream_id)
                self._streams = self._store.streams()
        return {}

    def delete_by_removed_endpoint(self) -> NoReturn:
        """``DELETE /streams/{id}``, an endpoint that CDF has removed."""
        raise ApiError(
            facts.ENDPOINT_REMOVED, "This endpoint is no longer supported; use POST /streams/delete."
        )

    def get(self, stream_id: str) -> StoredStream:
        """Return a stream; refuse one that does not exist."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.deleted:
            raise no_such_stream(stream_id)
        return stream

    def has(self, stream_id: object) -> bool:
        """Tell whether a stream exists."""
        stream = self._streams.get(stream_id) if isinstance(stream_id, str) else None
        return stream is not None and not stream.deleted

    def is_mutable(self, stream: StoredStream) -> bool:
        """Tell whether a stream's records can be replaced and deleted."""
        return facts.TEMPLATES[stream.template] == facts.MUTABLE

    def _described(self, stream: StoredStream, *, statistics: bool = False) -> dict[str, Any]:
        limits: dict[str, Any] = {
            "maxRecordsTotal": {"provisioned": self._capacity.records},
            "maxGigaBytesTotal": {"provisioned": self._capacity.size / 1e9},
        }
        lifecycle = {"retainedAfterSoftDelete": facts.RETAINED_AFTER_SOFT_DELETE}
        if statistics:
            count, size = self._store.usage(stream.id)
            limits["maxRecordsTotal"]["consumed"] = count
            limits["maxGigaBytesTotal"]["consumed"] = size / 1e9
        if not self.is_mutable(stream):
            lifecycle["dataDeletedAfter"] = facts.DATA_DELETED_AFTER
            limits["maxFilteringInterval"] = facts.MAX_FILTERING_INTERVAL
        return {
            "externalId": stream.id,
            "createdTime": stream.created,
            "createdFromTemplate": stream.template,
            "type": facts.TEMPLATES[stream.template],
            "settings": {"lifecycle": lifecycle, "limits": limits},
        }


def no_such_stream(stream_id: str) -> ApiError:
    """Return the error for a stream that does not exist."""
    return ApiError(404, f"Stream {stream_id!r} does not exist.", missing=[{"externalId": stream_id}])
