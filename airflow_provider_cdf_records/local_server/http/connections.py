"""The open connections, so that one can be closed in the middle of a request."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.auto import AutoHTTPProtocol


class Connections:
    """Find a connection by the address of its client."""

    def __init__(self) -> None:
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}

    def close(self, scope: Scope) -> None:
        """Close the connection of a request, after what was already written has been sent."""
        if transport := self._transports.get(tuple(scope["client"])):
            transport.close()

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's HTTP protocol, extended to record its connections here."""
        transports = self._transports

        class TrackedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
            def connection_made(self, transport: Any) -> None:
                transports[transport.get_extra_info("peername")[:2]] = transport
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(error)

        return TrackedProtocol
