"""Access tokens: fetched once, shared by all threads, renewed before they expire."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.config import ClientCredentials
from airflow_provider_cdf_records.client.errors import CdfAuthError
from airflow_provider_cdf_records.client.responses import Asked
from airflow_provider_cdf_records.client.shared_call import SharedCall

EXPIRY_MARGIN = 30.0  # seconds; the same as in the official SDK
DEFAULT_LIFETIME = 300.0  # seconds; for a provider that leaves expires_in out


class Tokens(Protocol):
    """The source of a client's access tokens."""

    def current(self) -> str:
        """Return a token that is not about to expire."""

    def renew(self, refused: str) -> str | None:
        """Return another token than the refused one; ``None`` where there is no other."""


class StaticTokens:
    """The one token that the connection holds."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        return self._token

    def renew(self, refused: str) -> None:  # noqa: ARG002
        return None


class ClientCredentialsTokens:
    """Tokens of the OAuth 2.0 client credentials flow.

    :param fetch: posts the form to the token URL and returns the answer's JSON.
    :param on_token: called with each new token before its first use, so that logs can mask it.
    :param wait: waits for a token that is asked for by another thread, until the client is told to stop.
    """

    def __init__(
        self,
        credentials: ClientCredentials,
        fetch: Callable[[str, dict[str, str]], Any],
        on_token: Callable[[str], None],
        wait: Callable[[Future[Any]], None],
        clock: Clock = SYSTEM,
    ) -> None:
        self._clock = clock
        self._credentials = credentials
        self._fetch = fetch
        self._on_token = on_token
        self._new_token = SharedCall(self._fetch_new, wait)
        self._token = ""
        self._renew_at = 0.0

    def current(self) -> str:
        return self._new_token(
            unless=lambda: self._token if self._clock.monotonic() < self._renew_at else None
        )

    def renew(self, refused: str) -> str:
        return self._new_token(unless=lambda: self._token if self._token != refused else None)

    def _fetch_new(self) -> str:
        asked_at = self._clock.monotonic()
        answer = self._fetch(self._credentials.token_url, self._form())
        token = answer.get("access_token") if isinstance(answer, dict) else None
        token = token.strip() if isinstance(token, str) else ""
        if token:
            self._on_token(token)
        if not is_header_safe(token):
            asked = Asked("POST", self._credentials.token_url)
            msg = f"{asked} was answered without an access_token; check that it is the token URL."
            raise CdfAuthError(msg)
        lifetime = _lifetime(answer.get("expires_in"))
        self._token = token
        self._renew_at = asked_at + lifetime - min(EXPIRY_MARGIN, lifetime / 2)
        return token

    def _form(self) -> dict[str, str]:
        credentials = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.secret,
            "scope": credentials.scopes,
            "audience": credentials.audience,
        }
        return {name: value for name, value in form.items() if value}


def is_header_safe(token: str) -> bool:
    """Return whether a token can be sent in a header: visible ASCII, without spaces."""
    return bool(token) and all("!" <= character <= "~" for character in token)


def _lifetime(value: Any) -> float:
    try:
        lifetime = float(value)
    except (TypeError, ValueError):
        return DEFAULT_LIFETIME
    return DEFAULT_LIFETIME if math.isnan(lifetime) else lifetime
