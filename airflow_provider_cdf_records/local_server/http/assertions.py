"""Client assertions, with which a client without a secret asks for a token (RFC 7523)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import OAuthError
from airflow_provider_cdf_records.local_server.clock import Clock

RSA_ALGORITHMS = ["RS256", "PS256"]
EC_ALGORITHMS = ["ES256", "ES384", "ES512"]
THUMBPRINTS = {"x5t#S256": SHA256, "x5t": SHA1}  # names in an assertion's header


@dataclass(frozen=True)
class RegisteredKey:
    """A public key that assertions are checked with, and the thumbprints of its certificate if it has one."""

    key: RSAPublicKey | EllipticCurvePublicKey
    thumbprints: Mapping[str, str]

    @property
    def algorithms(self) -> list[str]:
        """The algorithms that fit the key."""
        return RSA_ALGORITHMS if isinstance(self.key, RSAPublicKey) else EC_ALGORITHMS


class Assertions:
    """Check assertions of known clients.

    :param certificates: client ids, and PEM files of the certificate or public key whose owner they are.
    :param issuers: client ids, and PEM files of the certificate or public key of the platform whose federated
        tokens vouch for them.
    :raises ValueError: a file cannot be used.
    """

    def __init__(self, certificates: Mapping[str, Path], issuers: Mapping[str, Path], clock: Clock) -> None:
        self._certificates = {client: _read_key(path) for client, path in certificates.items()}
        # A platform names its key in a token by a ``kid``, and no certificate.
        self._issuers = {client: replace(_read_key(path), thumbprints={}) for client, path in issuers.items()}
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
                raise refused("its iss and sub must be the client id")
            self._use(claims)
        elif (registered := self._issuers.get(client)) is not None:
            self._verified(registered, assertion, facts.FEDERATED_AUDIENCE)
        else:
            raise refused("no certificate and no issuer is registered for this client")

    def _verified(self, registered: RegisteredKey, assertion: str, audience: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(assertion)
            claims: dict[str, Any] = jwt.decode(
                assertion,
                registered.key,
                algorithms=registered.algorithms,
                audience=audience,
                options={
                    "require": ["exp", "iss", "sub", "aud"],
                    "verify_exp": False,  # by our own clock, below
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidAudienceError:
            raise refused(f"its aud must be {audience}") from None
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise refused(str(error)) from None
        named = {name: header[name] for name in THUMBPRINTS if name in header}
        if registered.thumbprints and not named:
            raise refused("its header names no certificate")
        if any(registered.thumbprints.get(name, print_) != print_ for name, print_ in named.items()):
            raise refused("its header names another certificate")
        expiry = claims["exp"]
        lifetime = expiry - self._now() if isinstance(expiry, int | float) else 0
        if lifetime <= 0:
            raise refused("it has expired")
        if not lifetime <= facts.MAX_ASSERTION_LIFETIME:
            raise refused("it is valid for too long")
        return claims

    def _use(self, claims: Mapping[str, Any]) -> None:
        """Remember an assertion until it expires, so that nobody can use it again."""
        self._used = {used: expiry for used, expiry in self._used.items() if expiry > self._now()}
        name = claims.get("jti")
        if not isinstance(name, str):
            raise refused("it has no jti")
        if name in self._used:
            raise refused("its jti was used before")
        self._used[name] = claims["exp"]

    def _now(self) -> float:
        return self._clock.now_ms() / 1000


def refused(why: str) -> OAuthError:
    """Return the error for an assertion."""
    return OAuthError(401, "invalid_client", f"The client assertion is refused: {why.rstrip('.')}.")


def _read_key(path: Path) -> RegisteredKey:
    try:
        pem = path.read_bytes()
        if b"-----BEGIN CERTIFICATE-----" not in pem:
            return _registered(load_pem_public_key(pem), {})
        certificate = load_pem_x509_certificate(pem)
        prints = {name: _encoded(certificate.fingerprint(made_by())) for name, made_by in THUMBPRINTS.items()}
        return _registered(certificate.public_key(), prints)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        msg = f"{path} must be a PEM file of a certificate or public key: {error}"
        raise ValueError(msg) from None


def _registered(key: object, thumbprints: Mapping[str, str]) -> RegisteredKey:
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        return RegisteredKey(key, thumbprints)
    msg = "the key must be RSA or EC"
    raise ValueError(msg)


def _encoded(digest: bytes) -> str:
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
