"""Access tokens: fetched once, shared by all threads, renewed before they expire."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from airflow_provider_cdf_records.client.assertions import ASSERTION_TYPE, client_assertion
from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.config import (
    Auth,
    ClientAssertions,
    ClientCredentials,
    IssuedToken,
    StaticToken,
    TokenSource,
)
from airflow_provider_cdf_records.client.errors import CdfAuthError

EXPIRY_MARGIN = 30.0  # seconds; the same as in the official SDK
DEFAULT_LIFETIME = 300.0  # seconds; for a provider that leaves expires_in out

Post = Callable[[str, dict[str, str]], Any]


class Tokens(Protocol):
    """The source of a client's access tokens."""

    def current(self) -> str:
        """Return a token that is not about to expire."""

    def renew(self, refused: str) -> str | None:
        """Return another token than the refused one; ``None`` where there is no other."""


def tokens_for(auth: Auth, post: Post, on_token: Callable[[str], None], clock: Clock = SYSTEM) -> Tokens:
    """Return the tokens that a configuration asks for.

    :param post: posts a form to the token URL and returns the answer's JSON.
    :param on_token: called with each new token or assertion before its first use, so that logs can mask it.
    """
    if isinstance(auth, StaticToken):
        on_token(auth.token)
        return StaticTokens(auth.token)
    if isinstance(auth, ClientCredentials | ClientAssertions):
        return RenewedTokens(TokenEndpoint(auth, post, on_token), on_token, clock)
    return RenewedTokens(auth, on_token, clock)


class StaticTokens:
    """The one token that the connection holds."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        return self._token

    def renew(self, refused: str) -> None:  # noqa: ARG002
        return None


class RenewedTokens:
    """Tokens that are issued anew ahead of the expiry of the one before."""

    def __init__(self, issue: TokenSource, on_token: Callable[[str], None], clock: Clock = SYSTEM) -> None:
        self._issue = issue
        self._on_token = on_token
        self._clock = clock
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
        issued = self._issue()
        self._on_token(issued.token)
        lifetime = DEFAULT_LIFETIME if issued.lifetime is None else issued.lifetime
        self._token = issued.token
        self._renew_at = asked_at + lifetime - min(EXPIRY_MARGIN, lifetime / 2)


class TokenEndpoint:
    """Asks a token URL for tokens, by the OAuth 2.0 client credentials flow.

    :param credentials: what proves that the client is the one it says: a secret, or assertions.
    """

    def __init__(
        self, credentials: ClientCredentials | ClientAssertions, post: Post, on_token: Callable[[str], None]
    ) -> None:
        self._credentials = credentials
        self._post = post
        self._on_token = on_token

    def __call__(self) -> IssuedToken:
        url = self._credentials.token_url
        answer = self._post(url, self._form())
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            msg = (
                f"POST {url} was answered without an access_token; "
                "check that this is the identity provider's token URL."
            )
            raise CdfAuthError(msg)
        return IssuedToken(token, _lifetime(answer.get("expires_in")))

    def _form(self) -> dict[str, str]:
        credentials = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "scope": credentials.scopes,
            "audience": credentials.audience,
            **self._proof(),
        }
        return {name: value for name, value in form.items() if value}

    def _proof(self) -> Mapping[str, str]:
        if isinstance(self._credentials, ClientCredentials):
            return {"client_secret": self._credentials.secret}
        assertion = client_assertion(self._credentials)
        self._on_token(assertion)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _lifetime(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None
