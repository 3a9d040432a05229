"""Read request bodies and make answers; the layers around the application share these functions."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.http.unzipping import too_large, unzip

PROJECTS = "/api/v1/projects/"
MOST_PACKED = 1.01  # times what is packed; gzip makes what it cannot pack only a little larger
CLIENT_GONE = 499  # as nginx calls it; nobody gets the answer


async def read_body(request: Request, most: int) -> bytes:
    """Return the body, decompressed; refuse one of more than ``most`` bytes without reading all of it."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise ApiError(facts.UNKNOWN_ENCODING, f"Content-Encoding: {encoding!r} is not 'gzip'.")
    packed = encoding == "gzip"
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most * (MOST_PACKED if packed else 1):
                raise too_large(most)
    except ClientDisconnect:
        raise ApiError(CLIENT_GONE, "body: the client disconnected before its end.") from None
    return unzip(body, most) if packed else bytes(body)


def decode_json(body: bytes) -> Any:
    """Return the decoded JSON of a body."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise ApiError(400, f"body: not JSON: {error}") from None


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer with a JSON body."""
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def error_answer(error: ApiError, headers: dict[str, str] | None = None) -> Response:
    """Return an error as an answer of CDF's form."""
    return json_answer(error.body(), error.status, headers)


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request's header; ``None`` when it is missing."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


async def whole_request(receive: Receive) -> list[Message]:
    """Return all messages of a request's body, or up to the disconnect of its client."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def replayed(messages: list[Message], following: Receive) -> Receive:
    """Return a ``receive`` that returns these messages again, and then those of ``following``."""
    left = deque(messages)

    async def receive() -> Message:
        return left.popleft() if left else await following()

    return receive


async def drain(receive: Receive) -> None:
    """Read the rest of a request, so that the client has sent all of it before the answer comes."""
    while (await receive()).get("more_body"):
        pass
