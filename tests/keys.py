"""Keys, certificates and signed tokens for tests."""

from __future__ import annotations

import hashlib
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PEM = serialization.Encoding.PEM
PLAIN = serialization.NoEncryption()
PLATFORM_AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True, eq=False)
class KeyPair:
    """A private key and a self-signed certificate of it."""

    key: Any
    certificate: x509.Certificate

    def private_pem(self, encryption: serialization.KeySerializationEncryption = PLAIN) -> bytes:
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, encryption)

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def thumbprint(self, algorithm: str = "sha256") -> str:
        """Return the certificate's thumbprint as JWTs have it."""
        digest = hashlib.new(algorithm, self.certificate.public_bytes(serialization.Encoding.DER)).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def write(self, path: Path) -> Path:
        """Write both into one file, as the connection's extra ``certificate_file`` wants them."""
        path.write_bytes(self.private_pem() + self.certificate_pem())
        return path

    def write_certificate(self, path: Path) -> Path:
        """Write what others may know."""
        path.write_bytes(self.certificate_pem())
        return path

    def token(self, headers: dict[str, Any] | None = None, algorithm: str = "RS256", **claims: Any) -> str:
        """Return a federated token as a platform issues it, with other claims where they are given."""
        usual = {
            "iss": "https://platform",
            "sub": "worker",
            "aud": PLATFORM_AUDIENCE,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(
            usual | {"exp": int(time.time()) + 3600} | claims, self.key, algorithm, headers=headers
        )


@lru_cache
def key_pair(name: str = "client", kind: str = "rsa", days: int = 30) -> KeyPair:
    """Return the key pair of that name.

    :param kind: ``rsa``, or the size of an EC key in bits.
    :param days: from now until the certificate expires; it is as old as that, and a day.
    """
    curves = {"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1, "256k1": ec.SECP256K1}
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(curves[kind]())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=abs(days) + 1))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(key, certificate)
