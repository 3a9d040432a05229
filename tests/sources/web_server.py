"""A real web server with the habits, good and bad, that servers of files have."""

from __future__ import annotations

import base64
import gzip
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENCODE = {"gzip": gzip.compress, "deflate": zlib.compress, "br": lambda data: data}


class FileServer:
    """Serves one content at any path.

    :param ranges: give parts of files.
    :param length: ``"told"``, ``"chunked"`` (its end is marked) or ``"unknown"`` (the end of the connection).
    :param encoding: a content encoding that is used whatever the client asks for.
    :param cut: send only so many bytes of each answer, and close the connection.
    :param redirect: where it sends the client first.
    :param spoil: how many bytes are missing at the end of what is encoded, as if they did not belong to it.
    :param status: of all answers that are not a part.
    :param login: ``user:password`` that it asks for.
    """

    def __init__(
        self,
        content: bytes,
        *,
        ranges: bool = False,
        length: str = "told",
        encoding: str = "",
        cut: int | None = None,
        etag: str | None = None,
        login: str = "",
        redirect: str = "",
        spoil: int = 0,
        status: int = 200,
    ) -> None:
        self.content = content
        self.etag = etag
        self.asked: list[str] = []  # method and range
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0" if length == "unknown" else "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append(f"{self.command} {self.headers.get('Range', '')}".strip())
                if redirect and not self.path.startswith("/led"):
                    self.send_response(302)
                    self.send_header("Location", redirect)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if login and self.headers.get("Authorization") != basic(login):
                    self.send_error(401)
                    return
                self._answer()

            def do_HEAD(self) -> None:
                """Tell a length that is wrong, as some servers do."""
                server.asked.append("HEAD")
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()

            def _answer(self) -> None:
                body = server.content
                headers: dict[str, str] = {}
                answer_status = status
                if encoding:
                    body = ENCODE[encoding](body)
                    body = body[: len(body) - spoil]
                    headers["Content-Encoding"] = encoding
                if ranges and (asked := self.headers.get("Range")):
                    first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
                    if first >= len(body):
                        self.send_error(416)
                        return
                    last = min(last, len(body) - 1)
                    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
                    body, answer_status = body[first : last + 1], 206
                if server.etag is not None:
                    headers["ETag"] = server.etag
                headers |= {"told": {"Content-Length": str(len(body))}, "unknown": {}}.get(
                    length, {"Transfer-Encoding": "chunked"}
                )
                self.send_response(answer_status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if length == "chunked":
                    self._send_chunks(body)
                else:
                    self.wfile.write(body[:cut])
                self.close_connection = cut is not None or length == "unknown"

            def _send_chunks(self, body: bytes) -> None:
                for begin in range(0, len(body[:cut]), 1000):
                    data = body[:cut][begin : begin + 1000]
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                if cut is None:
                    self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    @contextmanager
    def running(self) -> Iterator[FileServer]:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that has left."""


def basic(login: str) -> str:
    """Return the header that gives a login."""
    return f"Basic {base64.b64encode(login.encode()).decode()}"
