"""The page that shows streams, records and requests; it changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_cdf_records.local_server.http.bodies import json_answer
from airflow_provider_cdf_records.local_server.http.request_log import LoggedRequest
from airflow_provider_cdf_records.local_server.state.project import Project
from airflow_provider_cdf_records.local_server.state.store import StoredRecord

FOLDER = Path(__file__).parent / "ui"
FILES = {
    "/": ("index.html", "text/html"),
    "/ui/page.css": ("page.css", "text/css"),
    "/ui/page.js": ("page.js", "text/javascript"),
}
STATE = "/ui/state"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
SHOWN_RECORDS = 20  # of a stream
LONGEST_VALUE = 200  # characters
LARGEST_EXACT_IN_A_BROWSER = 2**53

Endpoint = Callable[[Request], Awaitable[Response]]


def page_routes(project: Project, last_requests: Callable[[], list[LoggedRequest]]) -> list[Route]:
    """Return the routes of the page.

    :param last_requests: returns the last requests, the newest first.
    """

    async def state(request: Request) -> Response:
        shown = await run_in_threadpool(_state, project, request.query_params.get("stream"))
        requests = [asdict(one) for one in last_requests()]
        return json_answer({**shown, "requests": requests}, headers=HEADERS)

    files = [Route(path, _file(name, kind), methods=["GET"]) for path, (name, kind) in FILES.items()]
    return [*files, Route(STATE, state, methods=["GET"])]


def is_of_the_page(path: str) -> bool:
    """Tell whether a path belongs to the page."""
    return path in FILES or path == STATE


def _file(name: str, kind: str) -> Endpoint:
    content = (FOLDER / name).read_bytes()

    async def endpoint(_: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=kind)

    return endpoint


def _state(project: Project, wanted: str | None) -> dict[str, Any]:
    streams = [_stream(project, stream) for stream in project.streams.list()["items"]]
    names = [stream["externalId"] for stream in streams]
    filled = [stream["externalId"] for stream in streams if stream["records"]]
    shown = wanted if wanted in names else next(iter(filled or names), None)
    records = [] if shown is None else project.store.last_records(shown, SHOWN_RECORDS)
    return {
        "project": project.settings.project,
        "streams": streams,
        "stream": shown,
        "records": [_record(record) for record in records],
    }


def _stream(project: Project, described: dict[str, Any]) -> dict[str, Any]:
    name = described["externalId"]
    records, size = project.store.usage(name)
    records_per_second, bytes_per_second = project.throughput.of(name)
    return {
        "externalId": name,
        "type": described["type"],
        "template": described["createdFromTemplate"],
        "records": records,
        "bytes": size,
        "recordsPerSecond": records_per_second,
        "bytesPerSecond": bytes_per_second,
    }


def _record(record: StoredRecord) -> dict[str, Any]:
    properties = msgspec.json.decode(record.properties or b"{}")
    return {
        "space": record.space,
        "externalId": record.external_id,
        "lastUpdatedTime": record.updated,
        "properties": [
            {"space": space, "container": container, "name": name, "value": _short(value)}
            for space, containers in properties.items()
            for container, held in containers.items()
            for name, value in held.items()
        ],
    }


def _short(value: Any) -> str | float | bool | None:
    """Return a value as it is shown: long text is cut, integers that a browser would round become text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_EXACT_IN_A_BROWSER:
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
