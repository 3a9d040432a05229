"""The keys that client assertions are checked with; only servers that have some import them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from airflow_provider_cdf_records.local_server.checks.errors import refused_assertion

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

    def verified(self, assertion: str, audience: str) -> dict[str, Any]:
        """Return the claims of an assertion that this key has signed.

        :raises OAuthError: saying why it is refused.
        """
        try:
            header = jwt.get_unverified_header(assertion)
            claims: dict[str, Any] = jwt.decode(
                assertion,
                self.key,
                algorithms=self.algorithms,
                audience=audience,
                options={
                    "require": ["exp", "iss", "sub", "aud"],
                    "verify_exp": False,  # by our own clock, below
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidAudienceError:
            raise refused_assertion(f"its aud must be {audience}") from None
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise refused_assertion(str(error)) from None
        named = {name: header[name] for name in THUMBPRINTS if name in header}
        if self.thumbprints and not named:
            raise refused_assertion("its header names no certificate")
        if any(self.thumbprints.get(name, print_) != print_ for name, print_ in named.items()):
            raise refused_assertion("its header names another certificate")
        return claims


def read_key(path: Path) -> RegisteredKey:
    """Return the key in a PEM file.

    :raises ValueError: the file cannot be used.
    """
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
