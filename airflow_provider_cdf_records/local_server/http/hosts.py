"""The names that the server answers to, so that no web site reaches it through a browser."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.http.bodies import drain, error_answer
from airflow_provider_cdf_records.local_server.http.page import is_of_the_page


class Hosts:
    """Refuse requests whose ``Host`` is not a name of this server.

    With DNS rebinding, a web site gives its own name the address of this server, and reads and writes through
    a browser; the name is then what tells.

    A server that only this machine can reach answers to this machine's names. Any other one cannot know what
    it is called: only its page, which needs no token, refuses names with a dot.

    :param host: the address that the server listens on.
    :param allowed: more names to answer to.
    """

    def __init__(self, app: ASGIApp, host: str, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = {name.lower() for name in ("localhost", host, *allowed)}
        self._on_loopback = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        foreign = self._foreign_host(scope) if scope["type"] == "http" else None
        if foreign is None:
            await self._app(scope, receive, send)
            return
        await drain(receive)
        refusal = ApiError(
            403,
            f"Host {foreign!r} is not a name of this local server: use its address, or start it with "
            "--allow-host NAME (LocalServer(allowed_hosts=[...])).",
        )
        await error_answer(refusal)(scope, receive, send)

    def _foreign_host(self, scope: Scope) -> str | None:
        for header, value in scope["headers"]:
            if header == b"host" and not self._answers_to(host := value.decode("latin-1"), scope["path"]):
                return str(host)
        return None

    def _answers_to(self, host: str, path: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._allowed or is_loopback(name):
            return True
        if self._on_loopback:
            return False
        return not is_of_the_page(path) or "." not in name or _address(name) is not None


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
