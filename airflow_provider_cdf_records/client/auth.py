"""Access tokens: fetched once, shared by all threads, renewed before they expire."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
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
from airflow_provider_cdf_records.client.responses import Asked
from airflow_provider_cdf_records.client.shared_call import SharedCall

EXPIRY_MARGIN = 30.0  # seconds; the same as in the official SDK
DEFAULT_LIFETIME = 300.0  # seconds; for a provider that leaves expires_in out

Post = Callable[[str, dict[str, str]], Any]
Wait = Callable[[Future[Any]], None]


class Tokens(Protocol):
    """The source of a client's access tokens."""

    def current(self) -> str:
        """Return a token that is not about to expire."""

    def renew(self, refused: str) -> str | None:
        """Return another token than the refused one; ``None`` where there is no other."""


def tokens_for(
    auth: Auth, post: Post, on_token: Callable[[str], None], wait: Wait, clock: Clock = SYSTEM
) -> Tokens:
    """Return the tokens that a configuration asks for.

    :param post: posts a form to the token URL and returns the answer's JSON.
    :param on_token: called with each new token or assertion before its first use, so that logs can mask it.
    :param wait: waits for a token that is asked for by another thread, until the client is told to stop.
    """
    if isinstance(auth, StaticToken):
        on_token(auth.token)
        return StaticTokens(auth.token)
    if isinstance(auth, ClientCredentials | ClientAssertions):
        return RenewedTokens(TokenEndpoint(auth, post, on_token), on_token, wait, clock)
    return RenewedTokens(auth, on_token, wait, clock)


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

    def __init__(
        self, issue: TokenSource, on_token: Callable[[str], None], wait: Wait, clock: Clock = SYSTEM
    ) -> None:
        self._issue = issue
        self._on_token = on_token
        self._clock = clock
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
        issued = self._issue()
        self._on_token(issued.token)
        lifetime = DEFAULT_LIFETIME if issued.lifetime is None else issued.lifetime
        self._token = issued.token
        self._renew_at = asked_at + lifetime - min(EXPIRY_MARGIN, lifetime / 2)
        return issued.token


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
        token = token.strip() if isinstance(token, str) else ""
        if not is_header_safe(token):
            asked = Asked("POST", url, for_token=True)
            msg = f"{asked} was answered without an access_token; check that it is the token URL."
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


def is_header_safe(token: str) -> bool:
    """Return whether a token can be sent in a header: visible ASCII, without spaces."""
    return bool(token) and all("!" <= character <= "~" for character in token)


def _lifetime(value: Any) -> float | None:
    try:
        lifetime = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(lifetime) else lifetime
