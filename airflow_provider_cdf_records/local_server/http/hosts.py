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

    :param address: the address that the server listens on.
    :param host: the name of it that the server was given.
    :param allowed: more names to answer to.
    :raises ValueError: one of these is not a name.
    """

    def __init__(self, app: ASGIApp, address: str, host: str, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = {name_in(host), *map(_allowed_name, allowed)} - {""}
        self._on_loopback = is_loopback(address)

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
        name = name_in(host)
        if name in self._allowed or is_loopback(name):
            return True
        if self._on_loopback:
            return False
        return not is_of_the_page(path) or "." not in name or _address(name) is not None


def name_in(host: str) -> str:
    """Return the name in a ``Host`` such as ``Cdf.:8765``, written in one way; empty when there is none."""
    if (address := _address(host)) is not None:
        return str(address)
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
    return name if (address := _address(name)) is None else str(address)


def is_loopback(name: str) -> bool:
    """Tell whether a name or an address is one that only this machine can reach."""
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback


def _allowed_name(allowed: str) -> str:
    name = name_in(allowed)
    if not name or set(allowed) & set("/@?# "):
        msg = f"allowed host {allowed!r} must be a name such as host.docker.internal"
        raise ValueError(msg)
    return name


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
