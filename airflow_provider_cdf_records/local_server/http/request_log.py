"""A log of the last requests, for the page and for tests."""

from __future__ import annotations

import time
import uuid
from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.bodies import PROJECTS
from airflow_provider_cdf_records.local_server.state.activity import Activity

KEPT = 100  # requests
LONGEST_PATH = 300
LONGEST_REFUSAL = 2000  # bytes
LONGEST_SEEN = 60  # characters
FIRST_ERROR = 400  # status
LOGGED = (PROJECTS, "/api/v1/token/", "/oauth2/")
FAULT, ITEMS = "cdf.fault", "cdf.items"  # keys in the scope of a request, set by inner layers


@dataclass(frozen=True)
class LoggedRequest:
    """One request, without headers and its body, so that it shows no secret."""

    number: int  # in the order in which they began
    at: int  # when it began, in epoch milliseconds
    method: str
    path: str
    status: int | None  # ``None`` when the connection was cut before an answer
    size: int  # bytes of the body as sent, compressed or not
    seconds: float
    items: int | None
    fault: str | None
    refusal: str | None = (
        None  # the beginning of the answer's body, where its status says that it is an error
    )


class RequestLog:
    """Keep the last requests to the API.

    :param activity: counts the requests.
    """

    def __init__(self, clock: Clock, activity: Activity) -> None:
        self._clock = clock
        self._activity = activity
        self._id = uuid.uuid4().hex[:8]  # of this start of the server
        self._begun = 0
        self._ended = 0
        self._last: deque[tuple[int, LoggedRequest]] = deque(maxlen=KEPT)  # in the order in which they ended
        self._running: dict[int, LoggedRequest] = {}

    def last(self) -> list[LoggedRequest]:
        """Return the last requests that have ended; those that began last are first."""
        requests = (request for _, request in self._last.copy())
        return sorted(requests, key=lambda request: request.number, reverse=True)

    def since(self, seen: str) -> dict[str, Any]:
        """Return what has changed since the answer whose ``seen`` is given; everything without one."""
        ended, second = self._read_seen(seen)
        activity = self._activity.since(second)
        newest = activity[-1][0] if activity else max(second, 0)
        return {
            "seen": f"{self._id}.{self._ended}.{newest}",
            "isAll": ended < 0,
            "requests": [asdict(request) for number, request in self._last if number > ended],
            "running": [asdict(request) for request in list(self._running.values())[-KEPT:]],
            "activity": activity,
        }

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return an application whose requests are logged."""

        async def logged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(LOGGED):
                await app(scope, receive, send)
                return
            status: int | None = None
            size = 0
            refusal = b""

            async def receive_and_count() -> Message:
                nonlocal size
                message = await receive()
                size += len(message.get("body", b""))
                return message

            async def send_and_note(message: Message) -> None:
                nonlocal status, refusal
                if message["type"] == "http.response.start":
                    status = message["status"]
                elif status is not None and status >= FIRST_ERROR and len(refusal) < LONGEST_REFUSAL:
                    refusal += message.get("body", b"")[:LONGEST_REFUSAL]
                await send(message)

            begun, started = self._begin(scope), time.perf_counter()
            try:
                await app(scope, receive_and_count, send_and_note)
            finally:
                self._end(
                    replace(
                        begun,
                        status=status,
                        size=size,
                        seconds=time.perf_counter() - started,
                        items=scope.get(ITEMS),
                        fault=scope.get(FAULT),
                        refusal=refusal[:LONGEST_REFUSAL].decode(errors="replace") if refusal else None,
                    )
                )

        return logged

    def _begin(self, scope: Scope) -> LoggedRequest:
        self._begun += 1
        path = scope["path"].removeprefix(PROJECTS)[:LONGEST_PATH]
        begun = LoggedRequest(
            self._begun, self._clock.now_ms(), scope["method"], path, None, 0, 0.0, None, None
        )
        self._running[begun.number] = begun
        return begun

    def _end(self, request: LoggedRequest) -> None:
        del self._running[request.number]
        self._ended += 1
        self._last.append((self._ended, request))
        self._activity.add(requests=1, refused=int(request.status is None or request.status >= FIRST_ERROR))

    def _read_seen(self, seen: str) -> tuple[int, int]:
        """Return the number of requests and the second that were seen; -1 for each where nothing was."""
        log, _, rest = seen.partition(".")
        ended, _, second = rest.partition(".")
        is_known = log == self._id and ended.isdecimal() and second.isdecimal() and len(seen) <= LONGEST_SEEN
        return (int(ended), int(second)) if is_known else (-1, -1)
