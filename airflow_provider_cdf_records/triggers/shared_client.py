"""One client a connection for all triggers of a process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_cdf_records.triggers.threads import Threads

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient

AT_ONCE = 8  # calls a connection: a CDF that hangs holds so many threads at most
PATIENCE = 15.0  # seconds, for each of the two attempts of a request
LONGEST_LIFE = 600.0  # seconds of a client, after which the connection is looked up anew

T = TypeVar("T")


class SharedClient:
    """The client of a connection, made when it is needed, and its threads. Belongs to one event loop.

    :ivar users: how many triggers use it.
    """

    def __init__(self, conn_id: str) -> None:
        self.users = 0
        self._conn_id = conn_id
        self._threads = Threads(AT_ONCE)
        self._lock = threading.Lock()
        self._client: CdfClient | None = None
        self._made_at = 0.0

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns, called in a thread, where it may :meth:`use` the client."""
        return await self._threads.call(function)

    def use(self, function: Callable[[CdfClient], T]) -> T:
        """Return what a function returns for the client; not for the thread of the event loop.

        Where the identity provider or CDF refuses the token of a client that is not new, the function is
        called once more for a new one, since the connection may have been mended.

        :raises ConnectionLookupError: and others of :meth:`.CdfRecordsHook.get_conn`.
        """
        from airflow_provider_cdf_records.client import CdfAuthError  # noqa: PLC0415 (costs time when parsed)

        client, is_new = self._current()
        try:
            return function(client)
        except CdfAuthError as error:
            self._forget(client)
            if is_new or error.retryable:
                raise
        client, _ = self._current()
        try:
            return function(client)
        except CdfAuthError:
            self._forget(client)
            raise

    def _current(self) -> tuple[CdfClient, bool]:
        """Return the client, and whether it was made for this call."""
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415

        with self._lock:
            if self._client is not None and time.monotonic() - self._made_at < LONGEST_LIFE:
                return self._client, False
            # The one before is closed by whoever uses it last, as Python drops it then.
            self._client = CdfRecordsHook(self._conn_id, max_concurrency=AT_ONCE).get_conn(patience=PATIENCE)
            self._made_at = time.monotonic()
            return self._client, True

    def _forget(self, client: CdfClient) -> None:
        with self._lock:
            if self._client is client:
                self._client = None

    def close(self) -> None:
        """Have calls that still run end soon."""
        client, self._client = self._client, None  # without the lock, which a lookup may hold for long
        if client is not None:
            client.cancel()
            client.close()


_shared: dict[tuple[asyncio.AbstractEventLoop, str], SharedClient] = {}


@contextmanager
def shared_client(conn_id: str) -> Iterator[SharedClient]:
    """Return the client of a connection that all triggers of this event loop share, while any uses it."""
    key = asyncio.get_running_loop(), conn_id
    shared = _shared.setdefault(key, SharedClient(conn_id))
    shared.users += 1
    try:
        yield shared
    finally:
        shared.users -= 1
        if not shared.users:
            _shared.pop(key, None)
            shared.close()
