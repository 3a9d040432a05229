"""Access tokens: signed, so that the server keeps none, and valid for a limited time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError, OAuthError
from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.assertions import Assertions


class Tokens:
    """Issue tokens to known clients, and check them.

    :param clients: client ids and their secrets.
    :param assertions: checks clients that have no secret.
    :param lifetime: seconds that a token is valid.
    """

    def __init__(
        self, clients: Mapping[str, str], assertions: Assertions, lifetime: float, clock: Clock
    ) -> None:
        self._clients = clients
        self._assertions = assertions
        self._lifetime = lifetime
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def grant(self, form: Mapping[str, str], authorization: str | None, url: str) -> dict[str, Any]:
        """``POST /oauth2/token`` of the client credentials flow.

        The credentials are a secret, in the form or in HTTP Basic, or a client assertion in the form.

        :param url: the address that was asked.
        :raises OAuthError: the client or its request is refused.
        """
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "grant_type must be client_credentials.")
        if "client_assertion" in form:
            return self._grant_for_assertion(form, url)
        client, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        known = self._clients.get(client)
        if known is None or not hmac.compare_digest(secret.encode(), known.encode()):
            raise OAuthError(401, "invalid_client", "client_id or client_secret is wrong.")
        return self._granted(client)

    def check(self, authorization: str | None) -> None:
        """Refuse a request without a valid token."""
        if authorization is None or not authorization.lower().startswith("bearer "):
            raise ApiError(401, "Unauthorized: no bearer token in the Authorization header.")
        claims = self._read(authorization)
        if claims is None:
            raise ApiError(401, "Unauthorized: not a token of this server.")
        _, expiry_ms = claims
        if expiry_ms < self._clock.now_ms():
            raise ApiError(401, "Unauthorized: the token has expired.")

    def client_of(self, authorization: str | None) -> str | None:
        """Return the client that a token was issued to; ``None`` when this server did not issue it."""
        claims = self._read(authorization or "")
        return claims[0] if claims else None

    def _grant_for_assertion(self, form: Mapping[str, str], url: str) -> dict[str, Any]:
        if form.get("client_assertion_type") != facts.ASSERTION_TYPE:
            raise OAuthError(400, "invalid_request", f"client_assertion_type must be {facts.ASSERTION_TYPE}.")
        client = form.get("client_id", "")
        self._assertions.check(client, form["client_assertion"], url)
        return self._granted(client)

    def _granted(self, client: str) -> dict[str, Any]:
        return {"access_token": self._issue(client), "token_type": "Bearer", "expires_in": self._lifetime}

    def _issue(self, client: str) -> str:
        claims = json.dumps([client, self._clock.now_ms() + round(self._lifetime * 1000)]).encode()
        payload = base64.urlsafe_b64encode(claims).decode()
        return f"{payload}.{self._signature(payload)}"

    def _read(self, authorization: str) -> tuple[str, int] | None:
        payload, _, signature = authorization.partition(" ")[2].partition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), self._signature(payload).encode()):
            return None
        client, expiry_ms = json.loads(base64.urlsafe_b64decode(payload))
        return client, expiry_ms

    def _signature(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode(errors="replace"), hashlib.sha256).hexdigest()


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return unquote_plus(name), unquote_plus(secret)
