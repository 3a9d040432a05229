"""A log of the last requests, for the page and for tests."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.http.bodies import PROJECTS

KEPT = 100  # requests
LONGEST_PATH = 300
LOGGED = (PROJECTS, "/api/v1/token/", "/oauth2/")
FAULT, ITEMS = "cdf.fault", "cdf.items"  # keys in the scope of a request, set by inner layers


@dataclass(frozen=True)
class LoggedRequest:
    """One request, without headers and bodies, so that it shows no secret."""

    number: int
    at: int  # epoch milliseconds
    method: str
    path: str
    status: int | None  # ``None`` when the connection was cut before an answer
    size: int  # bytes of the body as sent, compressed or not
    seconds: float
    items: int | None
    fault: str | None


class RequestLog:
    """Keep the last requests to the API."""

    def __init__(self) -> None:
        self._number = 0
        self._last: deque[LoggedRequest] = deque(maxlen=KEPT)

    def last(self) -> list[LoggedRequest]:
        """Return the last requests, the newest first."""
        return list(reversed(self._last.copy()))

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return an application whose requests are logged."""

        async def logged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(LOGGED):
                await app(scope, receive, send)
                return
            status: int | None = None
            size = 0

            async def receive_and_count() -> Message:
                nonlocal size
                message = await receive()
                size += len(message.get("body", b""))
                return message

            async def send_and_note(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            started, at = time.perf_counter(), time.time_ns() // 1_000_000
            try:
                await app(scope, receive_and_count, send_and_note)
            finally:
                self._number += 1
                self._last.append(
                    LoggedRequest(
                        number=self._number,
                        at=at,
                        method=scope["method"],
                        path=scope["path"].removeprefix(PROJECTS)[:LONGEST_PATH],
                        status=status,
                        size=size,
                        seconds=time.perf_counter() - started,
                        items=scope.get(ITEMS),
                        fault=scope.get(FAULT),
                    )
                )

        return logged
