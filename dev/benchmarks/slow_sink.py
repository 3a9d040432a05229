"""``python -m dev.benchmarks.slow_sink PORT SECONDS``: accept a request, wait, and answer.

Each connection has a thread that sleeps, since an event loop's timers are a millisecond late.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from socketserver import StreamRequestHandler, ThreadingTCPServer

from dev.benchmarks.facts import ANSWERS

BUFFER = 1 << 20


def _answer(status: int, body: str) -> bytes:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


READY = {path.encode(): _answer(status, body) for path, (status, body) in ANSWERS.items()}
NOT_FOUND = _answer(404, "{}")


class Sink(ThreadingTCPServer):
    """A server that listens on this machine only."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, latency: float) -> None:
        self.latency = latency
        super().__init__(("127.0.0.1", port), Talk)


class Talk(StreamRequestHandler):
    """One connection, with one request at a time. Bodies are read, not kept."""

    server: Sink
    rbufsize = BUFFER
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        body = memoryview(bytearray(BUFFER))
        while request := self.rfile.readline():
            left = self._content_length()
            while left > 0:
                left -= self.rfile.readinto(body[:left]) or left
            time.sleep(self.server.latency)
            path = request.split(b" ", 2)[1].partition(b"?")[0]
            self.wfile.write(READY.get(path, NOT_FOUND))

    def _content_length(self) -> int:
        length = 0
        while (line := self.rfile.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length


def _end(*_: object) -> None:
    raise SystemExit


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    with Sink(int(sys.argv[1]), float(sys.argv[2])) as sink:
        sink.serve_forever()
