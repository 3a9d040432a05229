"""What the page shows, as small answers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.reading import bad_request
from airflow_provider_cdf_records.local_server.state.browsing import Event, Place, Usage
from airflow_provider_cdf_records.local_server.state.project import Project
from airflow_provider_cdf_records.local_server.state.queries import fields_of
from airflow_provider_cdf_records.local_server.state.store import StoredRecord

PAGE_SIZE = 20  # records
SHOWN_PROPERTIES = 12  # of a record in a list
LONGEST_VALUE = 200  # characters
MOST_EVENTS = 50  # of a record's history
LONGEST_PLACE = 40  # characters
LARGEST_EXACT_IN_A_BROWSER = 2**53

Query = Mapping[str, str]


class PageData:
    """Read what the page asks for; nothing is changed."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def state(self) -> dict[str, Any]:
        """Return what is asked for every second: the streams, and what tells whether the rest has changed."""
        usage = self._project.browsing.usage()
        streams = self._project.streams.list()["items"]
        return {
            "project": self._project.settings.project,
            "now": self._project.settings.clock.now_ms(),
            "schema": self._project.schema.version,
            "streams": [
                self._stream(stream, usage.get(stream["externalId"], Usage(0, 0, None))) for stream in streams
            ],
        }

    def records(self, query: Query) -> dict[str, Any]:
        """Return a page of a stream's records, the newest first, that match ``filter``, if it is given."""
        stream_id = query.get("stream", "")
        self._project.streams.get(stream_id)
        page = self._project.browsing.page(
            stream_id, _read_filter(query.get("filter", "")), _read_place(query.get("after", "")), PAGE_SIZE
        )
        return {
            "records": [_summary(record) for record in page.records],
            "next": f"{page.next.updated}.{page.next.seq}" if page.next else None,
            "examined": page.examined,
        }

    def record(self, query: Query) -> dict[str, Any]:
        """Return all that is known of one record, or of one version of it in an immutable stream."""
        stream_id, space, name = (query.get(key, "") for key in ("stream", "space", "externalId"))
        self._project.streams.get(stream_id)
        versions = self._project.browsing.versions(stream_id, space, name)
        if not versions:
            raise ApiError(404, f"Record {space}/{name} does not exist in stream {stream_id!r}.")
        wanted = [version for version in versions if str(version.seq) == query.get("seq")]
        shown = (wanted or versions)[0]
        history = self._project.browsing.history(stream_id, versions)
        return {
            "space": space,
            "externalId": name,
            "deleted": bool(shown.deleted),
            "createdTime": shown.created,
            "lastUpdatedTime": shown.updated,
            "json": None if shown.deleted else _pretty(fields_of(shown)),
            "history": [_event(event) for event in history[:MOST_EVENTS]],
            "moreHistory": max(len(history) - MOST_EVENTS, 0),
        }

    def containers(self, _: Query) -> dict[str, Any]:
        """Return the names of all containers."""
        return {
            "containers": [
                {
                    "space": definition["space"],
                    "externalId": definition["externalId"],
                    "usedFor": definition["usedFor"],
                    "properties": len(definition["properties"]),
                }
                for definition in self._project.schema.definitions()
            ]
        }

    def container(self, query: Query) -> dict[str, Any]:
        """Return the definition of one container."""
        space, name = query.get("space", ""), query.get("externalId", "")
        definition = self._project.schema.definition(space, name)
        if not definition:
            raise ApiError(404, f"Container {space}/{name} does not exist.")
        return {"definition": definition, "json": _pretty(definition)}

    def _stream(self, described: dict[str, Any], usage: Usage) -> dict[str, Any]:
        name = described["externalId"]
        records_per_second, bytes_per_second = self._project.throughput.of(name)
        return {
            "externalId": name,
            "type": described["type"],
            "template": described["createdFromTemplate"],
            "createdTime": described["createdTime"],
            "records": usage.records,
            "bytes": usage.size,
            "lastChange": usage.last_change,
            "recordsPerSecond": records_per_second,
            "bytesPerSecond": bytes_per_second,
        }


def _read_filter(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise bad_request(f"filter: not JSON: {error}") from None


def _read_place(text: str) -> Place | None:
    if not text:
        return None
    updated, _, seq = text.partition(".")
    if not (updated.isdecimal() and seq.isdecimal() and len(text) <= LONGEST_PLACE):
        raise bad_request(f"after: {text!r} is not the end of a page.")
    return Place(int(updated), int(seq))


def _summary(record: StoredRecord) -> dict[str, Any]:
    properties = [
        {"space": space, "container": container, "name": name, "value": value}
        for space, containers in fields_of(record)["properties"].items()
        for container, held in containers.items()
        for name, value in held.items()
    ]
    return {
        "space": record.space,
        "externalId": record.external_id,
        "seq": record.seq,
        "lastUpdatedTime": record.updated,
        "properties": [one | {"value": _short(one["value"])} for one in islice(properties, SHOWN_PROPERTIES)],
        "moreProperties": max(len(properties) - SHOWN_PROPERTIES, 0),
    }


def _event(event: Event) -> dict[str, Any]:
    held = None if event.properties is None else _pretty(msgspec.json.decode(event.properties))
    return {"kind": event.kind, "at": event.at, "json": held}


def _pretty(value: Any) -> str:
    """Return JSON for people, as text, since a browser would round its large numbers."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _short(value: Any) -> str | float | bool | None:
    """Return a value as it is shown: long text is cut, integers that a browser would round become text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_EXACT_IN_A_BROWSER:
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
