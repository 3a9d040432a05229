"""A proxy before the local server that does to requests what networks and services do."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]
SLOW = 0.2  # seconds; longer than the time-out that the tests set

TOKEN_EXPIRED = "token expired"
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def an_error(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, b'{"error":{"code":%d,"message":"injected"}}' % status


class FaultProxy:
    """Forwards to an upstream address, and injects a fault into a share of the upserts, by a seed.

    :param rate: the share of upserts that something happens to.
    :param delay: seconds that every upsert takes besides.
    """

    def __init__(self, upstream: str, seed: int, rate: float = 0.35, delay: float = 0) -> None:
        self.upserts = 0
        self._delay = delay
        self.injected: Counter[str] = Counter()
        self._upstream = urlsplit(upstream).netloc
        self._random = random.Random(seed)
        self._rate = rate
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._used: set[str] = set()
        self._expired: set[str] = set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                proxy._handle(self)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                """Clients hang up here: that is what time-outs are."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

        def forward() -> Answer:
            connection = self._connection()
            headers = {name: value for name, value in handler.headers.items() if name.lower() != "host"}
            connection.request(handler.command, handler.path, body, headers)
            response = connection.getresponse()
            return response.status, {"Content-Type": "application/json"}, response.read()

        upsert = handler.path.endswith("/upsert")
        fault = self._next_fault(handler.headers["Authorization"]) if upsert else None
        if upsert:
            self.upserts += 1
            time.sleep(self._delay)
        answer = FAULTS[fault](forward) if fault else forward()
        if answer is None:
            handler.close_connection = True
            return
        status, headers, content = answer
        handler.send_response_only(status)
        length = len(content) + (10 if fault == "truncated answer" else 0)
        for name, value in (headers | {"Content-Length": str(length)}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)
        if fault == "truncated answer":
            handler.close_connection = True

    def _connection(self) -> http.client.HTTPConnection:
        """Return this thread's connection to the upstream server."""
        if not hasattr(self._threads, "connection"):
            self._threads.connection = http.client.HTTPConnection(self._upstream, timeout=30)
        connection: http.client.HTTPConnection = self._threads.connection
        return connection

    def _next_fault(self, token: str) -> str | None:
        with self._lock:
            time.sleep(self._random.uniform(0, 0.002))
            if token in self._expired:
                return TOKEN_EXPIRED
            if self._random.random() >= self._rate:
                self._used.add(token)
                return None
            fault = self._random.choices(list(FAULTS), [WEIGHTS.get(name, 10) for name in FAULTS])[0]
            if fault == TOKEN_EXPIRED and token not in self._used:
                return None
            if fault == TOKEN_EXPIRED:
                self._expired.add(token)
            self.injected[fault] += 1
            return fault


def _stored_and(then: Answer | None) -> Callable[[Callable[[], Answer]], Answer | None]:
    def fault(forward: Callable[[], Answer]) -> Answer | None:
        forward()
        return then

    return fault


def _slow(forward: Callable[[], Answer]) -> Answer:
    answer = forward()
    time.sleep(SLOW)
    return answer


def _late(forward: Callable[[], Answer]) -> Answer:
    time.sleep(0.02)
    return forward()


FAULTS: dict[str, Callable[[Callable[[], Answer]], Answer | None]] = {
    "429": lambda _: an_error(429),
    "429 with Retry-After": lambda _: an_error(429, Retry_After="0.02"),
    "500": lambda _: an_error(500),
    "502 with HTML": lambda _: (502, {"Content-Type": "text/html"}, HTML),
    "503": lambda _: an_error(503),
    "504 after storing": _stored_and(an_error(504)),
    TOKEN_EXPIRED: lambda _: an_error(401),
    "auto-retryable 409": lambda _: an_error(409, cdf_is_auto_retryable="true"),
    "reset before storing": lambda _: None,
    "reset after storing": _stored_and(None),
    "truncated answer": lambda forward: forward(),
    "HTML with 200": lambda _: (200, {"Content-Type": "text/html"}, HTML),
    "slow answer past the time-out": _slow,
    "late": _late,
}
WEIGHTS = {"slow answer past the time-out": 1, TOKEN_EXPIRED: 3, "429": 5, "429 with Retry-After": 5}
