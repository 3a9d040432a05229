"""HTTP: addresses, bodies, tokens, and errors on their way out."""

from __future__ import annotations

import logging
import uuid
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server import facts
from airflow_provider_cdf_records.local_server.errors import ApiError, OAuthError
from airflow_provider_cdf_records.local_server.queries import Queries
from airflow_provider_cdf_records.local_server.records import Records
from airflow_provider_cdf_records.local_server.schema import Schema
from airflow_provider_cdf_records.local_server.store import Store
from airflow_provider_cdf_records.local_server.streams import Streams
from airflow_provider_cdf_records.local_server.tokens import Tokens

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
PROJECT = "/api/v1/projects/{project}"
GZIP_WINDOW = 16 + zlib.MAX_WBITS
MAX_FORM_BYTES = 100_000


@dataclass(frozen=True)
class Settings:
    """How the server behaves.

    :param token_lifetime: seconds.
    :param visibility_delay: seconds from the answer to an upsert until the record can be queried.
    """

    database: Path
    project: str = "local"
    client_id: str = "local-client"
    client_secret: str = "local-secret"  # noqa: S105 (a default for a server that keeps no secrets)
    token_lifetime: float = 3600.0
    visibility_delay: float = 0.0


def make_app(settings: Settings) -> ASGIApp:
    """Return the ASGI application; it closes the database when it shuts down."""
    store = Store(settings.database)
    tokens = Tokens(settings.client_id, settings.client_secret, settings.token_lifetime)
    schema, streams = Schema(store), Streams(store)
    records = Records(store, schema, streams)
    queries = Queries(store, schema, streams, settings.visibility_delay)

    @asynccontextmanager
    async def closing_store(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    def guarded(work: Callable[[Request, Any], Any], status: int = 200) -> Endpoint:
        """Check token and project, read the body, do the work off the event loop, answer with JSON."""

        async def endpoint(request: Request) -> Response:
            tokens.check(request.headers.get("authorization"))
            project = request.path_params.get("project", settings.project)
            if project != settings.project:
                raise ApiError(facts.NO_ACCESS_TO_PROJECT, f"The token has no access to project {project!r}.")
            body = await _read_json(request) if request.method == "POST" else None
            return _json(await run_in_threadpool(work, request, body), status)

        return endpoint

    def of_stream(work: Callable[[str, Any], Any], status: int = 200) -> Endpoint:
        return guarded(lambda request, body: work(request.path_params["stream"], body), status)

    def of_body(work: Callable[[Any], Any], status: int = 200) -> Endpoint:
        return guarded(lambda _, body: work(body), status)

    def of_nothing(work: Callable[[], Any]) -> Endpoint:
        return guarded(lambda _, __: work())

    def retrieve_stream(request: Request, _: Any) -> Any:
        statistics = request.query_params.get("includeStatistics", "").lower() == "true"
        return streams.retrieve(request.path_params["stream"], statistics=statistics)

    def inspect_token() -> dict[str, Any]:
        capabilities = [
            {**acl, "projectScope": {"projects": [settings.project]}} for acl in facts.CAPABILITIES
        ]
        project = {"projectUrlName": settings.project, "groups": [1]}
        return {"subject": settings.client_id, "projects": [project], "capabilities": capabilities}

    async def token(request: Request) -> Response:
        body = await _read_body(request, MAX_FORM_BYTES)
        form = dict(parse_qsl(body.decode(errors="replace")))
        return _json(tokens.grant(form, request.headers.get("authorization")))

    records_path = PROJECT + "/streams/{stream}/records"
    routes = [
        ("POST", "/oauth2/token", token),
        ("GET", "/api/v1/token/inspect", of_nothing(inspect_token)),
        ("GET", PROJECT + "/models/spaces", of_nothing(schema.list_spaces)),
        ("POST", PROJECT + "/models/spaces", of_body(schema.create_spaces)),
        ("POST", PROJECT + "/models/spaces/byids", of_body(schema.spaces_by_ids)),
        ("GET", PROJECT + "/models/containers", of_nothing(schema.list_containers)),
        ("POST", PROJECT + "/models/containers", of_body(schema.create_containers)),
        ("POST", PROJECT + "/models/containers/byids", of_body(schema.containers_by_ids)),
        ("GET", PROJECT + "/streams", of_nothing(streams.list)),
        ("POST", PROJECT + "/streams", of_body(streams.create, 201)),
        ("POST", PROJECT + "/streams/delete", of_body(streams.delete)),
        ("GET", PROJECT + "/streams/{stream}", guarded(retrieve_stream)),
        ("POST", records_path, of_stream(records.ingest, facts.ACCEPTED)),
        ("POST", records_path + "/upsert", of_stream(records.upsert, facts.ACCEPTED)),
        ("POST", records_path + "/delete", of_stream(records.delete)),
        ("POST", records_path + "/filter", of_stream(queries.filter)),
        ("POST", records_path + "/aggregate", of_stream(queries.aggregate)),
        ("POST", records_path + "/sync", of_stream(queries.sync)),
    ]
    app = Starlette(
        routes=[Route(path, endpoint, methods=[method]) for method, path, endpoint in routes],
        exception_handlers={
            ApiError: _refused,
            OAuthError: _not_granted,
            HTTPException: _no_such_address,
            Exception: _broken,
        },
        lifespan=closing_store,
    )
    return _with_request_id(app)


def _with_request_id(app: ASGIApp) -> ASGIApp:
    """Put an ``x-request-id`` on every answer, also on one to a request that broke the server."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", uuid.uuid4().hex.encode()),
                ]
            await send(message)

        await app(scope, receive, send_with_id)

    return wrapped


async def _read_body(request: Request, most: int) -> bytes:
    """Return the body, decompressed; never holds more than ``most`` bytes of it."""
    unzip = zlib.decompressobj(GZIP_WINDOW) if request.headers.get("content-encoding") == "gzip" else None
    body = bytearray()
    async for chunk in request.stream():
        try:
            body += unzip.decompress(chunk, most + 1 - len(body)) if unzip else chunk
        except zlib.error:
            raise ApiError(400, "body: not the gzip data that Content-Encoding says.") from None
        if len(body) > most:
            raise ApiError(facts.TOO_LARGE, f"body: more than {most:,} bytes of uncompressed JSON.")
    if unzip and not unzip.eof:
        raise ApiError(400, "body: gzip data that is cut short.")
    return bytes(body)


async def _read_json(request: Request) -> Any:
    body = await _read_body(request, facts.MAX_REQUEST_BYTES)
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"body: not JSON: {error}") from None


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 (what Starlette registers it for)
    return _json(error.body(), error.status)


def _not_granted(_: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)  # noqa: S101 (what Starlette registers it for)
    return _json({"error": error.error, "error_description": error.description}, error.status)


def _no_such_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (what Starlette registers it for)
    message = f"{request.method} {request.url.path}: {error.detail}."
    return _json(ApiError(error.status_code, message).body(), error.status_code)


def _broken(_: Request, error: Exception) -> Response:
    log.error("A request broke the local server.", exc_info=error)
    return _json(ApiError(500, "The local server is broken; its log says where.").body(), 500)
