"""The page that shows streams, records and requests; it changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.http.bodies import error_answer, json_answer
from airflow_provider_cdf_records.local_server.http.page_data import PageData
from airflow_provider_cdf_records.local_server.http.request_log import RequestLog
from airflow_provider_cdf_records.local_server.state.project import Project

FOLDER = Path(__file__).parent / "ui"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
PAGE, UNDER = "/", "/ui/"
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
FROM_HERE = ("same-origin", "none")  # of Sec-Fetch-Site: the page itself, or an address that was typed in

Endpoint = Callable[[Request], Awaitable[Response]]


def page_routes(project: Project, request_log: RequestLog) -> list[Route]:
    """Return the routes of the page: its files, and the data that it shows."""
    data = PageData(project)

    async def state(request: Request) -> Response:
        state = await run_in_threadpool(data.state)
        return json_answer(state | request_log.since(request.query_params.get("seen", "")), headers=HEADERS)

    endpoints = {
        "state": state,
        "records": _answering(data.records),
        "record": _answering(data.record),
        "containers": _answering(data.containers),
        "container": _answering(data.container),
    }
    files = [
        Route(UNDER + file.name, _file(file), methods=["GET"])
        for file in FOLDER.iterdir()
        if file.suffix in KINDS
    ]
    return [
        Route(PAGE, _file(FOLDER / "index.html"), methods=["GET"]),
        *files,
        *(Route(UNDER + name, _for_the_page(answer), methods=["GET"]) for name, answer in endpoints.items()),
    ]


def is_of_the_page(path: str) -> bool:
    """Tell whether a path belongs to the page."""
    return path == PAGE or path.startswith(UNDER)


def _file(file: Path) -> Endpoint:
    content = file.read_bytes()

    async def endpoint(_: Request) -> Response:
        return Response(content, headers=HEADERS, media_type=KINDS[file.suffix])

    return endpoint


def _answering(work: Callable[..., dict[str, Any]]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return json_answer(await run_in_threadpool(work, request.query_params), headers=HEADERS)

    return endpoint


def _for_the_page(endpoint: Endpoint) -> Endpoint:
    """Refuse what another site asks a browser for: it could not read the answer, but cost the server time."""

    async def guarded(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in FROM_HERE:
            return error_answer(ApiError(403, "This answers to the local server's own page only."), HEADERS)
        try:
            return await endpoint(request)
        except ApiError as error:
            return error_answer(error, HEADERS)

    return guarded
