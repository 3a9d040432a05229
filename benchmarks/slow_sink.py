"""``python -m benchmarks.slow_sink PORT SECONDS``: takes a request, waits, and answers.

At 50 ms and 4 requests at a time there are 80 requests a second, which asyncio does with ease.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import cast

from benchmarks.facts import ANSWERS

END_OF_HEAD = b"\r\n\r\n"


def _answer(status: int, body: str) -> bytes:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


READY = {path.encode(): _answer(status, body) for path, (status, body) in ANSWERS.items()}
NOT_FOUND = _answer(404, "{}")


class Talk(asyncio.Protocol):
    """One connection, with one request at a time. Bodies are counted, not kept."""

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._head = bytearray()
        self._left: int | None = None  # bytes of the body to come, when the head is there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._left is None:
            self._head += data
            end = self._head.find(END_OF_HEAD)
            if end < 0:
                return
            self._left = _content_length(self._head[:end])
            self._left -= len(self._head) - end - len(END_OF_HEAD)
        else:
            self._left -= len(data)
        if self._left <= 0:
            path = bytes(self._head).split(b" ", 2)[1].partition(b"?")[0]
            self._head.clear()
            self._left = None
            answer = READY.get(path, NOT_FOUND)
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)


def _content_length(head: bytearray) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve(port: int, latency: float) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await loop.create_server(lambda: Talk(latency), "127.0.0.1", port)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
