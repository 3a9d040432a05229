"""A server between a client and another server, which stops to answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class StallingProxy:
    """Passes requests on until it is told to stall, and then lets each wait for ever.

    :param after: how many requests whose first line holds ``method`` are passed on before it stalls.
    :ivar stalls: set once a request waits.
    """

    def __init__(self, host: str, port: int, *, after: int, method: str = "") -> None:
        self._target = host, port
        self._left = after
        self._method = method.encode()
        self._lock = threading.Lock()
        self.stalls = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = [self._listening]

    @contextmanager
    def running(self) -> Iterator[StallingProxy]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            for connection in self._open:
                connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target)
                self._open += [client, server]
                threading.Thread(target=self._pass_requests, args=(client, server), daemon=True).start()
                threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()

    def _pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                with self._lock:
                    self._left -= data.startswith(self._method)
                    if self._left < 0:
                        self.stalls.set()
                        continue
                server.sendall(data)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
