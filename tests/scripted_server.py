"""A real HTTP server that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from airflow_provider_cdf_records.client import CdfClient, ClientConfig, RetryPolicy, StaticToken


@dataclass
class Answer:
    """One answer. ``cut`` bytes are left out at its end; with ``reset`` the connection is closed instead.

    With a header ``Transfer-Encoding``, the body is sent as it stands and has no ``Content-Length``.
    """

    status: int = 200
    body: bytes | str | dict[str, Any] = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    reset: bool = False
    before: Callable[[], None] | None = None

    def bytes(self) -> bytes:
        if isinstance(self.body, dict):
            return json.dumps(self.body).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


@dataclass(frozen=True)
class Asked:
    """A request as it came in, and its answer; ``body`` is what it held before compression."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    peer: tuple[str, int]
    answer: Answer

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.raw) if self.headers.get("content-encoding") == "gzip" else self.raw

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless it is that the client has left."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class ScriptedServer:
    """Gives out ``answers`` in order, per path; the last one of a path goes on for ever.

    :param tls: to speak https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._scripts: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                script._handle(self)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path_end: str, *answers: Answer) -> None:
        """Script the answers to requests whose path, without its query, ends so."""
        self._scripts[path_end] = list(answers)

    def asked_for(self, path_end: str) -> list[Asked]:
        return [asked for asked in self.asked if _without_query(asked.path).endswith(path_end)]

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body, peer = handler.rfile.read(length), handler.client_address
        with self._lock:
            answer = self._next(handler.path)
            self.asked.append(Asked(handler.command, handler.path, headers, body, peer, answer))
        if answer.before:
            answer.before()
        if answer.reset:
            handler.close_connection = True
            return
        content = answer.bytes()
        handler.send_response_only(answer.status)
        sized = {} if "Transfer-Encoding" in answer.headers else {"Content-Length": str(len(content))}
        for name, value in (sized | answer.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[: len(content) - answer.cut])
        if answer.cut:
            handler.close_connection = True

    def _next(self, path: str) -> Answer:
        for path_end, answers in self._scripts.items():
            if _without_query(path).endswith(path_end):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return Answer(404, {"error": {"code": 404, "message": f"nothing scripted for {path}"}})


def _without_query(path: str) -> str:
    return path.partition("?")[0]


def client_of(server: ScriptedServer, **retry: Any) -> CdfClient:
    """Return a client that has a token and hardly waits between its attempts.

    :param retry: other fields of its ``RetryPolicy``.
    """
    policy = RetryPolicy(**({"base": 0.001, "cap": 0.01} | retry))
    return CdfClient(ClientConfig(server.url, "p", StaticToken("ready"), environment=False, retry=policy))
