"""Client assertions, with which a client without a secret asks for a token (RFC 7523)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import refused_assertion
from airflow_provider_cdf_records.local_server.clock import Clock

if TYPE_CHECKING:
    from airflow_provider_cdf_records.local_server.http.registered_keys import RegisteredKey


class Assertions:
    """Check assertions of known clients.

    :param certificates: client ids, and PEM files of the certificate or public key whose owner they are.
    :param issuers: client ids, and PEM files of the certificate or public key of the platform whose federated
        tokens vouch for them.
    :raises ValueError: a file cannot be used.
    """

    def __init__(self, certificates: Mapping[str, Path], issuers: Mapping[str, Path], clock: Clock) -> None:
        self._certificates = _read_keys(certificates)
        # A platform names its key in a token by a ``kid``, and no certificate.
        self._issuers = {client: replace(key, thumbprints={}) for client, key in _read_keys(issuers).items()}
        self._clock = clock
        self._used: dict[str, float] = {}  # ids of assertions and their expiry in epoch seconds

    def check(self, client: str, assertion: str, token_url: str) -> None:
        """Refuse an assertion that does not prove who the client is.

        :param token_url: the address that the assertion must be meant for, unless it is a federated token.
        :raises OAuthError: saying why.
        """
        if (registered := self._certificates.get(client)) is not None:
            claims = self._verified(registered, assertion, token_url)
            if not claims.get("iss") == claims.get("sub") == client:
                raise refused_assertion("its iss and sub must be the client id")
            self._use(claims)
        elif (registered := self._issuers.get(client)) is not None:
            self._verified(registered, assertion, facts.FEDERATED_AUDIENCE)
        else:
            raise refused_assertion("no certificate and no issuer is registered for this client")

    def _verified(self, registered: RegisteredKey, assertion: str, audience: str) -> dict[str, Any]:
        claims = registered.verified(assertion, audience)
        expiry = claims["exp"]
        lifetime = expiry - self._now() if isinstance(expiry, int | float) else 0
        if lifetime <= 0:
            raise refused_assertion("it has expired")
        if not lifetime <= facts.MAX_ASSERTION_LIFETIME:
            raise refused_assertion("it is valid for too long")
        return claims

    def _use(self, claims: Mapping[str, Any]) -> None:
        """Remember an assertion until it expires, so that nobody can use it again."""
        self._used = {used: expiry for used, expiry in self._used.items() if expiry > self._now()}
        name = claims.get("jti")
        if not isinstance(name, str):
            raise refused_assertion("it has no jti")
        if name in self._used:
            raise refused_assertion("its jti was used before")
        self._used[name] = claims["exp"]

    def _now(self) -> float:
        return self._clock.now_ms() / 1000


def _read_keys(paths: Mapping[str, Path]) -> dict[str, RegisteredKey]:
    if not paths:
        return {}
    # Most servers have none, and jwt and cryptography are a quarter of what a server imports.
    from airflow_provider_cdf_records.local_server.http.registered_keys import read_key  # noqa: PLC0415

    return {client: read_key(path) for client, path in paths.items()}
