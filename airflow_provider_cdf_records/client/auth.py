"""Access tokens: fetched once, shared by all threads, renewed before they expire."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.config import ClientCredentials
from airflow_provider_cdf_records.client.errors import CdfAuthError

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
    """

    def __init__(
        self,
        credentials: ClientCredentials,
        fetch: Callable[[str, dict[str, str]], Any],
        on_token: Callable[[str], None],
        clock: Clock = SYSTEM,
    ) -> None:
        self._clock = clock
        self._credentials = credentials
        self._fetch = fetch
        self._on_token = on_token
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def current(self) -> str:
        with self._lock:
            if self._clock.monotonic() >= self._renew_at:
                self._fetch_new()
            return self._token

    def renew(self, refused: str) -> str:
        with self._lock:
            if self._token == refused:  # else another thread has renewed it already
                self._fetch_new()
            return self._token

    def _fetch_new(self) -> None:
        asked_at = self._clock.monotonic()
        answer = self._fetch(self._credentials.token_url, self._form())
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            msg = (
                f"POST {self._credentials.token_url} was answered without an access_token; "
                "check that this is the identity provider's token URL."
            )
            raise CdfAuthError(msg)
        self._on_token(token)
        lifetime = _lifetime(answer.get("expires_in"))
        self._token = token
        self._renew_at = asked_at + lifetime - min(EXPIRY_MARGIN, lifetime / 2)

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


def _lifetime(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return DEFAULT_LIFETIME
