"""Access tokens: signed, so that none has to be kept, and good for a while."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from airflow_provider_cdf_records.local_server.errors import ApiError, OAuthError


class Tokens:
    """Gives out tokens for the one client there is, and knows its own again."""

    def __init__(self, client_id: str, client_secret: str, lifetime: float) -> None:
        self._client = (client_id, client_secret)
        self._lifetime = lifetime
        self._key = secrets.token_bytes(32)

    def grant(self, form: Mapping[str, str], authorization: str | None) -> dict[str, Any]:
        """``POST /oauth2/token`` of the client credentials flow; credentials in the form or in HTTP Basic.

        :raises OAuthError: as RFC 6749 has it.
        """
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "grant_type must be client_credentials.")
        given = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not hmac.compare_digest("\n".join(given).encode(), "\n".join(self._client).encode()):
            raise OAuthError(401, "invalid_client", "client_id or client_secret is wrong.")
        return {"access_token": self._issue(), "token_type": "Bearer", "expires_in": self._lifetime}

    def check(self, authorization: str | None) -> None:
        """Refuse a request without a good token."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(401, "Unauthorized: no bearer token in the Authorization header.")
        expiry, _, signature = token.partition(".")
        if not hmac.compare_digest(signature, self._signature(expiry)):
            raise ApiError(401, "Unauthorized: not a token of this server.")
        if float.fromhex(expiry.replace("_", ".")) < time.time():
            raise ApiError(401, "Unauthorized: the token has expired.")

    def _issue(self) -> str:
        expiry = (time.time() + self._lifetime).hex().replace(".", "_")
        return f"{expiry}.{self._signature(expiry)}"

    def _signature(self, expiry: str) -> str:
        return hmac.new(self._key, expiry.encode(errors="replace"), hashlib.sha256).hexdigest()


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (ValueError, binascii.Error):
        return None
    return unquote_plus(name), unquote_plus(secret)
