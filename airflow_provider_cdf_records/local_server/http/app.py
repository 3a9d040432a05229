"""The ASGI application: routes, token checks, error answers, and the layers around them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError, OAuthError
from airflow_provider_cdf_records.local_server.http.assertions import Assertions
from airflow_provider_cdf_records.local_server.http.bodies import (
    PROJECTS,
    decode_json,
    error_answer,
    json_answer,
    read_body,
)
from airflow_provider_cdf_records.local_server.http.connections import Connections
from airflow_provider_cdf_records.local_server.http.faults import Faults
from airflow_provider_cdf_records.local_server.http.hosts import Hosts
from airflow_provider_cdf_records.local_server.http.limits import Limits
from airflow_provider_cdf_records.local_server.http.page import page_routes
from airflow_provider_cdf_records.local_server.http.request_log import ITEMS, RequestLog
from airflow_provider_cdf_records.local_server.http.tokens import Tokens
from airflow_provider_cdf_records.local_server.state.project import Project
from airflow_provider_cdf_records.local_server.state.records import GoodRecords

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
MAX_FORM_BYTES = 100_000


class LocalCdf:
    """The ASGI application of a project; it closes the project's database when it shuts down.

    :param address: the address that it is served on.
    :param host: the name of it that the server was given.
    :raises ValueError: a client's key or the name of a host cannot be used.
    """

    def __init__(self, project: Project, address: str, host: str) -> None:
        settings = project.settings
        self.project = project
        self.connections = Connections()
        tokens = Tokens(
            {settings.client_id: settings.client_secret, **settings.clients},
            Assertions(settings.client_certificates, settings.federated_issuers, settings.clock),
            settings.token_lifetime,
            settings.clock,
        )
        self.request_log = RequestLog(settings.clock, project.activity)
        page = page_routes(project, self.request_log)
        api = Limits(
            _make_api(project, tokens, page), settings, tokens.client_of, project.streams.has_mutable
        )
        self.faults = Faults(api, self.connections, settings.clock)
        app = Hosts(self.request_log.around(self.faults), address, host, settings.allowed_hosts)
        self._app = _with_server_headers(app, self._date)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _date(self) -> str:
        return formatdate(self.project.settings.clock.now_ms() / 1000 + self.faults.clock_skew, usegmt=True)


def _make_api(project: Project, tokens: Tokens, page: list[Route]) -> ASGIApp:
    settings, schema, streams = project.settings, project.schema, project.streams
    records, queries = project.records, project.queries

    @asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        yield
        project.close()

    def guarded(
        work: Callable[[Request, Any], Any],
        status: int = 200,
        read: Callable[[bytes], Any] = decode_json,
    ) -> Endpoint:
        """Check token and project, read the body, do the work off the event loop, answer with JSON."""

        async def endpoint(request: Request) -> Response:
            tokens.check(request.headers.get("authorization"))
            name = request.path_params.get("project", settings.project)
            if name != settings.project:
                raise ApiError(facts.NO_ACCESS_TO_PROJECT, f"The token has no access to project {name!r}.")
            body = None
            if request.method == "POST":
                body = read(await read_body(request, facts.MAX_REQUEST_BYTES))
                request.scope[ITEMS] = _count_items(body)
            if settings.latency:
                await settings.clock.sleep(settings.latency)
            return json_answer(await run_in_threadpool(work, request, body), status)

        return endpoint

    def of_stream(work: Callable[[str, Any], Any], status: int = 200) -> Endpoint:
        return guarded(lambda request, body: work(request.path_params["stream"], body), status)

    def of_records(work: Callable[[str, Any], Any]) -> Endpoint:
        """Make an endpoint that takes whole records."""
        return guarded(
            lambda request, body: work(request.path_params["stream"], body),
            facts.ACCEPTED,
            lambda content: records.read_quickly(content) or decode_json(content),
        )

    def of_body(work: Callable[[Any], Any], status: int = 200) -> Endpoint:
        return guarded(lambda _, body: work(body), status)

    def of_query(work: Callable[[Mapping[str, str]], Any]) -> Endpoint:
        return guarded(lambda request, _: work(request.query_params))

    def retrieve_stream(request: Request, _: Any) -> Any:
        statistics = request.query_params.get("includeStatistics", "").lower() == "true"
        return streams.retrieve(request.path_params["stream"], statistics=statistics)

    def inspect_token(request: Request, _: Any) -> dict[str, Any]:
        capabilities = [
            {**acl, "projectScope": {"projects": [settings.project]}} for acl in facts.CAPABILITIES
        ]
        return {
            "subject": tokens.client_of(request.headers.get("authorization")),
            "projects": [{"projectUrlName": settings.project, "groups": [1]}],
            "capabilities": capabilities,
        }

    async def token(request: Request) -> Response:
        body = await read_body(request, MAX_FORM_BYTES)
        form = dict(parse_qsl(body.decode(errors="replace")))
        url = f"http://{request.headers.get('host')}{request.scope['path']}"
        return json_answer(tokens.grant(form, request.headers.get("authorization"), url))

    models, stream_path = PROJECTS + "{project}/models", PROJECTS + "{project}/streams"
    records_path = stream_path + "/{stream}/records"
    routes = [
        ("POST", "/oauth2/token", token),
        ("GET", "/api/v1/token/inspect", guarded(inspect_token)),
        ("GET", models + "/spaces", of_query(schema.list_spaces)),
        ("POST", models + "/spaces", of_body(schema.create_spaces)),
        ("POST", models + "/spaces/byids", of_body(schema.spaces_by_ids)),
        ("GET", models + "/containers", of_query(schema.list_containers)),
        ("POST", models + "/containers", of_body(schema.create_containers)),
        ("POST", models + "/containers/byids", of_body(schema.containers_by_ids)),
        ("GET", stream_path, of_query(lambda _: streams.list())),
        ("POST", stream_path, of_body(streams.create, facts.CREATED)),
        ("POST", stream_path + "/delete", of_body(streams.delete)),
        ("GET", stream_path + "/{stream}", guarded(retrieve_stream)),
        ("DELETE", stream_path + "/{stream}", of_query(lambda _: streams.delete_by_removed_endpoint())),
        ("POST", records_path, of_records(records.ingest)),
        ("POST", records_path + "/upsert", of_records(records.upsert)),
        ("POST", records_path + "/delete", of_stream(records.delete)),
        ("POST", records_path + "/filter", of_stream(queries.filter)),
        ("POST", records_path + "/aggregate", of_stream(queries.aggregate)),
        ("POST", records_path + "/sync", of_stream(queries.sync)),
    ]
    return Starlette(
        routes=[*page, *(Route(path, endpoint, methods=[method]) for method, path, endpoint in routes)],
        exception_handlers={
            ApiError: _refused,
            OAuthError: _no_token,
            HTTPException: _no_such_address,
            Exception: _failed,
        },
        lifespan=closing,
    )


def _count_items(body: object) -> int | None:
    if isinstance(body, GoodRecords):
        return len(body.records)
    items = body.get("items") if isinstance(body, dict) else None
    return len(items) if isinstance(items, list) else None


def _with_server_headers(app: ASGIApp, date: Callable[[], str]) -> ASGIApp:
    """Put ``x-request-id`` and ``Date`` on every answer, also when the request made the server fail."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", uuid.uuid4().hex.encode()),
                    (b"date", date().encode()),
                ]
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 (Starlette calls it for these only)
    return error_answer(error)


def _no_token(_: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)  # noqa: S101 (Starlette calls it for these only)
    return json_answer({"error": error.error, "error_description": error.description}, error.status)


def _no_such_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (Starlette calls it for these only)
    path = request.scope["path"]  # older Starlettes build request.url of any Host header, and fail on some
    return error_answer(ApiError(error.status_code, f"{request.method} {path}: {error.detail}."))


def _failed(_: Request, error: Exception) -> Response:
    log.error("The local server failed in a request.", exc_info=error)
    return error_answer(ApiError(500, "The local server failed in this request; see its log."))
