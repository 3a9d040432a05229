"""Signs client assertions with the key of a certificate. Slow to import."""

from __future__ import annotations

import time
import uuid
from base64 import urlsafe_b64encode
from datetime import datetime, timezone
from typing import TypeAlias

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

LIFETIME = 300  # seconds that an assertion is valid: it is used at once
EC_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}  # by curve

Key: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey


def sign(pem: bytes, *, client_id: str, token_url: str, for_entra_id: bool) -> str:
    """Return a new client assertion.

    Microsoft Entra ID wants PS256 and the certificate's SHA-256 thumbprint. All others know RS256, and some
    only the older thumbprint.

    :param pem: a certificate and its private key.
    :raises ValueError: saying what is wrong with ``pem``, and nothing of what is in it.
    """
    key = _private_key(pem)
    certificate = _certificate_of(key, pem)
    if isinstance(key, RSAPrivateKey):
        algorithm = "PS256" if for_entra_id else "RS256"
    else:
        algorithm = EC_ALGORITHMS[key.curve.name]
    thumbprints = {"x5t#S256": _thumbprint(certificate, hashes.SHA256())}
    if not for_entra_id:
        thumbprints["x5t"] = _thumbprint(certificate, hashes.SHA1())  # noqa: S303 (a name, not a protection)
    now = int(time.time())
    claims = {
        "aud": token_url,
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode(claims, key, algorithm, headers=thumbprints)


def _private_key(pem: bytes) -> Key:
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        msg = "has an encrypted private key; store it without a passphrase"
        raise ValueError(msg) from None
    except Exception:  # of many kinds, and their words may quote the file
        msg = "holds no private key in PEM form that can be read"
        raise ValueError(msg) from None
    if isinstance(key, RSAPrivateKey) or (
        isinstance(key, EllipticCurvePrivateKey) and key.curve.name in EC_ALGORITHMS
    ):
        return key
    msg = "has a private key that is neither RSA nor of the curves P-256, P-384 and P-521"
    raise ValueError(msg)


def _certificate_of(key: Key, pem: bytes) -> Certificate:
    try:
        certificates = load_pem_x509_certificates(pem)
    except ValueError:
        certificates = []
    found = next((one for one in certificates if one.public_key() == key.public_key()), None)
    if found is None:
        msg = "holds no certificate of its private key; put both into it, in PEM form"
        raise ValueError(msg)
    if found.not_valid_after_utc < datetime.now(timezone.utc):
        msg = f"has a certificate that expired on {found.not_valid_after_utc:%Y-%m-%d}; renew it"
        raise ValueError(msg)
    return found


def _thumbprint(certificate: Certificate, algorithm: hashes.HashAlgorithm) -> str:
    return urlsafe_b64encode(certificate.fingerprint(algorithm)).rstrip(b"=").decode()
