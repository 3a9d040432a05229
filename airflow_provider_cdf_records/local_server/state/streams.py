"""Streams, created from templates, which decide whether their records can change."""

from __future__ import annotations

import threading
from dataclasses import dataclass
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


@dataclass(frozen=True)
class StreamLimits:
    """How many streams a project can have, and what each can hold; ``None`` where only the template says.

    :ivar active: streams that are not deleted.
    :ivar deleted: streams whose ids stay reserved.
    """

    active: int | None = None
    deleted: int | None = None
    records: int | None = None
    gigabytes: float | None = None


class Streams:
    """The project's streams.

    :param limits: how many there can be, and what each can hold where it is not what its template says.
    """

    def __init__(self, store: Store, limits: StreamLimits) -> None:
        self._store = store
        self._limits = limits
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
            existing = self._streams.get(stream_id)
            if existing and not self._is_forgotten(existing):
                reserved = "was deleted, and its id stays reserved" if existing.deleted else "exists already"
                raise ApiError(
                    facts.STREAM_EXISTS,
                    f"Stream {stream_id!r} {reserved}.",
                    duplicated=[{"externalId": stream_id}],
                )
            self._check_number()
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
        """``POST /streams/delete``, one at a time: its records are deleted, its id stays reserved a while.

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

    def has_mutable(self, stream_id: str) -> bool:
        """Tell whether a mutable stream exists."""
        return self.has(stream_id) and self.is_mutable(self.get(stream_id))

    def is_mutable(self, stream: StoredStream) -> bool:
        """Tell whether a stream's records can be replaced and deleted."""
        return facts.TEMPLATES[stream.template].type == facts.MUTABLE

    def capacity(self, stream: StoredStream) -> Capacity:
        """Return how much a stream can hold."""
        template, limits = facts.TEMPLATES[stream.template], self._limits
        gigabytes = template.gigabytes if limits.gigabytes is None else limits.gigabytes
        return Capacity(template.records if limits.records is None else limits.records, int(gigabytes * 1e9))

    def _check_number(self) -> None:
        """Refuse one more stream than there can be."""
        deleted = [stream for stream in self._streams.values() if stream.deleted]
        active = len(self._streams) - len(deleted)
        kept = sum(not self._is_forgotten(stream) for stream in deleted)
        for count, most, what in (
            (active, self._limits.active, "active"),
            (kept, self._limits.deleted, "deleted"),
        ):
            if most is not None and count >= most:
                raise ApiError(
                    facts.TOO_MANY_STREAMS,
                    f"The project has {count} {what} streams, and can have {most} "
                    "(--max-streams of this local server).",
                )

    def _is_forgotten(self, stream: StoredStream) -> bool:
        """Tell whether a stream was deleted so long ago that its id can be used again."""
        if stream.deleted is None:
            return False
        retained = facts.TEMPLATES[stream.template].retained_after_soft_delete
        return self._store.clock.now_ms() >= stream.deleted + _milliseconds(retained)

    def _described(self, stream: StoredStream, *, statistics: bool = False) -> dict[str, Any]:
        template, capacity = facts.TEMPLATES[stream.template], self.capacity(stream)
        limits: dict[str, Any] = {
            "maxRecordsTotal": {"provisioned": capacity.records},
            "maxGigaBytesTotal": {"provisioned": capacity.size / 1e9},
        }
        lifecycle = {"retainedAfterSoftDelete": template.retained_after_soft_delete}
        if statistics:
            count, size = self._store.usage(stream.id)
            limits["maxRecordsTotal"]["consumed"] = count
            limits["maxGigaBytesTotal"]["consumed"] = size / 1e9
        if template.data_deleted_after is not None:
            lifecycle["dataDeletedAfter"] = template.data_deleted_after
        if template.max_filtering_interval is not None:
            limits["maxFilteringInterval"] = template.max_filtering_interval
        return {
            "externalId": stream.id,
            "createdTime": stream.created,
            "createdFromTemplate": stream.template,
            "type": template.type,
            "settings": {"lifecycle": lifecycle, "limits": limits},
        }


def _milliseconds(duration: str) -> int:
    """Return the length of a duration of days or hours, such as ``P42D`` and ``PT24H``."""
    amount, unit = int(duration.strip("PTDH")), duration[-1]
    return amount * {"D": 86_400_000, "H": 3_600_000}[unit]


def no_such_stream(stream_id: str) -> ApiError:
    """Return the error for a stream that does not exist."""
    return ApiError(404, f"Stream {stream_id!r} does not exist.", missing=[{"externalId": stream_id}])
